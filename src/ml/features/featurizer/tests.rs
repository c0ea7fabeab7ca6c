//! The featurizer on small tables, term by term.

use std::collections::BTreeMap;

use super::*;
use crate::ml::date::DatePart;
use crate::ml::features::FeaturizerFit;
use crate::ml::recipe::term::{NumberSource, Term, TextSource, Tokens};

const SCHEMA: &str = r#"{"version":"1.0","dataFormat":"CSV","attributes":[
    {"attributeName":"n","attributeType":"NUMERIC","missingValues":["NA"]},
    {"attributeName":"b","attributeType":"BINARY"},
    {"attributeName":"c","attributeType":"CATEGORICAL"},
    {"attributeName":"t","attributeType":"TEXT"},
    {"attributeName":"d","attributeType":"CATEGORICAL","dateFormat":"%Y-%m-%d"}]}"#;

const ROWS: [[&str; 5]; 3] = [
    ["1", "yes", "red", "a b", "2024-01-01"],
    ["3", "0", "", "b c b", "2024-01-06"],
    ["NA", "", "red", "", ""],
];

fn number() -> NumberSource {
    NumberSource::Attribute(0)
}

fn text(lowercase: bool, no_punct: bool) -> TextSource {
    TextSource {
        attribute: 3,
        lowercase,
        no_punct,
        split_punct: false,
    }
}

fn level() -> Tokens {
    Tokens::Level {
        attribute: 2,
        lowercase: false,
    }
}

fn bin(bins: u32) -> Tokens {
    Tokens::Bin {
        number: number(),
        bins,
    }
}

fn fitted_on(rows: &[[&str; 5]], terms: &[Term], allowed: usize) -> Featurizer {
    let schema = Schema::from_json(SCHEMA).unwrap();
    let mut fit = FeaturizerFit::new(terms, &schema, allowed);
    let records: Vec<Record> = rows
        .iter()
        .map(|fields| Record::from_fields(fields.iter().copied()))
        .collect();
    loop {
        records.iter().for_each(|record| fit.add(&[record]));
        if !fit.next_pass() {
            break;
        }
    }
    Featurizer::new(fit.freeze(), &schema)
}

fn fitted(terms: &[Term]) -> Featurizer {
    fitted_on(&ROWS, terms, 1000)
}

type Features = (Vec<f32>, Vec<u32>, Vec<(usize, NoteKind)>);

fn features(featurizer: &Featurizer, fields: [&str; 5]) -> Features {
    let (mut workspace, mut vector) = (Workspace::default(), FeatureVector::default());
    let mut notes = Vec::new();
    featurizer.apply_noting(&Record::from_fields(fields), &mut workspace, &mut vector, |n| {
        notes.push((n.attribute, n.kind))
    });
    (vector.dense, vector.active, notes)
}

fn names(featurizer: &Featurizer) -> Vec<String> {
    let schema = Schema::from_json(SCHEMA).unwrap();
    let names = featurizer.state().names(&schema);
    names
        .iter()
        .map(|name| format!("{} {}", name.attribute, name.part))
        .collect()
}

#[test]
fn every_kind_of_bare_attribute() {
    let featurizer = fitted(&[
        Term::Number(number()),
        Term::Truth { attribute: 1 },
        Term::Tokens(level()),
        Term::Tokens(Tokens::Words(text(false, false))),
        Term::Missing { attribute: 0 },
        Term::Missing { attribute: 1 },
    ]);
    assert_eq!(
        names(&featurizer),
        [
            "n ",
            "b is true",
            "c = red",
            "c is missing",
            "t has b",
            "t has a",
            "t has c",
            "n is missing",
            "b is missing"
        ]
    );
    assert_eq!((featurizer.dense(), featurizer.sparse()), (1, 8));
    assert_eq!(
        features(&featurizer, ["1", "yes", "red", "b a b", ""]),
        (vec![-1.0], vec![0, 1, 3, 4], vec![])
    );
    let (dense, active, notes) = features(&featurizer, ["NA", "what", "blue", "z", ""]);
    assert_eq!((dense, active), (vec![0.0], vec![6, 7]));
    assert_eq!(
        notes,
        [
            (0, NoteKind::Missing),
            (1, NoteKind::Invalid),
            (2, NoteKind::UnknownCategory),
            (3, NoteKind::UnknownWords),
        ]
    );
    assert_eq!(
        features(&featurizer, ["5", "1", "", "a", ""]).2,
        [(0, NoteKind::OutOfRange), (2, NoteKind::Missing)]
    );
}

#[test]
fn bins_leave_missing_numbers_out() {
    let featurizer = fitted(&[Term::Tokens(bin(2)), Term::Missing { attribute: 0 }]);
    assert_eq!(features(&featurizer, ["2.9", "", "", "", ""]).1, [0]);
    assert_eq!(features(&featurizer, ["3", "", "", "", ""]).1, [1]);
    assert_eq!(features(&featurizer, ["", "", "", "", ""]).1, [2]);
    assert_eq!(
        features(&featurizer, ["9", "", "", "", ""]).2,
        [(0, NoteKind::OutOfRange)]
    );
}

#[test]
fn products_join_every_combination() {
    let featurizer = fitted(&[Term::Tokens(Tokens::Product(vec![
        level(),
        Tokens::Words(text(false, false)),
        Tokens::Truth { attribute: 1 },
    ]))]);
    assert_eq!(
        names(&featurizer),
        [
            "b × c × t = _b_0",
            "b × c × t = _c_0",
            "b × c × t = red_a_1",
            "b × c × t = red_b_1"
        ]
    );
    assert_eq!(features(&featurizer, ["", "t", "red", "b x", ""]).1, [3]);
    assert!(features(&featurizer, ["", "t", "red", "", ""]).1.is_empty());
}

#[test]
fn products_of_bins_are_counted_when_the_bins_are_known() {
    let featurizer = fitted(&[Term::Tokens(Tokens::Product(vec![bin(2), level()]))]);
    assert_eq!(names(&featurizer), ["n × c = < 3_red", "n × c = >= 3_"]);
    assert_eq!(features(&featurizer, ["-7", "", "red", "", ""]).1, [0]);
    assert_eq!(features(&featurizer, ["70", "", "", "", ""]).1, [1]);
    assert!(features(&featurizer, ["", "", "red", "", ""]).1.is_empty());
}

/// A combination that is new is no unknown category, and a category that only products read can be one.
#[test]
fn products_tell_unknown_categories() {
    let note = |featurizer: &Featurizer, fields| features(featurizer, fields).2;
    let unknown = [(2, NoteKind::UnknownCategory)];
    let featurizer = fitted(&[Term::Tokens(Tokens::Product(vec![bin(2), level()]))]);
    assert_eq!(note(&featurizer, ["1", "", "blue", "", ""]), unknown);
    assert_eq!(note(&featurizer, ["3", "", "red", "", ""]), []);
    assert_eq!(note(&featurizer, ["3", "", "", "", ""]), [(2, NoteKind::Missing)]);
    // A term of its own says it once.
    let featurizer = fitted(&[
        Term::Tokens(Tokens::Product(vec![bin(2), level()])),
        Term::Tokens(level()),
    ]);
    assert_eq!(note(&featurizer, ["1", "", "blue", "", ""]), unknown);
    let lowercase = Tokens::Level {
        attribute: 2,
        lowercase: true,
    };
    let featurizer = fitted(&[Term::Tokens(Tokens::Product(vec![lowercase, bin(2)]))]);
    assert_eq!(note(&featurizer, ["1", "", "RED", "", ""]), []);
    assert_eq!(note(&featurizer, ["1", "", "BLUE", "", ""]), unknown);
}

#[test]
fn dates_give_parts_and_days() {
    let part = |part| Term::Tokens(Tokens::DatePart { attribute: 4, part });
    let featurizer = fitted(&[
        Term::Number(NumberSource::Timestamp(4)),
        part(DatePart::DayOfWeek),
        part(DatePart::Month),
        Term::Missing { attribute: 4 },
    ]);
    assert_eq!(
        names(&featurizer),
        [
            "d as days since 1970-01-01",
            "d day of week = monday",
            "d day of week = saturday",
            "d month = 1",
            "d is missing"
        ]
    );
    assert_eq!(
        features(&featurizer, ["", "", "", "", "2024-01-06"]),
        (vec![1.0], vec![1, 2], vec![])
    );
    assert_eq!(
        features(&featurizer, ["", "", "", "", "last week"]),
        (vec![0.0], vec![3], vec![(4, NoteKind::Invalid)])
    );
    assert_eq!(
        features(&featurizer, ["", "", "", "", ""]).2,
        [(4, NoteKind::Missing)]
    );
}

#[test]
fn terms_share_words_of_the_same_source() {
    let schema = Schema::from_json(SCHEMA).unwrap();
    let source = text(true, true);
    let terms = [
        Term::Tokens(Tokens::Ngrams {
            text: source,
            longest: 2,
        }),
        Term::Tokens(Tokens::SparseBigrams {
            text: source,
            window: 3,
        }),
        Term::Tokens(Tokens::Product(vec![level(), Tokens::Words(source)])),
    ];
    let plan = Plan::new(&terms, &schema, &BTreeMap::new(), &[]);
    assert_eq!(plan.texts(), [source]);
}

#[test]
fn the_same_features_in_whatever_order_chunks_are_read_and_lanes_take_them() {
    let rows: Vec<[String; 5]> = (0..3000)
        .map(|i: u64| {
            let pick = |of: u64| crate::ml::hash::splitmix64(i * 7 + of) % (of * 11);
            [
                pick(90).to_string(),
                (pick(1) % 2).to_string(),
                format!("c{}", pick(5)),
                format!("w{} w{} w{}", pick(50), pick(51), pick(60)),
                String::new(),
            ]
        })
        .collect();
    let rows: Vec<[&str; 5]> = rows
        .iter()
        .map(|row| row.each_ref().map(String::as_str))
        .collect();
    let terms = [
        Term::Number(number()),
        Term::Tokens(bin(20)),
        Term::Tokens(level()),
        Term::Tokens(Tokens::Ngrams {
            text: text(true, true),
            longest: 3,
        }),
        Term::Tokens(Tokens::Product(vec![bin(20), level()])),
    ];
    let schema = Schema::from_json(SCHEMA).unwrap();
    let records: Vec<Record> = rows
        .iter()
        .map(|fields| Record::from_fields(fields.iter().copied()))
        .collect();
    let all: Vec<&Record> = records.iter().collect();
    let on = |lanes: usize, is_by_column: bool| {
        let fit = FeaturizerFit::new(&terms, &schema, 2000);
        let mut fit = fit.with_repeats(|_| is_by_column.then_some((10, 1000)));
        loop {
            if lanes == 0 {
                all.chunks(1100).for_each(|rows| fit.add(rows));
            } else {
                let (reading, lanes) = fit.lanes(lanes);
                let mut chunks: Vec<(&[&Record], crate::ml::features::Chunk)> =
                    all.chunks(1100).map(|rows| (rows, Default::default())).collect();
                for (rows, chunk) in chunks.iter_mut().rev() {
                    reading.read(rows, &mut Workspace::default(), chunk);
                }
                for mut lane in lanes {
                    chunks.iter().for_each(|(rows, chunk)| lane.add(rows, chunk));
                }
            }
            if !fit.next_pass() {
                return serde_json::to_string(&fit.freeze()).unwrap();
            }
        }
    };
    let one = on(0, false);
    for (lanes, is_by_column) in [(0, true), (1, true), (2, false), (7, true)] {
        assert_eq!(one, on(lanes, is_by_column), "{lanes} {is_by_column}");
    }
    assert!(one.contains("\"hashed\":"));
}

#[test]
fn a_short_budget_drops_the_rare_and_says_so() {
    let rows: Vec<[String; 5]> = (0..200)
        .map(|i| {
            let word = if i % 2 == 0 {
                "often".to_string()
            } else {
                format!("rare{i}")
            };
            [String::new(), String::new(), word, String::new(), String::new()]
        })
        .collect();
    let rows: Vec<[&str; 5]> = rows
        .iter()
        .map(|row| row.each_ref().map(String::as_str))
        .collect();
    let featurizer = fitted_on(&rows, &[Term::Tokens(level())], 50);
    assert_eq!(featurizer.features(), 1);
    let space = featurizer.state().space;
    assert_eq!(
        (space.tokens, space.dropped, space.dropped_occurrences),
        (101, 100, 100)
    );
    assert!(
        space
            .warning()
            .unwrap()
            .contains("100 rare values and words were dropped (50.00 %")
    );
    assert_eq!(
        features(&featurizer, ["", "", "rare1", "", ""]).2,
        [(2, NoteKind::UnknownCategory)]
    );
}

#[test]
fn nothing_is_allocated_once_the_buffers_have_grown() {
    let featurizer = fitted(&[
        Term::Number(number()),
        Term::Tokens(Tokens::Ngrams {
            text: text(true, true),
            longest: 3,
        }),
        Term::Tokens(Tokens::Product(vec![level(), Tokens::Words(text(true, true))])),
    ]);
    let record = Record::from_fields(["2", "1", "red", "B a, b c!", ""]);
    let (mut workspace, mut vector) = (Workspace::default(), FeatureVector::default());
    featurizer.apply(&record, &mut workspace, &mut vector);
    let before = (
        workspace.capacity(),
        vector.active.capacity(),
        vector.dense.capacity(),
    );
    for _ in 0..100 {
        featurizer.apply(&record, &mut workspace, &mut vector);
    }
    assert_eq!(
        before,
        (
            workspace.capacity(),
            vector.active.capacity(),
            vector.dense.capacity()
        )
    );
}

const LISTED: &str = r#"{"version":"1.0","dataFormat":"CSV","attributes":[
    {"attributeName":"n","attributeType":"NUMERIC","missingValues":["0"]},
    {"attributeName":"b","attributeType":"BINARY","missingValues":["0"]},
    {"attributeName":"c","attributeType":"CATEGORICAL","missingValues":["red"]},
    {"attributeName":"t","attributeType":"TEXT","missingValues":["no words"]},
    {"attributeName":"d","attributeType":"CATEGORICAL","dateFormat":"%Y-%m-%d","missingValues":["9999-12-31"]},
    {"attributeName":"s","attributeType":"NUMERIC","dateFormat":"epoch_seconds","missingValues":["0"]},
    {"attributeName":"w","attributeType":"TEXT","dateFormat":"%Y-%m-%d","missingValues":["9999-12-31"]}]}"#;

/// For each attribute of [`LISTED`]: a value, and its word for missing, which would be one, too.
const LISTED_FIELDS: [[&str; 2]; 7] = [
    ["5", "0"],
    ["1", "0"],
    ["blue", "red"],
    ["some words", "no words"],
    ["2024-01-06", "9999-12-31"],
    ["1700000000", "0"],
    ["2024-01-06", "9999-12-31"],
];

/// Every term that an attribute of [`LISTED`] can be alone.
fn terms_of(attribute: usize) -> Vec<Term> {
    let words = TextSource {
        attribute,
        lowercase: false,
        no_punct: false,
        split_punct: false,
    };
    let plain = NumberSource::Attribute(attribute);
    let month = Term::Tokens(Tokens::DatePart {
        attribute,
        part: DatePart::Month,
    });
    let level = Term::Tokens(Tokens::Level {
        attribute,
        lowercase: false,
    });
    let mut terms = match attribute {
        0 => vec![Term::Number(plain)],
        1 => vec![Term::Truth { attribute }],
        2 => vec![level],
        3 => vec![Term::Tokens(Tokens::Words(words))],
        4 => vec![month, level, Term::Number(NumberSource::Timestamp(attribute))],
        5 => vec![
            month,
            Term::Number(plain),
            Term::Number(NumberSource::Timestamp(attribute)),
        ],
        _ => vec![month, Term::Tokens(Tokens::Words(words))],
    };
    if !matches!(attribute, 2 | 3) {
        terms.push(Term::Missing { attribute });
    }
    terms
}

/// What the statistics call missing gives the features of an empty field, whatever else it could be read as.
#[test]
fn statistics_and_features_agree_on_what_is_missing() {
    let schema = Schema::from_json(LISTED).unwrap();
    let fields = LISTED_FIELDS.map(|[value, word]| {
        let spaced = format!("  {word} ");
        [
            value.to_string(),
            word.into(),
            "".into(),
            " \u{a0} ".into(),
            spaced,
        ]
    });
    let row = |row: usize| {
        fields
            .iter()
            .map(|of| format!("\"{}\"", of[row]))
            .collect::<Vec<_>>()
            .join(",")
    };
    let rows: Vec<String> = (0..5).map(row).collect();
    let table = format!("n,b,c,t,d,s,w\n{}\n", rows.join("\n"));
    let statistics = crate::ml::pipeline::inspect(
        &crate::ml::pipeline::table::MemoryTable::new(&table),
        Some(&schema),
        None,
        &crate::ml::split::Split::all(),
        &mut crate::ml::observe::Silent,
    )
    .unwrap()
    .statistics;
    for (attribute, fields) in fields.iter().enumerate() {
        let column = &statistics.columns[attribute];
        let name = &column.name;
        assert_eq!((column.missing, column.invalid), (4, 0), "{name}");
        let records: Vec<Record> = fields
            .iter()
            .map(|field| Record::from_fields((0..7).map(|at| if at == attribute { field } else { "" })))
            .collect();
        let mut fit = FeaturizerFit::new(&terms_of(attribute), &schema, 1000);
        fit.add(&records.iter().collect::<Vec<_>>());
        assert!(!fit.next_pass());
        let featurizer = Featurizer::new(fit.freeze(), &schema);
        let (mut workspace, mut vector) = (Workspace::default(), FeatureVector::default());
        let mut features = |record: &Record| {
            let mut notes = Vec::new();
            featurizer.apply_noting(record, &mut workspace, &mut vector, |note| notes.push(note.kind));
            (vector.clone(), notes)
        };
        let empty = features(&records[2]);
        assert_ne!(features(&records[0]), empty, "{name}");
        for (record, field) in records.iter().zip(fields).skip(1) {
            assert_eq!(features(record), empty, "{name} {field:?}");
        }
        assert_eq!(empty.1, [NoteKind::Missing], "{name}");
    }
}

/// The number of a date that is learned from as it is, is missing where the number is, not where no date is read;
/// models made before go on as they did.
#[test]
fn the_indicator_of_a_number_that_is_a_date_follows_the_number() {
    let schema = Schema::from_json(
        r#"{"version":"1.0","dataFormat":"CSV","attributes":[
        {"attributeName":"second","attributeType":"NUMERIC","dateFormat":"epoch_seconds"}]}"#,
    )
    .unwrap();
    let terms = [
        Term::Number(NumberSource::Attribute(0)),
        Term::Missing { attribute: 0 },
    ];
    let [date, no_date, nothing] = ["1700000000", "1e9", ""].map(|field| Record::from_fields([field]));
    let mut fit = FeaturizerFit::new(&terms, &schema, 1000);
    fit.add(&[&date, &no_date, &nothing]);
    assert!(!fit.next_pass());
    let mut state = fit.freeze();
    let actives = |state: &FeaturizerState| {
        let featurizer = Featurizer::new(state.clone(), &schema);
        [&date, &no_date, &nothing].map(|record| {
            let mut vector = FeatureVector::default();
            featurizer.apply(record, &mut Workspace::default(), &mut vector);
            vector.active
        })
    };
    assert_eq!(actives(&state), [vec![], vec![], vec![0]]);
    let stored = serde_json::to_string(&state).unwrap();
    assert!(stored.contains("\"by_number\":true"));
    let before = stored.replace(",\"by_number\":true", "");
    assert_ne!(before, stored);
    state = serde_json::from_str(&before).unwrap();
    assert_eq!(serde_json::to_string(&state).unwrap(), before);
    assert_eq!(actives(&state), [vec![], vec![0], vec![0]]);
}

fn word_terms() -> [Term; 4] {
    [
        Term::Tokens(level()),
        Term::Tokens(Tokens::Words(text(true, true))),
        Term::Tokens(Tokens::Ngrams {
            text: text(false, false),
            longest: 2,
        }),
        Term::Tokens(Tokens::SparseBigrams {
            text: text(true, true),
            window: 3,
        }),
    ]
}

/// Texts that repeat themselves, far apart and next to each other, with some that do not.
fn repeating(rows: usize) -> Vec<Record> {
    let text = |row: usize| match row % 5 {
        0 => format!("Only once, number {row}"),
        1 | 2 => format!("shared by many {} b, A", row % 7),
        3 => String::new(),
        _ => format!("x y {}", row / 40),
    };
    let fields = |row: usize| Record::from_fields(["1", "yes", "red", text(row).as_str(), "2024-01-01"]);
    (0..rows).map(fields).collect()
}

#[test]
fn a_memory_of_texts_changes_nothing() {
    let rows = repeating(400);
    let schema = Schema::from_json(SCHEMA).unwrap();
    let fitted_on = |rows: &[Record]| {
        let mut fit = FeaturizerFit::new(&word_terms(), &schema, 10_000);
        fit.add(&rows.iter().collect::<Vec<_>>());
        assert!(!fit.next_pass());
        Featurizer::new(fit.freeze(), &schema)
    };
    let (featurizer, other) = (fitted_on(&rows[..300]), fitted_on(&rows[100..]));
    assert_eq!(featurizer.word_terms(), 3);
    let mut memory = featurizer.remembering();
    for featurizer in [&featurizer, &other, &featurizer] {
        for record in rows.iter().chain(&rows) {
            let (mut plain, mut remembered) = (FeatureVector::default(), FeatureVector::default());
            let (mut notes, mut remembered_notes) = (Vec::new(), Vec::new());
            featurizer.apply_noting(record, &mut Workspace::default(), &mut plain, |n| notes.push(n));
            featurizer.apply_noting(record, &mut memory, &mut remembered, |n| remembered_notes.push(n));
            assert_eq!(plain, remembered);
            assert_eq!(notes, remembered_notes);
        }
    }
}

/// Counting column by column, with repeated texts counted once, is counting row by row.
#[test]
fn texts_that_repeat_themselves_and_texts_that_do_not_are_counted_alike() {
    let rows = repeating(3_000);
    let unique: Vec<Record> = (0..80_000)
        .map(|row| Record::from_fields(["1", "yes", "red", format!("w{} v{row}", row % 9).as_str(), ""]))
        .collect();
    let schema = Schema::from_json(SCHEMA).unwrap();
    for (rows, is_by_column) in [(&rows, false), (&rows, true), (&unique, false), (&unique, true)] {
        let fit = FeaturizerFit::new(&word_terms()[1..2], &schema, 1_000_000);
        let mut fit = fit.with_repeats(|_| is_by_column.then_some((10, 1000)));
        for some in rows.chunks(700) {
            fit.add(&some.iter().collect::<Vec<_>>());
        }
        assert!(!fit.next_pass());
        let active = fit.active_per_row() * rows.len() as f64;
        let state = fit.freeze();
        let mut counts = crate::ml::features::count::TokenCounts::default();
        let mut words = 0;
        for (row, record) in (0..).zip(rows) {
            let text = record.get(3).replace(',', "").to_lowercase();
            for word in text.split_whitespace() {
                counts.add(word, row);
                words += 1;
            }
        }
        let TermState::Tokens { dictionary, .. } = &state.terms[0] else {
            panic!("a dictionary is expected")
        };
        let found: Vec<(&str, u32)> = dictionary
            .entries
            .iter()
            .zip(dictionary.rows.iter().copied())
            .collect();
        assert_eq!(found, counts.ranked());
        assert_eq!(active.round() as u64, words);
    }
}

#[test]
fn features_know_their_terms() {
    let mut terms = vec![Term::Missing { attribute: 1 }, Term::Number(number())];
    terms.extend(word_terms());
    terms.insert(3, Term::Missing { attribute: 0 });
    terms.push(Term::Number(NumberSource::Timestamp(4)));
    let featurizer = fitted_on(&ROWS[..2], &terms, 1000);
    // Nothing was missing: those terms have no feature.
    let expected = featurizer.state().term_of_features();
    let found: Vec<u32> = (0..featurizer.features())
        .map(|feature| featurizer.term_of(feature) as u32)
        .collect();
    assert_eq!(found, expected);
    assert!(found.contains(&1) && found.contains(&7) && !found.contains(&0));
}
