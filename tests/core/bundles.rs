//! Model files: the same data give the same hash, damage is named and never brings anything down, golden rows watch
//! over the scores and give nothing away, and explanations add up.

use serde_json::Value;
use sha2::{Digest, Sha256};
use yosoku::ml::Task;
use yosoku::ml::features::TermState;
use yosoku::ml::hash::Stream;
use yosoku::ml::learn::objective::{sigmoid, softmax};
use yosoku::ml::model::bundle::RecipeTried;
use yosoku::ml::model::upgrade::CURRENT;
use yosoku::ml::model::{Bundle, BundleError, Provenance, training_log};
use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::table::MemoryTable;
use yosoku::ml::pipeline::train;
use yosoku::ml::predict::{Predictor, Scratch};
use yosoku::ml::recipe::Recipe;
use yosoku::ml::record::Record;
use yosoku::ml::split::Split;

use crate::support::{on_threads, request, sample_table, train_text};

const VERSION: usize = 8;
const CONTENT: usize = 12;
const CHECKSUM: usize = 32;

/// Numbers, categories and words, with a few values that only one or two rows hold.
fn made(rows: u64) -> String {
    let mut stream = Stream::new(9);
    let mut text = String::from("size,city,note,member,y\n");
    for i in 0..rows {
        let size = (stream.next_unit() * 1e6).round() / 8.0;
        let city = match i {
            5 | 6 => "secret-town".to_string(),
            _ => format!("town{}", stream.next_u64() % 30),
        };
        let note = match i {
            7 | 9 => "please call agent-007 about the parcel".to_string(),
            _ => format!("parcel number w{} is late again", stream.next_u64() % 50),
        };
        let member = ["yes", "no", ""][(stream.next_u64() % 3) as usize];
        let y = if size > 60_000.0 + stream.next_unit() * 9_000.0 {
            "late"
        } else {
            "fine"
        };
        text.push_str(&format!("{size},{city},{note},{member},{y}\n"));
    }
    text
}

fn small() -> Bundle {
    train_text(made(60), "y").unwrap().bundle
}

/// The same file with a checksum that fits its bytes.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let body = bytes.len() - CHECKSUM;
    let checksum = Sha256::digest(&bytes[..body]);
    bytes[body..].copy_from_slice(&checksum);
    bytes
}

#[test]
fn a_bundle_is_read_back_as_it_was() {
    for name in ["iris", "breast_cancer", "diabetes"] {
        let mut bundle = train(
            &sample_table(name),
            &request("target", Split::training(30.0, 1)),
            &mut Silent,
        )
        .unwrap()
        .bundle;
        bundle.provenance = Provenance {
            source: "somewhere".into(),
            created_at: "2026-01-01T00:00:00Z".into(),
            seconds: vec![("solve".into(), 0.25)],
            evaluation: None,
            recipes: vec![RecipeTried::new("suggested", &[0.5, 0.25])],
            reason: "because".into(),
            warnings: vec!["mind the gap".into()],
            memory: vec![("solve".into(), 5 << 20)],
            weights: bundle.provenance.weights.take(),
        };
        assert_log(&training_log(&bundle), &bundle);
        let bytes = bundle.encode();
        let again = Bundle::decode(&bytes).unwrap();
        assert_eq!(again, bundle, "{name}");
        assert_eq!(again.encode(), bytes, "{name}");
        assert_eq!(again.hash(), bundle.hash(), "{name}");
        assert_eq!(Predictor::new(&again).unwrap().hash(), bundle.hash(), "{name}");
    }
}

/// Everything that people need to follow how the model came about, each with its figure.
fn assert_log(log: &str, bundle: &Bundle) {
    let solver = &bundle.document.solver;
    let mut wanted = vec![
        bundle.hash(),
        "somewhere".into(),
        "from 0 to 70 percent".into(),
        "because".into(),
        format!("{} learned from", bundle.document.training.rows),
        "suggested, chosen".into(),
        "0.375000".into(),
        format!("l2 {:.3e}", solver.l2),
        format!("mean loss {:.9}", solver.certificate.loss),
        format!("{:.1e} above its minimum", solver.certificate.gap),
        "warning     mind the gap".into(),
        "solve         0.25 s, 5 MiB".into(),
    ];
    for tried in solver.search.iter().flat_map(|search| &search.tried) {
        wanted.push(format!(
            "{:.4}  {:>10.6}  {:>9.6}",
            tried.factor, tried.loss, tried.error
        ));
    }
    for text in wanted {
        assert!(log.contains(&text), "`{text}` is not in\n{log}");
    }
}

#[test]
fn the_hash_is_that_of_the_data_not_of_the_run() {
    let text = made(9_500);
    let hash = |text: &str| train_text(text, "y").unwrap().bundle.hash();
    let first = hash(&text);
    assert_eq!(first.len(), 64);
    assert_eq!(hash(&text), first);
    for threads in [1, 2, 7] {
        assert_eq!(on_threads(threads, || hash(&text)), first, "{threads} threads");
    }
    let changed = text.replacen(",fine\n", ",late\n", 1);
    assert_ne!(hash(&changed), first);
    let mut request = request("y", Split::all());
    request.params.l2 = Some(0.5);
    let other = train(&MemoryTable::new(&text), &request, &mut Silent)
        .unwrap()
        .bundle;
    assert_ne!(other.hash(), first);
    let mut moved = other.clone();
    moved.provenance.source = "elsewhere".into();
    assert_eq!(moved.hash(), other.hash());
    assert_ne!(moved.encode(), other.encode());
}

/// What reading says, which is the same where the hash is worked out meanwhile.
fn code(bytes: &[u8]) -> &'static str {
    match (Bundle::decode(bytes), Bundle::decode_with_hash(bytes)) {
        (Ok(bundle), Ok((same, hash))) => {
            assert!(bundle == same && hash == bundle.hash());
            "ok"
        }
        (Err(error), Err(same)) => {
            assert_eq!(error.to_string(), same.to_string());
            error.code()
        }
        (one, other) => panic!("{:?} and {:?}", one.err(), other.err()),
    }
}

#[test]
fn cut_off_anywhere_it_is_refused() {
    let bytes = small().encode();
    assert_eq!(code(&bytes), "ok");
    for length in 0..bytes.len() {
        let expected = if length < 8 {
            "not_a_model"
        } else {
            "model_damaged"
        };
        assert_eq!(code(&bytes[..length]), expected, "{length} of {}", bytes.len());
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(code(&longer), "model_damaged");
    assert_eq!(code(b"size,city\n1,2\n"), "not_a_model");
}

#[test]
fn one_wrong_byte_anywhere_is_noticed() {
    let mut bytes = small().encode();
    for at in 0..bytes.len() {
        bytes[at] ^= 0x10;
        let expected: &[&str] = match at {
            0..VERSION => &["not_a_model"],
            VERSION..CONTENT => &["model_too_new", "model_damaged"],
            _ => &["model_damaged"],
        };
        assert!(expected.contains(&code(&bytes)), "byte {at}: {}", code(&bytes));
        bytes[at] ^= 0x10;
    }
}

/// Every format version there ever was is still read, and scores as it did.
#[test]
fn older_versions_are_upgraded() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/models/versions");
    let mut read = 0;
    for version in 1..10 {
        let Ok(bytes) = std::fs::read(format!("{folder}/version-{version}.yosoku")) else {
            continue;
        };
        assert_eq!(bytes[8], version, "the file is of the version in its name");
        assert_eq!(code(&bytes), "ok");
        let bundle = Bundle::decode(&bytes).unwrap();
        assert!(bundle.document.golden.len() > 4);
        // Making a predictor scores the golden rows.
        let predictor = Predictor::new(&bundle).unwrap();
        let fields = ["12.5", "yes", "Lima", "red fish", ""];
        let mut scratch = Scratch::default();
        predictor.score(&Record::from_fields(fields), &mut scratch);
        let explanation = predictor.explain(&mut scratch);
        assert_eq!(explanation.contributions.len(), 4);
        assert_eq!(
            explanation
                .contributions
                .iter()
                .filter(|(_, amount)| *amount != 0.0)
                .count(),
            4
        );
        let again = Bundle::decode(&bundle.encode()).unwrap();
        assert_eq!(again, bundle);
        read += 1;
    }
    assert!(read >= 1);
}

#[test]
fn other_versions_are_named() {
    let mut bytes = small().encode();
    bytes[VERSION..CONTENT].copy_from_slice(&99u32.to_le_bytes());
    let error = Bundle::decode(&sealed(bytes.clone())).unwrap_err();
    assert!(matches!(error, BundleError::TooNew { found: 99 }), "{error}");
    assert!(
        error.to_string().contains("version 99") && error.to_string().contains("newer program"),
        "{error}"
    );
    bytes[VERSION..CONTENT].copy_from_slice(&0u32.to_le_bytes());
    assert_eq!(code(&sealed(bytes)), "model_damaged");
}

/// Lengths that no memory holds, under a checksum that fits.
#[test]
fn made_up_lengths_are_refused() {
    let bytes = small().encode();
    let length = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let provenance = CONTENT + 8 + length(CONTENT) as usize;
    for at in [CONTENT, CONTENT + 8, provenance] {
        let true_length = length(at);
        for made_up in [
            u64::MAX,
            u64::MAX - 7,
            1 << 63,
            1 << 40,
            true_length + 1,
            true_length - 1,
            0,
        ] {
            let mut crafted = bytes.clone();
            crafted[at..at + 8].copy_from_slice(&made_up.to_le_bytes());
            assert_eq!(
                code(&sealed(crafted)),
                "model_damaged",
                "length at {at}: {made_up}"
            );
        }
    }
}

/// Puts a file together from any JSON document and weights.
fn file(document: &Value, beta: &[f64]) -> Vec<u8> {
    file_of(CURRENT, document, beta)
}

fn file_of(version: u32, document: &Value, beta: &[f64]) -> Vec<u8> {
    let document = serde_json::to_vec(document).unwrap();
    let mut content = (document.len() as u64).to_le_bytes().to_vec();
    content.extend(document);
    beta.iter().for_each(|b| content.extend(b.to_le_bytes()));
    let provenance = serde_json::to_vec(&Provenance::default()).unwrap();
    let mut bytes = b"YOSOKUMB".to_vec();
    bytes.extend(version.to_le_bytes());
    for block in [content, provenance] {
        bytes.extend((block.len() as u64).to_le_bytes());
        bytes.extend(block);
    }
    bytes.extend([0; CHECKSUM]);
    sealed(bytes)
}

fn pointers(value: &Value, at: String, all: &mut Vec<String>) {
    all.push(at.clone());
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .take(4)
            .for_each(|(i, item)| pointers(item, format!("{at}/{i}"), all)),
        Value::Object(map) => map
            .iter()
            .for_each(|(key, item)| pointers(item, format!("{at}/{key}"), all)),
        _ => {}
    }
}

/// Uses a file as a server would: loads it, scores and explains.
fn use_it(bytes: &[u8]) -> &'static str {
    let predictor = match Bundle::decode(bytes).and_then(|bundle| Predictor::new(&bundle)) {
        Ok(predictor) => predictor,
        Err(error) => return error.code(),
    };
    let mut scratch = Scratch::default();
    for fields in [["1", "town1", "parcel w1", "yes", ""], ["", "", "", "", ""]] {
        predictor.score(&Record::from_fields(fields), &mut scratch);
        let class = predictor.class_of(&scratch.scores);
        let _ = predictor.target().label(class);
        let _ = predictor.explain(&mut scratch);
    }
    "ok"
}

/// The same for the steps that bring older versions up to date.
#[test]
fn hostile_documents_of_older_versions_bring_nothing_down() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/versions/version-1.yosoku");
    let bytes = std::fs::read(path).unwrap();
    let beta = Bundle::decode(&bytes).unwrap().beta;
    let length = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let start = CONTENT + 16;
    let document: Value = serde_json::from_slice(&bytes[start..start + length(CONTENT + 8)]).unwrap();
    assert_eq!(use_it(&file_of(1, &document, &beta)), "ok");
    let mut all = Vec::new();
    pointers(&document["featurizer"], "/featurizer".into(), &mut all);
    for pointer in &all {
        for value in [
            Value::Null,
            u64::MAX.into(),
            (-1).into(),
            "x".into(),
            serde_json::json!([1, 2]),
        ] {
            let mut changed = document.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            use_it(&file_of(1, &changed, &beta));
        }
    }
}

/// Every value of the document replaced by every hostile one, under a checksum that fits: refused or harmless.
#[test]
fn hostile_documents_bring_nothing_down() {
    let multiclass = made(60)
        .replace("late\n", "later\n")
        .replacen("fine\n", "middle\n", 20);
    for bundle in [small(), train_text(multiclass, "y").unwrap().bundle] {
        let document = serde_json::to_value(&bundle.document).unwrap();
        assert_eq!(use_it(&file(&document, &bundle.beta)), "ok");
        let mut all = Vec::new();
        pointers(&document, String::new(), &mut all);
        let hostile = [
            Value::Null,
            0.into(),
            1.into(),
            (-1).into(),
            u64::MAX.into(),
            (1u64 << 63).into(),
            (1u64 << 32).into(),
            1e308.into(),
            "".into(),
            "x".into(),
            true.into(),
            Value::Array(Vec::new()),
            serde_json::json!([1, 2, 3]),
            serde_json::json!(["x"]),
            serde_json::json!({}),
        ];
        let (mut refused, mut taken) = (0, 0);
        for pointer in &all {
            for value in &hostile {
                let mut changed = document.clone();
                *changed.pointer_mut(pointer).unwrap() = value.clone();
                for beta in [&bundle.beta[..], &[], &[f64::NAN], &[0.0; 8]] {
                    match use_it(&file(&changed, beta)) {
                        "ok" => taken += 1,
                        _ => refused += 1,
                    }
                }
            }
        }
        assert!(refused > 1000 && taken > 50, "{refused} refused, {taken} taken");
        // The products of these wrap around to the sizes of empty lists.
        let mut wrapping = document.clone();
        wrapping["outputs"] = (1u64 << 63).into();
        wrapping["average_contributions"] = Value::Array(Vec::new());
        wrapping["featurizer"]["terms"] = Value::Array(vec![document["featurizer"]["terms"][0].clone()]);
        let mut even = wrapping.clone();
        even["schema"]["attributes"].as_array_mut().unwrap().pop();
        even["schema"]["targetAttributeName"] = Value::Null;
        assert_eq!(use_it(&file(&wrapping, &[])), "model_damaged");
        assert_eq!(use_it(&file(&even, &[])), "model_damaged");
    }
}

#[test]
fn weights_that_were_tampered_with_are_noticed_by_the_golden_rows() {
    let bundle = small();
    assert!(bundle.document.golden.len() >= 4);
    for (at, what) in [
        (0, "the weight of a number"),
        (bundle.beta.len() - 1, "the intercept"),
    ] {
        let mut tampered = bundle.clone();
        tampered.beta[at] += 1e-6;
        let read = Bundle::decode(&tampered.encode()).unwrap();
        let error = Predictor::new(&read).unwrap_err();
        assert_eq!(error.code(), "golden_row_differs", "{what}");
        assert!(error.to_string().contains("golden row"), "{error}");
    }
    let mut shorter = bundle.clone();
    shorter.document.golden[1].scores.clear();
    assert!(
        Bundle::decode(&shorter.encode())
            .and_then(|b| Predictor::new(&b))
            .is_err(),
        "golden rows without scores"
    );
}

/// Golden rows are made up: no word, category or number that fewer than three rows hold is in them.
#[test]
fn golden_rows_give_no_rare_value_away() {
    let text = made(300);
    let mut seen = std::collections::HashMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let mut values: Vec<&str> = fields[2]
            .split_whitespace()
            .chain([fields[0], fields[1]])
            .collect();
        values.sort_unstable();
        values.dedup();
        values
            .into_iter()
            .for_each(|value| *seen.entry(value.to_string()).or_insert(0) += 1);
    }
    assert_eq!((seen["secret-town"], seen["agent-007"]), (2, 2));
    for recipe in [
        None,
        Some(r#"{"outputs":["quantile_bin(size, 40)","city","note"]}"#),
    ] {
        let mut request = request("y", Split::all());
        request.recipe = recipe.map(|text| Recipe::from_json(text).unwrap());
        let bundle = train(&MemoryTable::new(&text), &request, &mut Silent)
            .unwrap()
            .bundle;
        let document = &bundle.document;
        assert!(
            document
                .golden
                .iter()
                .any(|row| row.fields[1].starts_with("town"))
        );
        assert!(document.golden.iter().any(|row| !row.fields[2].is_empty()));
        for row in &document.golden {
            assert_eq!(row.fields[4], "", "the target is not made up");
            for value in row.fields[2]
                .split_whitespace()
                .chain([&*row.fields[0], &*row.fields[1]])
            {
                let rows = seen.get(value).copied().unwrap_or(0);
                assert!(rows == 0 || rows >= 3, "{recipe:?}: `{value}` is on {rows} rows");
            }
        }
    }
}

/// A model of each type explains its scores by parts that add up to the margin that gives the score.
#[test]
fn explanations_add_up() {
    let three = made(300).replacen(",fine\n", ",unknown\n", 40);
    let number: String = made(300)
        .replace(",late\n", ",12.5\n")
        .replacen(",fine\n", ",3.25\n", 60)
        .replace(",fine\n", ",1.5\n");
    for (text, task) in [
        (made(300), Task::Binary),
        (three, Task::Multiclass),
        (number, Task::Regression),
        (made(300), Task::Multiclass),
    ] {
        let mut request = request("y", Split::all());
        request.target.task = Some(task);
        let bundle = train(&MemoryTable::new(&text), &request, &mut Silent)
            .unwrap()
            .bundle;
        let predictor = Predictor::new(&bundle).unwrap();
        let inputs: Vec<usize> = predictor.schema().inputs().collect();
        let (mut scratch, mut sums) = (Scratch::default(), vec![0.0; inputs.len()]);
        let mut rows = 0.0;
        for line in text.lines().skip(1) {
            predictor.score(&Record::from_fields(line.split(',')), &mut scratch);
            let explanation = predictor.explain(&mut scratch).clone();
            let total: f64 = explanation.baseline
                + explanation
                    .contributions
                    .iter()
                    .map(|(_, amount)| amount)
                    .sum::<f64>();
            let margin = explanation.margin;
            assert!(
                (total - margin).abs() <= 1e-9 * (1.0 + margin.abs()),
                "{task}: {total}, {margin}"
            );
            assert_eq!(
                explanation.contributions.iter().map(|c| c.0).collect::<Vec<_>>(),
                inputs
            );
            let class = predictor.class_of(&scratch.scores);
            match task {
                Task::Binary => assert_eq!(sigmoid(margin), scratch.scores[0]),
                Task::Regression => assert_eq!(margin, scratch.scores[0]),
                Task::Multiclass if scratch.scores.len() == 2 => {
                    assert!(
                        (sigmoid(margin) - scratch.scores[class]).abs() < 1e-12,
                        "{margin}, {:?}",
                        scratch.scores
                    );
                }
                Task::Multiclass => {
                    let mut others = scratch
                        .scores
                        .iter()
                        .map(|p| libm::log(*p) - libm::log(scratch.scores[class]) + margin)
                        .collect::<Vec<_>>();
                    assert!(others.iter().all(|other| *other <= margin + 1e-12));
                    softmax(&mut others);
                    assert!((others[class] - scratch.scores[class]).abs() < 1e-12);
                }
            }
            explanation
                .contributions
                .iter()
                .zip(&mut sums)
                .for_each(|((_, amount), sum)| *sum += amount);
            rows += 1.0;
        }
        // Relative to an average training row, an attribute adds nothing on average.
        if task == Task::Binary || task == Task::Regression {
            assert!(
                sums.iter().all(|sum| (sum / rows).abs() < 1e-9),
                "{task}: {sums:?}"
            );
        }
    }
}

#[test]
fn features_have_names_in_the_order_of_the_weights() {
    let bundle = small();
    let document = &bundle.document;
    let names = document.featurizer.names(&document.schema);
    assert_eq!((names.len() + 1) * document.outputs, bundle.beta.len());
    assert_eq!(
        (names[0].attribute.as_str(), names[0].part.as_str()),
        ("size", "")
    );
    assert!(
        names
            .iter()
            .any(|name| name.attribute == "note" && name.part.ends_with(" has parcel")),
        "{names:?}"
    );
    assert!(
        document
            .featurizer
            .terms
            .iter()
            .all(|term| !matches!(term, TermState::Bin { .. }))
    );
}
