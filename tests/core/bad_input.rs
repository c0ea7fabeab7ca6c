//! What people really bring: every kind of bad input gets an error with a stable code that says where and what to
//! do, or goes on with counts and examples. Nothing panics, whatever the bytes.

use std::io::{Cursor, Read, Write};

use proptest::prelude::*;
use yosoku::ml::Task;
use yosoku::ml::ingest::{HeaderMode, Options};
use yosoku::ml::insights::Code;
use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::table::MemoryTable;
use yosoku::ml::pipeline::{BatchOptions, PipelineError, Trained, evaluate, inspect, predict, train};
use yosoku::ml::predict::Predictor;
use yosoku::ml::schema::{AttributeType, Schema};
use yosoku::ml::split::Split;

use crate::support::{MadeTable, Pieces, inspect_text, request, selects, train_text};

/// `rows` lines `i,word,answer` under the header `n,word,answer`.
fn table(rows: usize) -> String {
    let row = |i: usize| {
        format!(
            "{},w{},{}\n",
            i * 37 % 101,
            i % 5,
            if i * 37 % 101 > 50 { "yes" } else { "no" }
        )
    };
    format!("n,word,answer\n{}", (0..rows).map(row).collect::<String>())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn utf16(text: &str, little: bool, mark: bool) -> Vec<u8> {
    let mark = mark.then_some(0xfeff);
    let bytes = |unit: u16| {
        if little {
            unit.to_le_bytes()
        } else {
            unit.to_be_bytes()
        }
    };
    mark.into_iter()
        .chain(text.encode_utf16())
        .flat_map(bytes)
        .collect()
}

/// Asserts the code, that the message holds all the pieces, and that it reads as messages here do.
fn assert_error(what: &str, result: Result<Trained, PipelineError>, code: &str, pieces: &[&str]) {
    let error = match result {
        Err(error) => error,
        Ok(trained) => panic!(
            "{what}: trained on {} rows",
            trained.bundle.document.training.rows
        ),
    };
    let message = error.to_string();
    assert_eq!(error.code(), code, "{what}: {message}");
    for piece in pieces {
        assert!(message.contains(piece), "{what}: `{piece}` is not in `{message}`");
    }
    assert!(
        !message.ends_with('.') && !message.starts_with(char::is_uppercase),
        "{what}: {message}"
    );
}

#[test]
fn what_cannot_be_trained_on_is_refused_by_name() {
    let good = table(60);
    let noise: Vec<u8> = {
        let mut stream = yosoku::ml::hash::Stream::new(1);
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        bytes.extend((0..4000).flat_map(|_| stream.next_u64().to_le_bytes()));
        bytes
    };
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() * 2 / 3].to_vec();
    let long: String = (0..30_000).map(|i| format!("{i},w,{}\n", i % 3)).collect();
    let long = format!("n,word,answer\n{long}");
    let cases: Vec<(&str, Vec<u8>, &str, &[&str])> = vec![
        (
            "no such target",
            good.replace("answer", "answers").into(),
            "unknown_target",
            &["did you mean `answers`?"],
        ),
        (
            "one class only",
            good.replace("yes", "no").into(),
            "one_class",
            &["`answer`", "`no`", "two"],
        ),
        (
            "target never there",
            good.replace("yes", "").replace("no\n", "\n").into(),
            "target_empty",
            &["`answer`"],
        ),
        ("empty", Vec::new(), "empty_file", &["header"]),
        (
            "only white space",
            b" \r\n\n ".to_vec(),
            "empty_file",
            &["header"],
        ),
        (
            "only a byte order mark",
            b"\xef\xbb\xbf".to_vec(),
            "empty_file",
            &["header"],
        ),
        (
            "header only",
            b"n,word,answer\n".to_vec(),
            "header_only",
            &["set header to no"],
        ),
        (
            "header only, unfinished",
            b"n,word,answer".to_vec(),
            "header_only",
            &["no rows"],
        ),
        (
            "one row",
            b"n,word,answer\n1,w,yes\n".to_vec(),
            "one_class",
            &["`yes`"],
        ),
        (
            "same name twice",
            b"n,answer,n\n1,a,2\n2,b,3\n".to_vec(),
            "duplicate_column",
            &["columns 1 and 3", "`n`"],
        ),
        (
            "every row ragged",
            b"n,answer\n1\n2\n3,4,5\n".to_vec(),
            "too_many_bad_rows",
            &["line 2", "1 field where", "3 of 3"],
        ),
        ("binary", noise, "not_text", &["zero", "UTF-8"]),
        (
            "zip",
            b"PK\x03\x04rest of the archive".to_vec(),
            "not_text",
            &["zip", "CSV"],
        ),
        (
            "parquet",
            b"PAR1\x15\x04\x15".to_vec(),
            "damaged_parquet",
            &["Parquet", "cut off", "7 bytes"],
        ),
        (
            "parquet within gzip",
            gzip(b"PAR1\x15\x04\x15"),
            "not_text",
            &["Parquet", "unpack"],
        ),
        (
            "UTF-16, little",
            utf16(&good, true, true),
            "not_text",
            &["UTF-16", "iconv"],
        ),
        (
            "UTF-16, big",
            utf16(&good, false, true),
            "not_text",
            &["UTF-16", "iconv"],
        ),
        (
            "UTF-16 without a mark",
            utf16(&good, true, false),
            "not_text",
            &["byte 1 is zero", "UTF-8"],
        ),
        (
            "gzip cut off",
            cut(gzip(long.as_bytes())),
            "damaged_compression",
            &["gzip", "line "],
        ),
        (
            "gzip header only",
            b"\x1f\x8b".to_vec(),
            "damaged_compression",
            &["gzip"],
        ),
        (
            "zstd cut off",
            cut(zstd::encode_all(long.as_bytes(), 1).unwrap()),
            "damaged_compression",
            &["zstd", "line "],
        ),
        ("gzip of nothing", gzip(b""), "empty_file", &["header"]),
        (
            "quote open in the header",
            b"n,\"answer\n1,a\n2,b\n".to_vec(),
            "unclosed_quote",
            &["line 1", "close it"],
        ),
        (
            "quote open in the first row",
            b"n,answer\n1,\"a\n2,b\n3,c\n".to_vec(),
            "unclosed_quote",
            &["line 2", "close it"],
        ),
    ];
    for (what, bytes, code, pieces) in cases {
        assert_error(what, train_text(&bytes, "answer"), code, pieces);
    }
}

#[test]
fn targets_that_do_not_fit_the_type_asked_for() {
    let typed = |text: &str, task| {
        let mut request = request("y", Split::all());
        request.target.task = Some(task);
        train(&MemoryTable::new(text), &request, &mut Silent)
    };
    let constant = format!(
        "x,y\n{}",
        (0..30).map(|i| format!("{i},4.5\n")).collect::<String>()
    );
    assert_error(
        "constant",
        typed(&constant, Task::Regression),
        "constant_target",
        &["`y`", "4.5"],
    );
    assert_error(
        "constant, type not given",
        train_text(&constant, "y"),
        "one_class",
        &["`4.5`"],
    );
    let words = format!(
        "x,y\n{}1,oops\n",
        (0..30).map(|i| format!("{i},{i}.5\n")).collect::<String>()
    );
    assert_error(
        "a word",
        typed(&words, Task::Regression),
        "target_not_numeric",
        &["line 32", "`oops`", "numbers"],
    );
    let huge = words.replace("oops", "1e999");
    assert_error(
        "1e999",
        typed(&huge, Task::Regression),
        "target_not_numeric",
        &["line 32", "`1e999`"],
    );
    let three = "x,y\n1,a\n2,b\n3,c\n4,a\n";
    assert_error(
        "three labels",
        typed(three, Task::Binary),
        "target_not_binary",
        &["3 different", "multiclass"],
    );
    let many: String = (0..300).map(|i| format!("{i},label{i}\n")).collect();
    assert_error(
        "300 labels",
        train_text(format!("x,y\n{many}"), "y"),
        "too_many_classes",
        &["300", "100", "max_classes"],
    );
    let mut positive = request("y", Split::all());
    positive.target.positive = Some("maybe".into());
    let result = train(&MemoryTable::new("x,y\n1,a\n2,b\n3,a\n"), &positive, &mut Silent);
    assert_error(
        "positive label",
        result,
        "unknown_positive_label",
        &["`maybe`", "`a`", "`b`"],
    );
}

#[test]
fn one_class_in_the_training_part_alone() {
    let split = Split::training(30.0, 1);
    // The only `yes` lies in the part that is held out.
    let row = (0..40).find(|&row| !selects(&split, row)).unwrap();
    let text: String = (0..40)
        .map(|i| format!("{},{}\n", i % 9, if i == row { "yes" } else { "no" }))
        .collect();
    let result = train(
        &MemoryTable::new(format!("x,y\n{text}")),
        &request("y", split),
        &mut Silent,
    );
    assert_error(
        "one class left",
        result,
        "one_class",
        &["in the rows to learn from", "`no`"],
    );
    let nothing = Split {
        percent_end: 0.0,
        ..Split::all()
    };
    let result = train(
        &MemoryTable::new(table(40)),
        &request("answer", nothing),
        &mut Silent,
    );
    assert_error(
        "no rows left",
        result,
        "too_few_rows",
        &["0 rows", "hold out fewer"],
    );
}

#[test]
fn ten_rows_are_enough_to_go_on() {
    let trained = train_text(table(10), "answer").unwrap();
    assert_eq!(trained.bundle.document.training.rows, 10);
    assert!(
        trained.warnings.iter().any(|warning| warning.contains("only")),
        "{:?}",
        trained.warnings
    );
}

#[test]
fn columns_that_hold_nothing_are_left_out_and_named() {
    let text: String = (0..40).map(|i| format!("{},,NA,7,{}\n", i % 9, i % 2)).collect();
    let trained = train_text(format!("n,hollow,na,same,y\n{text}"), "y").unwrap();
    assert_eq!(trained.bundle.document.schema.excluded, ["hollow", "na", "same"]);
    for (name, reason) in [
        ("hollow", "empty on every row"),
        ("na", "same value"),
        ("same", "same value"),
    ] {
        let named = |warning: &&String| warning.contains(&format!("`{name}`")) && warning.contains(reason);
        assert!(
            trained.warnings.iter().any(|warning| named(&warning)),
            "{name}: {:?}",
            trained.warnings
        );
    }
    assert_eq!(trained.statistics.columns[1].missing, 40);
}

#[test]
fn nothing_left_to_learn_from() {
    let text: String = (0..40).map(|i| format!("7,{}\n", i % 2)).collect();
    assert_error(
        "one constant column",
        train_text(format!("same,y\n{text}"), "y"),
        "no_inputs",
        &["no column is left", "schema"],
    );
    let only: String = (0..40).map(|i| format!("{}\n", i % 2)).collect();
    assert_error(
        "only a target",
        train_text(format!("y\n{only}"), "y"),
        "no_inputs",
        &["no column is left", "schema"],
    );
}

#[test]
fn more_columns_than_rows_train_with_a_warning() {
    let header: String = (0..200).map(|j| format!("c{j},")).collect();
    let row = |i: usize| {
        (0..200)
            .map(|j| format!("{},", (i * 31 + j * 17) % 23))
            .collect::<String>()
            + &format!("{}\n", i % 2)
    };
    let text = format!("{header}y\n{}", (0..30).map(row).collect::<String>());
    let trained = train_text(text, "y").unwrap();
    assert!(trained.bundle.document.solver.certificate.certified);
    assert!(
        trained
            .warnings
            .iter()
            .any(|w| w.contains("more features") && w.contains("than rows (30)")),
        "{:?}",
        trained.warnings
    );
}

#[test]
fn bad_rows_are_left_out_counted_and_shown() {
    let mut lines: Vec<String> = table(300).lines().map(str::to_string).collect();
    lines[100] = "5,w1".into();
    lines[200] = "5,w1,yes,more,still more".into();
    lines[300] = "1,\"w1,yes".into();
    let trained = train_text(lines.join("\n"), "answer").unwrap();
    assert_eq!(
        (
            trained.bundle.document.training.rows,
            trained.bundle.document.training.rejected
        ),
        (297, 3)
    );
    let problems = &trained.statistics.problems;
    assert_eq!(problems.rejected, 3);
    assert_eq!(problems.counts["ragged_row"], 2);
    assert_eq!(problems.counts["unclosed_quote"], 1);
    let shown: Vec<(u64, &str)> = problems
        .examples
        .iter()
        .map(|p| (p.line, p.detail.as_str()))
        .collect();
    assert_eq!(shown[0], (101, "2 fields where the header has 3"));
    assert_eq!(shown[1], (201, "5 fields where the header has 3"));
    assert!(
        shown[2].0 == 301 && shown[2].1.contains("never closed"),
        "{shown:?}"
    );
    assert!(
        trained
            .warnings
            .iter()
            .any(|w| w.contains("3 rows") && w.contains("could not be read"))
    );
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_counted_and_shown() {
    let mut bytes = table(50).into_bytes();
    let at = bytes.windows(4).position(|w| w == b",w3,").unwrap() + 1;
    bytes[at] = 0xfc;
    let trained = train_text(&bytes, "answer").unwrap();
    let problems = &trained.statistics.problems;
    assert_eq!((problems.rejected, problems.counts["invalid_utf8"]), (0, 1));
    assert_eq!(problems.examples[0].line, 5);
    assert!(
        problems.examples[0].detail.contains("column `word`"),
        "{:?}",
        problems.examples
    );
    assert_eq!(trained.bundle.document.training.rows, 50);
}

/// A number that no float holds turns a column into words, unless the schema insists.
#[test]
fn numbers_out_of_range() {
    let text: String = (0..50)
        .map(|i| {
            format!(
                "{},{}\n",
                if i == 20 {
                    "1e999".into()
                } else {
                    i.to_string() + ".5"
                },
                i % 2
            )
        })
        .collect();
    let text = format!("x,y\n{text}");
    let found = inspect_text(&text, Some("y")).unwrap();
    let decision = &found.statistics.columns[0].decision;
    assert_eq!(decision.kind, AttributeType::Categorical);
    let forced = decision.forced_by.as_ref().unwrap();
    assert_eq!((forced.line, forced.value.as_str()), (22, "1e999"));
    let mixed = &found.insights[0];
    assert!(
        mixed.code == Code::MixedTypes && mixed.message.contains("49 of 50"),
        "{mixed:?}"
    );

    let schema = Schema::from_json(
        r#"{"version":"1.0","targetAttributeName":"y","dataFormat":"CSV","dataFileContainsHeader":true,
        "attributes":[{"attributeName":"x","attributeType":"NUMERIC"},{"attributeName":"y","attributeType":"BINARY"}]}"#,
    )
    .unwrap();
    let mut request = request("y", Split::all());
    request.schema = Some(schema);
    let trained = train(&MemoryTable::new(&text), &request, &mut Silent).unwrap();
    assert_eq!(trained.statistics.columns[0].invalid, 1);
    assert_eq!(trained.bundle.document.training.rows, 50);
}

#[test]
fn extreme_numbers_give_finite_scores() {
    let text: String = (0..60)
        .map(|i| {
            let sign = if i % 3 == 0 { "-" } else { "" };
            format!(
                "{sign}{}e149,1e-320,{},{sign}{}e149\n",
                1 + i % 9,
                1e15 + f64::from(i) * 0.125,
                1 + i % 7
            )
        })
        .collect();
    let text = format!("big,tiny,offset,y\n{text}");
    let trained = train_text(&text, "y").unwrap();
    let predictor = Predictor::new(&trained.bundle).unwrap();
    let mut out = Vec::new();
    predict(
        &predictor,
        &MemoryTable::new(&text),
        &BatchOptions::default(),
        &mut out,
        &mut Silent,
    )
    .unwrap();
    let scores: Vec<f64> = String::from_utf8(out)
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| line.rsplit(',').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(scores.len(), 60);
    assert!(scores.iter().all(|score| score.is_finite()));
    assert_eq!(
        yosoku::ml::model::Bundle::decode(&trained.bundle.encode()).unwrap(),
        trained.bundle
    );
}

/// Lines `i,even` or so; row `odd` holds a word instead of the number. Nothing is held in memory.
fn million(odd: u64) -> impl Read + Send {
    Pieces::new(move |i, buffer| {
        match i {
            0 => buffer.extend_from_slice(b"size,y\n"),
            _ if i == odd => buffer.extend_from_slice(b"banana,0\n"),
            _ => writeln!(buffer, "{}.5,{}", i * 7919 % 100_003, i % 2).unwrap(),
        }
        i <= 1_000_050
    })
}

#[test]
fn a_word_at_row_one_million_decides_and_is_named() {
    let table = MadeTable::new(|| million(1_000_000));
    let found = inspect(&table, None, Some("y"), &Split::all(), &mut Silent).unwrap();
    let column = &found.statistics.columns[0];
    assert_eq!(column.decision.kind, AttributeType::Categorical);
    let forced = column.decision.forced_by.as_ref().unwrap();
    assert_eq!((forced.line, forced.value.as_str()), (1_000_001, "banana"));
    let mixed = &found.insights[0];
    assert!(
        mixed.code == Code::MixedTypes && mixed.message.contains("1 is not"),
        "{mixed:?}"
    );
    assert_eq!(mixed.evidence[0]["examples"][0]["line"], 1_000_001);

    let mut schema = found.schema;
    schema.attributes[0].kind = AttributeType::Numeric;
    let given = inspect(&table, Some(&schema), Some("y"), &Split::all(), &mut Silent).unwrap();
    let column = &given.statistics.columns[0];
    assert_eq!(
        (column.decision.kind, column.invalid, column.missing),
        (AttributeType::Numeric, 1, 0)
    );
    assert_eq!(given.statistics.rows, 1_000_050);
}

/// A source that gives `before`, then `count` times the same byte, then `after`.
fn long_line(before: &'static [u8], count: u64, after: &'static [u8]) -> impl Read + Send {
    Cursor::new(before)
        .chain(std::io::repeat(b'x').take(count))
        .chain(Cursor::new(after))
}

#[test]
fn rows_longer_than_the_limit_are_refused_with_their_line() {
    let short = Options {
        max_row_bytes: 1000,
        ..Options::default()
    };
    let run = |count: u64, options: &Options| {
        let make = move || long_line(b"n,answer\n\n1,a\n2,b\n3,", count, b"\n4,a\n");
        let table = MadeTable {
            make,
            options: options.clone(),
        };
        train(&table, &request("answer", Split::all()), &mut Silent)
    };
    assert!(run(900, &short).is_ok());
    for count in [1100, 70_000, 300_000] {
        assert_error(
            "long row",
            run(count, &short),
            "row_too_long",
            &["line 5", "1000 bytes", "quote"],
        );
    }
    // With the limit as it is by default, a line of 64 MiB that is never held in memory.
    assert_error(
        "64 MiB",
        run(64 << 20, &Options::default()),
        "row_too_long",
        &["line 5", "16777216 bytes"],
    );
}

#[test]
fn a_quote_that_swallows_the_file_is_found_where_it_opens() {
    let make = || long_line(b"n,answer\r\n1,a\r\n2,\"b\r\n", 40 << 20, b"\r\n4,a\r\n");
    let result = train(
        &MadeTable::new(make),
        &request("answer", Split::all()),
        &mut Silent,
    );
    assert_error("open quote", result, "row_too_long", &["line 3", "quote"]);
}

#[test]
fn judging_and_scoring_other_data() {
    let trained = train_text(table(200), "answer").unwrap();
    let predictor = Predictor::new(&trained.bundle).unwrap();
    let facts = &trained.bundle.document.training;
    let judge = |text: &str| {
        evaluate(
            &predictor,
            facts,
            &MemoryTable::new(text),
            &Split::all(),
            &mut Silent,
        )
    };
    let error = judge("n,word\n1,a\n").unwrap_err();
    assert_eq!(error.code(), "schema_mismatch");
    assert!(
        error.to_string().contains("`answer`") && error.to_string().contains("n, word"),
        "{error}"
    );
    assert_eq!(
        judge("n,word,answer\n1,a,\n2,b,maybe\n").unwrap_err().code(),
        "nothing_to_evaluate"
    );
    assert_eq!(
        judge("n,word,answer\n").unwrap_err().code(),
        "nothing_to_evaluate"
    );
    let partly = judge("n,answer\n1,no\n2,\n90,yes\n1,2,3\n").unwrap();
    assert_eq!(
        (
            partly.report.records(),
            partly.unknown_target,
            partly.problems.rejected
        ),
        (2, 1, 1)
    );
    assert!(
        partly.warnings.iter().any(|w| w.contains("word")),
        "{:?}",
        partly.warnings
    );
    let one_side = judge("n,word,answer\n1,w1,yes\n2,w2,yes\n").unwrap();
    assert!(one_side.report.headline().1.value.is_none() && !one_side.report.notes().is_empty());

    let mut out = Vec::new();
    let text = "word,n,extra\nw1,1,x\nonly one\n\"new\",,y\n";
    let summary = predict(
        &predictor,
        &MemoryTable::new(text),
        &BatchOptions::default(),
        &mut out,
        &mut Silent,
    )
    .unwrap();
    assert_eq!((summary.records, summary.invalid), (3, 1));
    assert_eq!(summary.extra_columns, ["extra"]);
    assert_eq!(
        (summary.notes["missing"], summary.notes["unknown_category"]),
        (1, 1)
    );
    let out = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        (lines.len(), lines[0], lines[2]),
        (4, "bestAnswer,score", ""),
        "{out}"
    );
    let wanted = BatchOptions {
        columns: vec!["extr".into()],
        ..BatchOptions::default()
    };
    let error = predict(
        &predictor,
        &MemoryTable::new(text),
        &wanted,
        &mut Vec::new(),
        &mut Silent,
    )
    .unwrap_err();
    assert_eq!(error.code(), "unknown_column");
    assert!(error.to_string().contains("did you mean `extra`?"), "{error}");
}

/// Trains on whatever it is, with each of the first columns as the target in turn.
fn survive(bytes: &[u8], header: HeaderMode) {
    let table = MadeTable {
        make: || Cursor::new(bytes.to_vec()),
        options: Options {
            header,
            ..Options::default()
        },
    };
    let Ok(found) = inspect(&table, None, None, &Split::all(), &mut Silent) else {
        return;
    };
    for attribute in found.schema.attributes.iter().take(3) {
        for task in [
            None,
            Some(Task::Binary),
            Some(Task::Multiclass),
            Some(Task::Regression),
        ] {
            let mut request = request(&attribute.name, Split::all());
            request.target.task = task;
            if let Ok(trained) = train(&table, &request, &mut Silent) {
                assert!(trained.bundle.beta.iter().all(|b| b.is_finite()));
                let again = yosoku::ml::model::Bundle::decode(&trained.bundle.encode()).unwrap();
                let predictor = Predictor::new(&again).unwrap();
                let facts = &again.document.training;
                let _ = evaluate(&predictor, facts, &table, &Split::all(), &mut Silent);
                let explained = BatchOptions {
                    explain: true,
                    ..BatchOptions::default()
                };
                predict(&predictor, &table, &explained, &mut Vec::new(), &mut Silent).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), magic in 0usize..4) {
        let mut text = [&b""[..], b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"a,b\n"][magic].to_vec();
        text.extend(&bytes);
        survive(&text, HeaderMode::Auto);
        text.retain(|&byte| byte != 0);
        survive(&text, HeaderMode::No);
    }

    #[test]
    fn random_tables_never_panic(
        rows in prop::collection::vec(prop::collection::vec(prop::sample::select(vec![
            "", " ", "0", "1", "-1", "2.5", "1e150", "-1e150", "1e-308", "1e999", "NaN", "NA", "yes", "no", "007",
            "2024-01-05", "a", "b c d e", "é", "\"x\n\"", "\"", "'", "\u{feff}", "\r",
        ]), 3), 1..14),
        delimiter in prop::sample::select(vec![",", ";", "\t"]),
        header in any::<bool>(),
    ) {
        let lines: Vec<String> = rows.iter().map(|row| row.join(delimiter)).collect();
        let names = if header { ["x", "y", "z"].join(delimiter) + "\n" } else { String::new() };
        survive(format!("{names}{}", lines.join("\n")).as_bytes(), HeaderMode::Auto);
    }
}
