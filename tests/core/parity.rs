//! The same record gives the same features and scores, to the bit, whichever way it comes: encoded for training,
//! in a batch file (columns in any order), as named values in real time, and through a stored model.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;
use yosoku::ml::draft::{Draft, Written};
use yosoku::ml::features::{FeatureVector, Featurizer, MOST_FEATURES, TermState};
use yosoku::ml::hash::Stream;
use yosoku::ml::learn::Design;
use yosoku::ml::model::{Bundle, LinearModel};
use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::encode::TrainingRows;
use yosoku::ml::pipeline::table::MemoryTable;
use yosoku::ml::pipeline::{BatchOptions, predict, train};
use yosoku::ml::predict::{Predictor, Scratch};
use yosoku::ml::recipe::resolve;
use yosoku::ml::recipe::term::Tokens;
use yosoku::ml::record::Record;
use yosoku::ml::schema::{AttributeType, Schema};
use yosoku::ml::split::{Selector, Split};

use crate::support::{DATASETS, request, sample};

/// Features and scores of one row, as bits.
#[derive(Debug, PartialEq)]
struct Row {
    dense: Vec<u32>,
    active: Vec<u32>,
    scores: Vec<u64>,
}

impl Row {
    fn new(features: &FeatureVector, scores: &[f64]) -> Self {
        Self {
            dense: features.dense.iter().map(|x| x.to_bits()).collect(),
            active: features.active.clone(),
            scores: scores.iter().map(|x| x.to_bits()).collect(),
        }
    }
}

fn read_csv(bytes: &[u8]) -> (Vec<String>, Vec<csv::StringRecord>) {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().unwrap().iter().map(str::to_string).collect();
    (header, reader.records().map(Result::unwrap).collect())
}

/// The rows as the learner sees them, scored by the bare model: read again, and as the first pass kept them, which keeps
/// whole texts where they seem to repeat themselves.
fn by_training(bundle: &Bundle, table: &MemoryTable) -> [(&'static str, Vec<Row>); 3] {
    [
        ("read again", 0, Vec::new()),
        ("kept", 1 << 30, Vec::new()),
        ("kept as texts", 1 << 30, vec![Some((10, 1_000_000)); 1000]),
    ]
    .map(|(how, room, distinct)| (how, by_learner(bundle, table, room, distinct)))
}

fn by_learner(
    bundle: &Bundle,
    table: &MemoryTable,
    room: usize,
    distinct: Vec<Option<(u64, u64)>>,
) -> Vec<Row> {
    let document = &bundle.document;
    let rows = TrainingRows {
        table,
        schema: &document.schema,
        target: document.schema.target_index().unwrap(),
        split: &Selector::all(),
        distinct,
        room,
    };
    let featurizer = Featurizer::new(document.featurizer.clone(), &document.schema);
    // As if there were many rows, so that features which come together are joined.
    let expected = (&document.target, 1_000_000);
    let terms = resolve(&document.recipe, &document.schema).unwrap();
    let most = |_| MOST_FEATURES;
    let learned = rows.learn(&terms, &most, document.target.clone(), &mut Silent);
    let kept = learned.unwrap().kept;
    assert_eq!(kept.is_some(), room > 0);
    let encoded = rows.encode(&featurizer, expected, (kept, None), &mut Silent);
    scored(bundle, &encoded.unwrap().0)
}

fn scored(bundle: &Bundle, design: &Design) -> Vec<Row> {
    let document = &bundle.document;
    let model = LinearModel {
        task: document.target.task(),
        outputs: document.outputs,
        beta: bundle.beta.clone(),
    };
    let mut found = Vec::new();
    design.shards.for_each(|_, shard| {
        shard.for_each_row(design.dense, |_, dense, active| {
            let features = FeatureVector {
                dense: dense.to_vec(),
                active: active.to_vec(),
            };
            let mut scores = Vec::new();
            model.score(&features, &mut scores);
            found.push(Row::new(&features, &scores));
        });
    });
    found
}

/// The scores in a batch's output, parsed back from text.
fn by_batch(predictor: &Predictor, bytes: &[u8]) -> Vec<Vec<u64>> {
    let mut out = Vec::new();
    let options = BatchOptions::default();
    predict(
        predictor,
        &MemoryTable::new(bytes),
        &options,
        &mut out,
        &mut Silent,
    )
    .unwrap();
    let (header, records) = read_csv(&out);
    let labels = predictor.target().labels();
    let is_score = |name: &str| name == "score" || (labels.len() > 2 && labels.contains(&name));
    let columns: Vec<usize> = (0..header.len()).filter(|&c| is_score(&header[c])).collect();
    let scores = |record: &csv::StringRecord| {
        let bits = |&column: &usize| record[column].parse::<f64>().unwrap().to_bits();
        columns.iter().map(bits).collect()
    };
    records.iter().map(scores).collect()
}

/// A field as a client would send it: numbers of numeric attributes as JSON numbers, empty as null.
fn as_json(schema: &Schema, name: &str, field: &str) -> Value {
    let kind = schema.index_of(name).map(|index| schema.attributes[index].kind);
    match (kind, serde_json::from_str(field)) {
        _ if field.is_empty() => Value::Null,
        (Some(AttributeType::Numeric), Ok(number @ Value::Number(_))) => number,
        _ => Value::String(field.into()),
    }
}

fn by_real_time(predictor: &Predictor, header: &[String], record: &csv::StringRecord) -> Row {
    let fields: BTreeMap<String, Value> = header
        .iter()
        .zip(record)
        .map(|(name, field)| (name.clone(), as_json(predictor.schema(), name, field)))
        .collect();
    let sent = serde_json::to_string(&fields).unwrap();
    let received: BTreeMap<String, Value> = serde_json::from_str(&sent).unwrap();
    let text = |value: Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    let (mut draft, mut buffer, mut scratch) = (Draft::default(), Record::new(), Scratch::default());
    predictor.begin(&mut draft);
    for (name, value) in received {
        let attribute = predictor.lookup().find(&name, 0).unwrap();
        draft.set(attribute, &text(value), Written::Plain).unwrap();
    }
    draft.write(&mut buffer);
    predictor.score(&buffer, &mut scratch);
    Row::new(&scratch.features, &scratch.scores)
}

/// The same table with its columns in reverse order.
fn reversed(header: &[String], records: &[csv::StringRecord]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header.iter().rev()).unwrap();
    for record in records {
        let fields: Vec<&str> = record.iter().collect();
        writer.write_record(fields.iter().rev()).unwrap();
    }
    writer.into_inner().unwrap()
}

/// Trains on `bytes` and holds all ways against each other. Rows without a target are not in the training path.
fn check(what: &str, bytes: &[u8], target: &str) -> Bundle {
    let table = MemoryTable::new(bytes);
    let bundle = train(&table, &request(target, Split::all()), &mut Silent)
        .unwrap()
        .bundle;
    let predictor = Predictor::new(&bundle).unwrap();
    let (header, records) = read_csv(bytes);
    let truth = header.iter().position(|name| name == target).unwrap();

    let real_time: Vec<Row> = records
        .iter()
        .map(|record| by_real_time(&predictor, &header, record))
        .collect();
    let scores: Vec<&Vec<u64>> = real_time.iter().map(|row| &row.scores).collect();
    let known: Vec<&Row> = real_time
        .iter()
        .zip(&records)
        .filter(|(_, record)| !record[truth].is_empty())
        .map(|(row, _)| row)
        .collect();
    let other_way = MemoryTable::new(reversed(&header, &records));
    let both_ways = [&table, &other_way].map(|table| by_training(&bundle, table));
    for (how, training) in both_ways.as_flattened() {
        assert_eq!(training.len(), known.len(), "{what}, {how}");
        for (index, (trained, known)) in training.iter().zip(&known).enumerate() {
            assert_eq!(
                trained, *known,
                "{what}, {how}: training and real time, row {index}"
            );
        }
    }
    let batch = by_batch(&predictor, bytes);
    assert_eq!(
        batch.iter().collect::<Vec<_>>(),
        scores,
        "{what}: batch and real time"
    );
    let batch = by_batch(&predictor, &reversed(&header, &records));
    assert_eq!(
        batch.iter().collect::<Vec<_>>(),
        scores,
        "{what}: columns in reverse order"
    );

    let stored = Bundle::decode(&bundle.encode()).unwrap();
    assert_eq!(stored, bundle, "{what}");
    let predictor = Predictor::new(&stored).unwrap();
    for (record, row) in records.iter().zip(&real_time) {
        assert_eq!(
            &by_real_time(&predictor, &header, record),
            row,
            "{what}: stored model"
        );
    }
    bundle
}

#[test]
fn every_sample_file() {
    for name in DATASETS {
        check(name, &sample(name), "target");
    }
}

/// A table with every type of attribute, missing fields of every kind, quotes, and rows enough for bins.
fn made(rows: u64, target: impl Fn(f64, u64, bool) -> String) -> String {
    let mut stream = Stream::new(42);
    let mut text = String::from("row,weight,visits,zip,colour,note,member,same,y\n");
    for i in 0..rows {
        let weight = stream.next_unit() * 200.0 - 50.0;
        let visits = stream.next_u64() % 40;
        let member = stream.next_unit() < 0.5;
        let y = target(weight, visits, member);
        let weight = match i % 17 {
            3 => String::new(),
            5 => "NA".into(),
            7 => format!("{weight:e}"),
            _ => weight.to_string(),
        };
        let colour = ["red", "light blue", "", "NA", "Red"][(stream.next_u64() % 5) as usize];
        let word =
            |n: u64| ["fast", "slow,", "\"\"quoted\"\"", "new\nline", "ünïcode", "42"][(n % 6) as usize];
        let note = match i % 11 {
            0 => String::new(),
            _ => format!(
                "{} {} {} w{}",
                word(stream.next_u64()),
                word(stream.next_u64()),
                word(stream.next_u64()),
                stream.next_u64() % 300
            ),
        };
        let member = match i % 13 {
            1 => "",
            _ if member => "yes",
            _ => "no",
        };
        let zip = stream.next_u64() % 400;
        writeln!(
            text,
            "{i},{weight},{visits},{zip:05},{colour},\"{note}\",{member},constant,{y}"
        )
        .unwrap();
    }
    text
}

/// The target of a row, from its weight, visits and membership.
type Answer<'a> = &'a dyn Fn(f64, u64, bool) -> String;

#[test]
fn a_table_with_every_kind_of_attribute_and_gap() {
    let answers: [(&str, Answer); 3] = [
        ("binary", &|w, v, m| {
            if v == 7 {
                ""
            } else if (w > 0.0 && w < 100.0) || (m && v < 5) {
                "good"
            } else {
                "bad"
            }
            .into()
        }),
        ("multiclass", &|w, v, _| {
            if !(0.0..=100.0).contains(&w) {
                "low"
            } else if v > 20 {
                ""
            } else {
                "high"
            }
            .into()
        }),
        ("regression", &|w, v, m| {
            if v == 9 {
                String::new()
            } else {
                (w * w * 0.01 + v as f64 * f64::from(u8::from(m))).to_string()
            }
        }),
    ];
    for (what, answer) in answers {
        let third = |w: f64, v: u64, m: bool| match answer(w, v, m) {
            text if what == "multiclass" && text == "high" && m => "top".to_string(),
            text => text,
        };
        let bundle = check(what, made(3000, third).as_bytes(), "y");
        let document = &bundle.document;
        assert_eq!(document.target.task().as_str(), what);
        let terms = &document.featurizer.terms;
        let has = |wanted: fn(&TermState) -> bool| terms.iter().any(wanted);
        assert!(has(|term| matches!(
            term,
            TermState::Tokens {
                tokens: Tokens::Level { .. },
                ..
            }
        )));
        assert!(has(|term| matches!(
            term,
            TermState::Tokens {
                tokens: Tokens::Words(_) | Tokens::Ngrams { .. },
                ..
            }
        )));
        assert!(has(|term| matches!(term, TermState::Bin { .. })));
        assert!(document.featurizer.cuts[0].bounds.len() > 5);
        assert!(has(|term| matches!(term, TermState::Truth { .. })));
        assert!(has(|term| matches!(term, TermState::Missing { seen: true, .. })));
        let kind = |name: &str| {
            let schema = &document.schema;
            schema.attributes[schema.index_of(name).unwrap()].kind
        };
        assert_eq!(kind("weight"), AttributeType::Numeric);
        assert_eq!(kind("zip"), AttributeType::Categorical);
        assert_eq!(kind("note"), AttributeType::Text);
        assert_eq!(kind("member"), AttributeType::Binary);
        assert_eq!(document.schema.row_id.as_deref(), Some("row"));
        assert_eq!(document.schema.excluded, ["same"]);
    }
}

/// More categories than are looked up at once, days along a curve, and messages that addresses tell apart.
#[test]
fn many_categories_dates_and_addresses() {
    let mut stream = Stream::new(7);
    let mut text = String::from("day,note,");
    (0..40).for_each(|at| write!(text, "c{at},").unwrap());
    text.push_str("y\n");
    for row in 0..900 {
        let (month, day) = (1 + row / 28 % 12, 1 + row % 28);
        let is_linked = stream.next_unit() < 0.5;
        write!(text, "20{:02}-{month:02}-{day:02},", 10 + row / 336).unwrap();
        let word = |n: u64| ["ciao", "Hello!", "o_o", "a-b", "né"][(n % 5) as usize];
        let link = match is_linked {
            true => format!("https://x.y/{}?q={row}", stream.next_u64() % 1000),
            false => format!("pass{}", stream.next_u64() % 1000),
        };
        write!(
            text,
            "{} {} {link},",
            word(stream.next_u64()),
            word(stream.next_u64())
        )
        .unwrap();
        for at in 0..40 {
            let value = stream.next_u64() % (3 + 4 * at);
            match value {
                0 => text.push(','),
                1 => text.push_str("NA,"),
                _ => write!(text, "v{value},").unwrap(),
            }
        }
        let wave = f64::from(u8::from((200..500).contains(&row)));
        let chance = 0.1 + 0.5 * f64::from(u8::from(is_linked)) + 0.3 * wave;
        text.push_str(if stream.next_unit() < chance {
            "yes\n"
        } else {
            "no\n"
        });
    }
    let bundle = check("many", text.as_bytes(), "y");
    let levels = |term: &&TermState| {
        matches!(
            term,
            TermState::Tokens {
                tokens: Tokens::Level { .. },
                ..
            }
        )
    };
    assert_eq!(bundle.document.featurizer.terms.iter().filter(levels).count(), 40);
    let recipe = &bundle.document.recipe.outputs;
    let has = |part: &str| recipe.iter().any(|output| output.text.contains(part));
    assert!(
        has("quantile_bin(timestamp(day), ") && has("split_punct"),
        "{recipe:?}"
    );

    // A program that does not cut words at marks must not use the model.
    let mut other = bundle.clone();
    for term in &mut other.document.featurizer.terms {
        if let TermState::Tokens {
            tokens: Tokens::Words(text),
            ..
        } = term
        {
            text.split_punct = false;
        }
    }
    let refused = Predictor::new(&other)
        .map(|_| "used")
        .map_err(|error| error.code());
    assert_eq!(refused, Err("golden_row_differs"));
}
