//! Types proposed from every row with their reasons, and statistics worked out by hand.

use std::collections::BTreeMap;

use yosoku::ml::infer::Role;
use yosoku::ml::ingest::RecordReader;
use yosoku::ml::insights::Code;
use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::inspect;
use yosoku::ml::pipeline::table::MemoryTable;
use yosoku::ml::predict::{Predictor, Scratch};
use yosoku::ml::profile::describe::describe;
use yosoku::ml::profile::{ColumnStatistics, Example, Profiler, TableStatistics};
use yosoku::ml::record::Record;
use yosoku::ml::schema::AttributeType::{self, Binary, Categorical, Numeric, Text};
use yosoku::ml::split::{Split, Survey};

use crate::support::{inspect_text, request, selects, train_text};

/// A table of named columns, each made by a function of the row.
fn made(rows: u64, columns: &[(&str, &dyn Fn(u64) -> String)]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(columns.iter().map(|column| column.0))
        .unwrap();
    for row in 0..rows {
        writer
            .write_record(columns.iter().map(|column| column.1(row)))
            .unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// The one column of interest, beside another so that a line is never empty.
fn column(rows: u64, name: &str, field: impl Fn(u64) -> String) -> ColumnStatistics {
    let text = made(rows, &[(name, &field), ("other", &|row| (row % 7).to_string())]);
    inspect_text(text, None).unwrap().statistics.columns[0].clone()
}

/// What is said of a column that may be meant to hold dates.
fn doubts(rows: u64, name: &str, field: impl Fn(u64) -> String) -> String {
    let text = made(rows, &[(name, &field), ("other", &|row| (row % 7).to_string())]);
    let insights = inspect_text(text, None).unwrap().insights;
    let about_dates = insights
        .iter()
        .filter(|insight| insight.code == Code::DatesAsCategories);
    about_dates.map(|insight| insight.message.as_str()).collect()
}

fn decided(rows: u64, name: &str, field: impl Fn(u64) -> String) -> (AttributeType, Role) {
    let decision = column(rows, name, field).decision;
    assert!(!decision.reason.is_empty());
    (decision.kind, decision.role)
}

/// The words in turn.
fn pick(row: u64, words: &[&str]) -> String {
    words[(row * 7 % words.len() as u64) as usize].to_string()
}

/// What it is, the column's name, its fields, and what must be made of them.
type Case<'a> = (&'a str, &'a str, &'a dyn Fn(u64) -> String, (AttributeType, Role));

#[test]
fn what_columns_look_like_decides_their_type() {
    use Role::{Excluded, Id, Input};
    let plain = |row: u64| (row * 7919 % 1009).to_string();
    let cases: Vec<Case> = vec![
        (
            "numbers",
            "size",
            &|row| format!("{}.5", row % 90),
            (Numeric, Input),
        ),
        (
            "numbers with gaps",
            "size",
            &|row| {
                if row % 3 == 0 {
                    String::new()
                } else {
                    row.to_string() + "e-1"
                }
            },
            (Numeric, Input),
        ),
        (
            "mostly empty numbers",
            "size",
            &|row| {
                if row == 50 || row == 70 {
                    format!("{row}.25")
                } else {
                    String::new()
                }
            },
            (Numeric, Input),
        ),
        (
            "zero and one",
            "flag",
            &|row| (row % 2).to_string(),
            (Binary, Input),
        ),
        (
            "literals in any case, mixed",
            "flag",
            &|row| pick(row, &["yes", "NO", "True", "f", "1", ""]),
            (Binary, Input),
        ),
        (
            "one side of the literals only",
            "flag",
            &|row| pick(row, &["1", "1", ""]),
            (Numeric, Input),
        ),
        (
            "literals and others",
            "flag",
            &|row| pick(row, &["yes", "no", "perhaps"]),
            (Categorical, Input),
        ),
        (
            "words",
            "colour",
            &|row| pick(row, &["red", "green", "blue"]),
            (Categorical, Input),
        ),
        (
            "running number from 0",
            "row",
            &|row| row.to_string(),
            (Categorical, Id),
        ),
        (
            "running number from 1, shuffled",
            "nr",
            &|row| ((row * 37) % 150 + 1).to_string(),
            (Categorical, Id),
        ),
        (
            "unique numbers under an id's name",
            "order_id",
            &|row| (1000 + row * 13).to_string(),
            (Categorical, Id),
        ),
        (
            "the same in camel case",
            "orderId",
            &|row| (1000 + row * 13).to_string(),
            (Categorical, Id),
        ),
        (
            "unique numbers under another name",
            "paid",
            &|row| (1000 + row * 13).to_string(),
            (Numeric, Input),
        ),
        (
            "repeated numbers under an id's name",
            "customer_id",
            &|row| (row % 9 * 17).to_string(),
            (Categorical, Input),
        ),
        (
            "unique codes",
            "token",
            &|row| format!("x{:x}", row * 7919),
            (Categorical, Id),
        ),
        (
            "an email for each row",
            "mail",
            &|row| format!("p{row}@mail.test"),
            (Categorical, Id),
        ),
        (
            "zip codes with leading zeros",
            "place",
            &|row| format!("{:05}", row * 97 % 400),
            (Categorical, Input),
        ),
        (
            "zip codes by name",
            "zip_code",
            &|row| (10_000 + row * 97 % 400).to_string(),
            (Categorical, Input),
        ),
        (
            "zero and decimals are no leading zeros",
            "share",
            &|row| format!("0.{}", row % 60),
            (Numeric, Input),
        ),
        (
            "negative numbers",
            "delta",
            &|row| format!("-{}", row % 60),
            (Numeric, Input),
        ),
        ("constant word", "same", &|_| "x".into(), (Categorical, Excluded)),
        ("constant number", "same", &|_| "4.0".into(), (Numeric, Excluded)),
        (
            "constant or missing",
            "same",
            &|row| pick(row, &["x", ""]),
            (Categorical, Input),
        ),
        ("empty", "hollow", &|_| "  ".into(), (Categorical, Excluded)),
        (
            "dates that repeat",
            "day",
            &|row| format!("2024-01-{:02}", row % 28 + 1),
            (Categorical, Input),
        ),
        (
            "dates and times",
            "at",
            &|row| format!("2024-01-05 10:{:02}:{:02}", row % 60, row / 60),
            (Categorical, Input),
        ),
        (
            "sentences",
            "note",
            &|row| format!("order {row} came late, twice"),
            (Text, Input),
        ),
        (
            "two words that rarely repeat",
            "title",
            &|row| format!("part p{row}"),
            (Text, Input),
        ),
        (
            "few long phrases",
            "state",
            &|row| pick(row, &["not yet paid for", "paid in full today"]),
            (Categorical, Input),
        ),
        (
            "numbers with units",
            "length",
            &|row| format!("{} cm", row % 30),
            (Categorical, Input),
        ),
        (
            "thousands separators",
            "sum",
            &|row| format!("1,{:03}", row % 30),
            (Categorical, Input),
        ),
        (
            "hexadecimal",
            "hex",
            &|row| format!("0x{:x}", row % 30),
            (Categorical, Input),
        ),
    ];
    for (what, name, field, expected) in cases {
        assert_eq!(
            decided(150, name, field),
            expected,
            "{what}: {:?}",
            column(150, name, field).decision
        );
    }
    // A few rows do not make an identity.
    assert_eq!(decided(12, "nr", plain), (Numeric, Input));
}

/// `NA` is a gap among numbers and literals, and a country among countries.
#[test]
fn missing_words_are_decided_column_by_column() {
    let missing = |field: &'static dyn Fn(u64) -> String| {
        let column = column(150, "c", field);
        (
            column.decision.kind,
            column.decision.missing_values.join(" "),
            column.missing,
            column.invalid,
        )
    };
    let every_tenth =
        |word: &'static str, rest: &'static dyn Fn(u64) -> String| -> &'static dyn Fn(u64) -> String {
            Box::leak(Box::new(move |row| {
                if row % 10 == 4 {
                    word.to_string()
                } else {
                    rest(row)
                }
            }))
        };
    let number: &'static dyn Fn(u64) -> String = &|row| format!("{}.5", row % 40);
    let country: &'static dyn Fn(u64) -> String = &|row| ["DE", "FR", "ZA"][(row % 3) as usize].into();
    let literal: &'static dyn Fn(u64) -> String = &|row| ["yes", "no"][(row % 2) as usize].into();
    for word in ["NA", "NaN", "?", "-", "null", "None", "N/A", "\\N"] {
        assert_eq!(
            missing(every_tenth(word, number)),
            (Numeric, word.into(), 15, 0),
            "{word}"
        );
    }
    assert_eq!(
        missing(every_tenth(" NA ", number)),
        (Numeric, "NA".into(), 15, 0)
    );
    assert_eq!(missing(every_tenth("NA", literal)), (Binary, "NA".into(), 15, 0));
    assert_eq!(
        missing(every_tenth("NA", country)),
        (Categorical, String::new(), 0, 0)
    );
    assert_eq!(
        missing(every_tenth("", country)),
        (Categorical, String::new(), 15, 0)
    );
    assert_eq!(missing(every_tenth("missing", number)).0, Categorical);
    let column = column(150, "c", every_tenth("NA", number));
    let forced = column.decision.forced_by.unwrap();
    assert_eq!((forced.line, forced.value.as_str()), (6, "NA"));
    assert!(
        column.decision.reason.contains("`NA`"),
        "{}",
        column.decision.reason
    );
}

/// Words that a schema lists as missing are the same as nothing, also in categories and texts.
#[test]
fn listed_missing_words_mean_nothing_in_every_type() {
    let text = made(
        400,
        &[
            ("colour", &|row| {
                ["red", "blue", "?", ""][(row % 4) as usize].into()
            }),
            ("note", &|row| {
                if row % 5 == 0 {
                    "?".into()
                } else {
                    format!("w{} and w{}", row % 30, row % 7)
                }
            }),
            ("size", &|row| {
                if row % 6 == 0 {
                    "?".into()
                } else {
                    (row % 50).to_string()
                }
            }),
            ("member", &|row| ["yes", "no", "?"][(row % 3) as usize].into()),
            ("y", &|row| if row % 4 < 2 { "a".into() } else { "b".into() }),
        ],
    );
    let mut request = request("y", Split::all());
    let mut schema = inspect_text(&text, Some("y")).unwrap().schema;
    for (attribute, kind) in schema
        .attributes
        .iter_mut()
        .zip([Categorical, Text, Numeric, Binary])
    {
        (attribute.kind, attribute.missing_values) = (kind, vec!["?".into()]);
    }
    request.schema = Some(schema);
    let trained = yosoku::ml::pipeline::train(&MemoryTable::new(&text), &request, &mut Silent).unwrap();
    let missing: Vec<u64> = trained
        .statistics
        .columns
        .iter()
        .take(4)
        .map(|column| column.missing)
        .collect();
    assert_eq!(missing, [200, 80, 67, 133]);
    let predictor = Predictor::new(&trained.bundle).unwrap();
    let features = |field: &str| {
        let mut scratch = Scratch::default();
        let record = Record::from_fields([field, field, field, field, ""]);
        let mut notes = BTreeMap::new();
        predictor.score_noting(&record, &mut scratch, |note| {
            notes.insert(note.attribute, note.kind.as_str());
        });
        (scratch.features, scratch.scores, notes)
    };
    assert_eq!(features("?"), features(""));
    assert_eq!(features(" ? ").1, features("").1);
    let missing = (0..4).map(|attribute| (attribute, "missing"));
    assert_eq!(features("?").2, missing.collect());
}

#[test]
fn a_late_change_of_type_names_its_line_and_value() {
    let found = column(30_000, "size", |row| {
        if row == 29_000 {
            "twelve".into()
        } else {
            (row % 500).to_string()
        }
    });
    assert_eq!(found.decision.kind, Categorical);
    let forced = found.decision.forced_by.clone().unwrap();
    assert_eq!((forced.line, forced.value.as_str()), (29_002, "twelve"));
    let late_zero = column(30_000, "code", |row| {
        if row == 20_000 {
            "0042".into()
        } else {
            (row % 500 + 1).to_string()
        }
    });
    let forced = late_zero.decision.forced_by.unwrap();
    assert_eq!((forced.line, forced.value.as_str()), (20_002, "0042"));
    assert_eq!(late_zero.decision.kind, Categorical);
    let long = "x".repeat(500);
    let cut = column(100, "size", |row| {
        if row == 9 {
            long.clone()
        } else {
            (row % 50).to_string()
        }
    });
    assert!(cut.decision.forced_by.unwrap().value.chars().count() <= 61);
}

/// Types are decided from all rows; statistics are those of the part asked for.
#[test]
fn the_part_held_out_decides_types_too() {
    let split = Split::training(30.0, 1);
    let row = (500..).find(|&row| !selects(&split, row)).unwrap();
    let text = made(
        1000,
        &[
            ("size", &|i| {
                if i == row {
                    "big".into()
                } else {
                    (i % 90).to_string()
                }
            }),
            ("y", &|i| (i % 2).to_string()),
        ],
    );
    let found = inspect(&MemoryTable::new(&text), None, Some("y"), &split, &mut Silent).unwrap();
    assert_eq!(found.schema.attributes[0].kind, Categorical);
    let selected = (0..1000).filter(|&row| selects(&split, row)).count() as u64;
    assert_eq!(found.statistics.rows, selected);
    assert!(
        found.statistics.columns[0]
            .top_values
            .iter()
            .all(|top| top.value != "big")
    );
    assert_eq!(found.target.unwrap().rows, 1000);
}

#[test]
fn a_number_that_is_too_large_is_not_called_a_word() {
    let reason = |text: &'static str| {
        let field = move |row: u64| match row % 50 {
            0 => text.to_string(),
            _ => format!("{row}.5"),
        };
        column(400, "a", field).decision.reason
    };
    assert!(reason("1e300").contains("beyond 1e150"), "{}", reason("1e300"));
    assert!(reason("-1e999").contains("beyond 1e150"));
    for text in ["x", "inf", "1e", "1,5"] {
        assert!(reason(text).contains("is no number"), "{text}: {}", reason(text));
    }
}

#[test]
fn a_running_number_is_learned_from_where_nothing_else_is_left() {
    let x = |name: &str, more: &[(&str, &dyn Fn(u64) -> String)]| {
        let count = |row: u64| row.to_string();
        let twice = |row: u64| (2 * row + row % 3).to_string();
        let columns: Vec<_> = [(name, &count as &dyn Fn(u64) -> String), ("y", &twice)]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        let found = inspect_text(made(400, &columns), Some("y")).unwrap();
        let decision = &found.statistics.columns[0].decision;
        (decision.kind, decision.role)
    };
    assert_eq!(x("x", &[]), (Numeric, Role::Input));
    assert_eq!(x("x", &[("same", &|_| "1".into())]), (Numeric, Role::Input));
    assert_eq!(
        x("x", &[("other", &|row| (row % 7).to_string())]),
        (Categorical, Role::Id)
    );
    assert_eq!(x("order_id", &[]), (Categorical, Role::Id));
}

#[test]
fn the_schema_that_learns_from_a_running_number_is_not_advised_against() {
    let text = made(
        400,
        &[("x", &|row| row.to_string()), ("y", &|row| (row % 2).to_string())],
    );
    let proposed = inspect_text(&text, Some("y")).unwrap();
    let codes =
        |found: &[yosoku::ml::insights::Insight]| found.iter().map(|one| one.code).collect::<Vec<_>>();
    assert_eq!(codes(&proposed.insights), []);
    let table = MemoryTable::new(&text);
    let again = inspect(
        &table,
        Some(&proposed.schema),
        Some("y"),
        &Split::all(),
        &mut Silent,
    )
    .unwrap();
    assert_eq!(codes(&again.insights), []);
}

#[test]
fn one_identity_is_kept_and_the_others_are_left_out() {
    let text = made(
        150,
        &[
            ("row", &|row| row.to_string()),
            ("uuid", &|row| format!("u-{row:x}")),
            ("size", &|row| (row % 90).to_string()),
        ],
    );
    let found = inspect_text(&text, None).unwrap();
    assert_eq!(found.schema.row_id.as_deref(), Some("row"));
    assert_eq!(found.schema.excluded, ["uuid"]);
    // A target is a target, whatever it looks like.
    let found = inspect_text(&text, Some("row")).unwrap();
    assert_eq!(
        (found.schema.row_id.as_deref(), found.schema.target.as_deref()),
        (Some("uuid"), Some("row"))
    );
    let trained = train_text(&text, "row").unwrap();
    assert_eq!(
        trained.bundle.document.target.task(),
        yosoku::ml::Task::Regression
    );
}

#[test]
fn statistics_by_hand() {
    let rows = [
        ("1", "red", "The cat, the dog", "yes", "10"),
        ("2", "blue", "a Cat", "no", "20"),
        ("3", "red", "", "yes", "30"),
        ("4", "red", "dog! dog?", "", "40"),
        ("", "green", "one two three", "no", "50"),
        ("NA", "blue", "x y z", "maybe", "60"),
        ("10", "red", "cat", "yes", "70"),
    ];
    let body: String = rows
        .iter()
        .map(|r| format!("{},{},\"{}\",{},{}\n", r.0, r.1, r.2, r.3, r.4))
        .collect();
    let text = format!("n,colour,note,flag,y\n{body}");
    let mut schema = inspect_text(&text, Some("y")).unwrap().schema;
    for (name, kind) in [
        ("n", Numeric),
        ("colour", Categorical),
        ("note", Text),
        ("flag", Binary),
    ] {
        let index = schema.index_of(name).unwrap();
        schema.attributes[index].kind = kind;
    }
    schema.attributes[0].missing_values = vec!["NA".into()];
    let found = inspect(
        &MemoryTable::new(&text),
        Some(&schema),
        None,
        &Split::all(),
        &mut Silent,
    )
    .unwrap();
    assert_eq!(found.statistics.rows, 7);
    let [n, colour, note, flag, _] = &found.statistics.columns[..] else {
        panic!()
    };

    assert_eq!((n.missing, n.invalid), (2, 0));
    let numeric = n.numeric.as_ref().unwrap();
    // 1, 2, 3, 4, 10: mean 4, squared distances 9 + 4 + 1 + 0 + 36 = 50, over 5 rows.
    assert_eq!((numeric.min, numeric.max, numeric.mean), (1.0, 10.0, 4.0));
    assert!((numeric.deviation - 10f64.sqrt()).abs() < 1e-14);
    let quantiles: Vec<(f64, f64)> = numeric.quantiles.iter().map(|q| (q.percent, q.value)).collect();
    let expected = [
        (1.0, 1.0),
        (5.0, 1.0),
        (25.0, 2.0),
        (50.0, 3.0),
        (75.0, 4.0),
        (95.0, 10.0),
        (99.0, 10.0),
    ];
    assert_eq!(quantiles, expected);
    assert!(numeric.exact);
    let shown = numeric.histogram.bars(20);
    assert_eq!(shown.counts.iter().sum::<u64>(), 5);
    assert_eq!((shown.edges[0], shown.edges[20]), (1.0, 10.0));
    // Twenty cells of 0.45: 1 in the first, 2 in the third, 10 in the last.
    assert_eq!((shown.counts[0], shown.counts[2], shown.counts[19]), (1, 1, 1));
    assert_eq!(numeric.histogram.bars(500).counts.len(), 500);
    assert_eq!(numeric.median, 3.0);
    let places = |places: &[Example]| -> Vec<(u64, String)> {
        places
            .iter()
            .map(|place| (place.line, place.value.clone()))
            .collect()
    };
    assert_eq!(
        places(&n.missing_examples),
        [(6, String::new()), (7, "NA".into())]
    );

    assert_eq!(
        (colour.missing, colour.distinct.value, colour.distinct.exact),
        (0, 3, true)
    );
    let top: Vec<(&str, u64)> = colour
        .top_values
        .iter()
        .map(|top| (top.value.as_str(), top.count))
        .collect();
    assert_eq!(top, [("red", 4), ("blue", 2), ("green", 1)]);

    // Words are counted lower-cased and bare: the cat the dog a cat dog dog one two three x y z cat.
    let words = note.text.as_ref().unwrap();
    assert_eq!(
        (note.missing, words.words, words.distinct_words.value),
        (1, 15, 10)
    );
    assert_eq!(
        (words.words_per_row, words.word_length),
        (Some((0, 4)), Some((1, 5)))
    );
    let top: Vec<(&str, u64)> = words
        .top_words
        .iter()
        .take(3)
        .map(|top| (top.value.as_str(), top.count))
        .collect();
    assert_eq!(top, [("cat", 3), ("dog", 3), ("the", 2)]);

    let prominent = &words.prominent_words[0];
    assert_eq!((prominent.rank, words.sampled_rows), (1, 7));
    assert!(
        words
            .prominent_words
            .iter()
            .all(|word| word.rows <= 3 && word.share <= 3.0 / 7.0)
    );

    assert_eq!(colour.top_values[0].lines, [2, 4, 5]);
    assert_eq!(
        colour.least.as_ref().map(|least| least.value.as_str()),
        Some("green")
    );
    assert_eq!(colour.other_values, 0);

    assert_eq!((flag.missing, flag.invalid), (1, 1));
    assert_eq!(places(&flag.invalid_examples), [(7, "maybe".into())]);
    let states = flag.binary.unwrap();
    assert_eq!((states.trues, states.falses, states.percent_true), (3, 2, 60.0));
    assert!((states.percent_invalid - 100.0 / 7.0).abs() < 1e-12);
    // The target is a number of few values; each is counted.
    let target = found.statistics.target.as_ref().unwrap();
    assert_eq!(
        (target.name.as_str(), target.values.len(), target.other),
        ("y", 7, 0)
    );
}

#[test]
fn association_with_the_target_by_hand() {
    let text = made(
        1200,
        &[
            ("copy", &|row| ["a", "b"][(row % 2) as usize].into()),
            ("half", &|row| {
                if row % 4 < 2 {
                    "same".into()
                } else {
                    ["p", "q"][(row % 2) as usize].into()
                }
            }),
            ("nothing", &|row| ["u", "v"][(row / 2 % 2) as usize].into()),
            ("number", &|row| {
                format!("{}", (row % 2) as f64 * 100.0 + (row * 31 % 97) as f64 / 2.0)
            }),
            ("constant", &|_| "c".into()),
            ("y", &|row| ["yes", "no"][(row % 2) as usize].into()),
        ],
    );
    let found = inspect_text(text, Some("y")).unwrap().statistics;
    assert_eq!(found.association_rows, 1200);
    let of = |index: usize| found.columns[index].association;
    assert!(of(0).unwrap() > 0.999, "{:?}", of(0));
    // Half of the rows tell all, the other half nothing: ln 2 / 2 of ln 2.
    assert!((of(1).unwrap() - 0.5).abs() < 0.002, "{:?}", of(1));
    assert!(of(2).unwrap() < 0.001, "{:?}", of(2));
    assert!(of(3).unwrap() > 0.99, "{:?}", of(3));
    assert_eq!((of(4), of(5)), (None, None));
}

#[test]
fn many_values_are_sketched_closely() {
    let text = made(
        60_000,
        &[
            ("n", &|row| format!("{}", (row * 7919 % 60_000) as f64 / 10.0)),
            ("word", &|row| {
                if row % 3 == 0 {
                    "often".into()
                } else {
                    format!("w{row}")
                }
            }),
        ],
    );
    let found = inspect_text(text, None).unwrap().statistics;
    let word = &found.columns[1];
    assert!(!word.distinct.exact);
    assert!(
        (word.distinct.value as f64 / 40_001.0 - 1.0).abs() < 0.03,
        "{:?}",
        word.distinct
    );
    assert_eq!(word.top_values[0].value, "often");
    // Beyond what is counted exactly the count is a lower bound.
    assert!(
        word.top_values[0].count <= 20_000 && word.top_values[0].count > 18_000,
        "{:?}",
        word.top_values[0]
    );
    let numeric = found.columns[0].numeric.as_ref().unwrap();
    for quantile in &numeric.quantiles {
        assert!(
            (quantile.value - quantile.percent * 60.0).abs() < 60.0,
            "{quantile:?}"
        );
    }
}

/// Two parts profiled apart and merged say the same as the whole profiled at once.
#[test]
fn merged_profiles_equal_the_whole() {
    let text = made(
        12_000,
        &[
            ("n", &|row| {
                if row % 50 == 3 {
                    "NA".into()
                } else {
                    format!("{}", (row * 7919 % 3001) as f64 / 8.0)
                }
            }),
            ("colour", &|row| format!("c{}", row * row % 37)),
            ("note", &|row| {
                format!("w{} w{} some words", row % 90, row * 13 % 70)
            }),
            ("day", &|row| {
                format!("{}/{}/2024", row % 12 + 1, row % 29 % 28 + 1)
            }),
            ("late", &|row| {
                if row == 7000 {
                    "odd".into()
                } else {
                    (row % 8).to_string()
                }
            }),
            ("y", &|row| (row * row % 5 % 2).to_string()),
        ],
    );
    let schema = inspect_text(&text, Some("y")).unwrap();
    let decisions: Vec<_> = schema
        .statistics
        .columns
        .iter()
        .map(|column| column.decision.clone())
        .collect();
    let described = |split: &Split| -> TableStatistics {
        let part = Survey::new(split, 0, "").finish().unwrap();
        let source = std::io::Cursor::new(text.clone().into_bytes());
        let reader = RecordReader::open(Box::new(source), &Default::default()).unwrap();
        let profiler = Profiler::read(reader, 0, None, &part, &mut Silent).unwrap();
        assert!(split.is_all() || profiler.selected.rows > 1000 && profiler.others.rows > 1000);
        let mut all = profiler.all().unwrap_or_else(|| profiler.selected.clone());
        // The table is small enough for its samples to hold every row.
        let mut rows = profiler.selected.sample.into_rows();
        rows.extend(profiler.others.sample.into_rows());
        rows.sort_by_key(|row| row.position.record);
        describe(&mut all, &rows, &decisions, profiler.problems.clone())
    };
    let mut whole = described(&Split::all());
    assert_eq!(decisions[3].date_format.as_deref(), Some("%m/%d/%Y"));
    assert_eq!(decisions[4].forced_by.as_ref().unwrap().line, 7002);
    for seed in 1..4 {
        let mut merged = described(&Split::training(40.0, seed));
        for (merged, whole) in merged.columns.iter_mut().zip(&mut whole.columns) {
            if let (Some(merged), Some(whole)) = (&mut merged.numeric, &mut whole.numeric) {
                // Sums of floats in another order; everything else is the same to the bit.
                assert!((merged.mean / whole.mean - 1.0).abs() < 1e-12);
                assert!((merged.deviation / whole.deviation - 1.0).abs() < 1e-12);
                (merged.mean, merged.deviation) = (whole.mean, whole.deviation);
            }
        }
        assert_eq!(merged, whole, "seed {seed}");
    }
}

/// The default question follows from the target's values.
#[test]
fn the_question_is_read_from_the_target() {
    let question = |field: &dyn Fn(u64) -> String| {
        let text = made(200, &[("x", &|row| (row * 7 % 31).to_string()), ("y", field)]);
        let trained = train_text(text, "y").unwrap();
        assert!(!trained.reason.is_empty());
        let document = trained.bundle.document;
        let labels: Vec<String> = document.target.labels().into_iter().map(str::to_string).collect();
        (document.target.task().as_str(), labels.join(" "))
    };
    assert_eq!(question(&|row| (row % 2).to_string()), ("binary", "0 1".into()));
    assert_eq!(
        question(&|row| ["T", "f"][(row % 2) as usize].into()),
        ("binary", "f T".into())
    );
    assert_eq!(
        question(&|row| ["9", "10"][(row % 2) as usize].into()),
        ("binary", "9 10".into())
    );
    assert_eq!(
        question(&|row| ["<=50K", ">50K"][(row % 2) as usize].into()),
        ("binary", "<=50K >50K".into())
    );
    // Most frequent first, ties in byte order.
    assert_eq!(
        question(&|row| ["b", "a", "c", "c"][(row % 4) as usize].into()),
        ("multiclass", "c a b".into())
    );
    assert_eq!(question(&|row| (row % 20).to_string()).0, "multiclass");
    assert_eq!(question(&|row| (row % 21).to_string()).0, "regression");
    assert_eq!(question(&|row| (row % 50).to_string()).0, "regression");
    assert_eq!(question(&|row| format!("{}.5", row % 4)).0, "regression");
    assert_eq!(
        question(&|row| if row == 9 {
            "NA".into()
        } else {
            format!("{}.5", row % 40)
        })
        .0,
        "regression"
    );
}

/// A column's name, its fields, and the format found in them.
type DateCase<'a> = (
    &'a str,
    &'a dyn Fn(u64) -> String,
    Option<&'a str>,
    AttributeType,
    Role,
);

#[test]
fn dates_are_known_by_their_values() {
    use Role::{Excluded, Input};
    let cases: Vec<DateCase> = vec![
        (
            "unique days",
            &|row| {
                format!(
                    "20{:02}-{:02}-{:02}",
                    row / 300 + 10,
                    row / 28 % 12 + 1,
                    row % 28 + 1
                )
            },
            Some("%Y-%m-%d"),
            Categorical,
            Input,
        ),
        (
            "one day",
            &|_| "2024-01-05".into(),
            Some("%Y-%m-%d"),
            Categorical,
            Excluded,
        ),
        (
            "unique times",
            &|row| format!("2024-01-05T10:{:02}:{:02}.5Z", row % 60, row / 60),
            Some("%Y-%m-%dT%H:%M:%S%.f%#z"),
            Categorical,
            Input,
        ),
        (
            "gaps",
            &|row| {
                if row % 3 == 0 {
                    " ".into()
                } else {
                    format!("{}.01.2024", row % 31 + 1)
                }
            },
            Some("%d.%m.%Y"),
            Categorical,
            Input,
        ),
        (
            "order date",
            &|row| (20_240_101 + row % 31).to_string(),
            Some("%Y%m%d"),
            Categorical,
            Input,
        ),
        (
            "amount",
            &|row| (20_240_101 + row % 31).to_string(),
            None,
            Numeric,
            Input,
        ),
        (
            "created_at",
            &|row| (1_700_000_000 + row * 977).to_string(),
            Some("epoch_seconds"),
            Numeric,
            Input,
        ),
        (
            "eventTimestamp",
            &|row| (1_700_000_000_123 + row * 97_777).to_string(),
            Some("epoch_milliseconds"),
            Numeric,
            Input,
        ),
        (
            "views",
            &|row| (1_700_000_000 + row * 977).to_string(),
            None,
            Numeric,
            Input,
        ),
        ("time", &|row| (row * 977).to_string(), None, Numeric, Input),
        (
            "version",
            &|row| format!("{}.{}.20", row % 12 + 1, row % 9 + 1),
            None,
            Categorical,
            Input,
        ),
        (
            "date",
            &|row| format!("{:02}:30", row % 24),
            None,
            Categorical,
            Input,
        ),
    ];
    for (name, field, format, kind, role) in cases {
        let decision = column(150, name, field).decision;
        assert_eq!(decision.date_format.as_deref(), format, "{name}: {decision:?}");
        assert_eq!(
            (decision.kind, decision.role),
            (kind, role),
            "{name}: {decision:?}"
        );
        if role != Excluded {
            assert!(doubts(150, name, field).is_empty(), "{name}: {decision:?}");
        }
    }
}

#[test]
fn a_date_says_why_and_over_what_time() {
    let found = column(150, "when", |row| match row {
        40 => "NA".into(),
        _ => format!("{:02}/{:02}/2024", row / 8 + 1, row % 12 + 1),
    });
    let decision = found.decision;
    assert_eq!(decision.date_format.as_deref(), Some("%d/%m/%Y"));
    assert_eq!(
        decision.reason,
        "every value but `NA` is a date like 01/01/2024 (%d/%m/%Y)"
    );
    assert_eq!(decision.missing_values, ["NA"]);
    // 96 is the first row of day 13.
    let forced = decision.forced_by.unwrap();
    assert_eq!((forced.line, forced.value.as_str()), (98, "13/01/2024"));
    let dates = found.dates.unwrap();
    assert_eq!(
        (dates.min.as_str(), dates.max.as_str()),
        ("2024-01-01", "2024-12-18")
    );
    assert_eq!((found.missing, found.invalid), (1, 0));
}

#[test]
fn doubtful_dates_are_reported_and_not_guessed() {
    let fields = |row: u64| format!("{:02}/{:02}/2024", row % 12 + 1, row / 13 + 1);
    let ambiguous = column(150, "when", fields);
    assert_eq!(ambiguous.decision.date_format, None);
    assert_eq!(
        (ambiguous.decision.kind, ambiguous.decision.role),
        (Categorical, Role::Input)
    );
    let warning = doubts(150, "when", fields);
    assert!(
        warning.contains("`01/01/2024` on line 2") && warning.contains("`%d/%m/%Y` or `%m/%d/%Y`"),
        "{warning}"
    );
    let fields = |row: u64| match row {
        50 => "2023-02-29".into(),
        70 => "later".into(),
        _ => format!("2024-01-{:02}", row % 28 + 1),
    };
    let nearly = column(150, "when", fields);
    assert_eq!(nearly.decision.date_format, None);
    let warning = doubts(150, "when", fields);
    assert!(
        warning.contains("148 of 150 values are dates, 2 are not, the first on line 52 (`2023-02-29`)")
            && warning.contains("`%Y-%m-%d`"),
        "{warning}"
    );
    let warning = doubts(150, "when", |row| match row % 3 {
        0 => format!("2024-01-{:02}", row % 28 + 1),
        _ => format!("{}.1.2024", row % 28 + 1),
    });
    assert!(
        warning.contains("different ways, such as `2.1.2024` on line 3 and `2024-01-01` on line 2"),
        "{warning}"
    );
}

/// Text of days is not the question of when; the target is asked for as it is written.
#[test]
fn the_target_is_never_a_date() {
    let text = made(
        150,
        &[
            ("x", &|row| (row * 7 % 31).to_string()),
            ("y", &|row| format!("2024-01-{:02}", row % 3 + 1)),
        ],
    );
    let found = inspect_text(&text, Some("y")).unwrap();
    assert_eq!(found.schema.attributes[1].date_format, None);
    assert_eq!(found.statistics.columns[1].decision.date_format, None);
    let found = inspect_text(&text, Some("x")).unwrap();
    assert_eq!(
        found.schema.attributes[1].date_format.as_deref(),
        Some("%Y-%m-%d")
    );
}

/// A format given by a schema is the only one; what it does not read is counted.
#[test]
fn a_given_format_counts_what_it_does_not_read() {
    let text = made(
        150,
        &[
            ("day", &|row| match row % 10 {
                0 => "2024-01-05".into(),
                1 => "-".into(),
                2 => String::new(),
                _ => format!("{}. 1. 2024", row % 28 + 1),
            }),
            ("y", &|row| (row % 2).to_string()),
        ],
    );
    let mut schema = inspect_text(&text, Some("y")).unwrap().schema;
    assert_eq!(schema.attributes[0].date_format, None);
    schema.attributes[0].date_format = Some("%d. %m. %Y".into());
    schema.attributes[0].kind = Categorical;
    schema.attributes[0].missing_values = vec!["-".into()];
    let table = MemoryTable::new(&text);
    let found = inspect(&table, Some(&schema), None, &Split::all(), &mut Silent).unwrap();
    let day = &found.statistics.columns[0];
    assert_eq!((day.missing, day.invalid), (30, 15));
    let dates = day.dates.as_ref().unwrap();
    assert_eq!(
        (dates.min.as_str(), dates.max.as_str()),
        ("2024-01-01", "2024-01-28")
    );
    schema.attributes[0].date_format = Some("%d. %q".into());
    let error = inspect(&table, Some(&schema), None, &Split::all(), &mut Silent).unwrap_err();
    assert!(error.to_string().contains("`%q`"), "{error}");
}
