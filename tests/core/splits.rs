//! Every way to part the rows of a table, held against its rule on whole tables: what belongs where, that parts are
//! disjoint and complete, and that all flows agree.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::Strategy as _;
use yosoku::ml::ingest::{Batch, HeaderMode, for_each_batch};
use yosoku::ml::observe::{Silent, Stage};
use yosoku::ml::pipeline::table::MemoryTable;
use yosoku::ml::pipeline::{BatchOptions, PipelineError, Table, evaluate, inspect, predict, select, train};
use yosoku::ml::predict::Predictor;
use yosoku::ml::schema::Schema;
use yosoku::ml::split::{Seed, Selector, Split, Strategy, rearrangement};

use crate::support::{on_threads, request, sample_table};

/// A table in memory whose file has a name.
struct Named(MemoryTable, &'static str);

impl Table for Named {
    fn open(&self) -> std::io::Result<yosoku::ml::ingest::decompress::Source> {
        self.0.open()
    }

    fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    fn name(&self) -> &str {
        self.1
    }

    fn header(&self) -> HeaderMode {
        HeaderMode::Yes
    }
}

fn table(text: &str) -> Named {
    Named(MemoryTable::new(text), "rows.csv")
}

fn by(strategy: Strategy, column: Option<&str>, begin: f64, end: f64) -> Split {
    Split {
        strategy,
        percent_begin: begin,
        percent_end: end,
        column: column.map(str::to_string),
        ..Split::all()
    }
}

/// The numbers of the rows that are selected, the bad ones included.
fn selected(table: &dyn Table, part: &Selector) -> Vec<u64> {
    let mut found = Vec::new();
    let reader = table.records().unwrap();
    let look = |batch: &Batch| -> Result<(), PipelineError> {
        let wanted = batch.records().iter().filter(|record| part.selects(record));
        found.extend(wanted.map(|record| record.position.record));
        Ok(())
    };
    for_each_batch(reader, 0, Stage::Profile, &mut Silent, look).unwrap();
    found
}

fn rows(table: &dyn Table, split: &Split) -> Vec<u64> {
    let part = select(table, split, None, Some("y"), &mut Silent).unwrap();
    selected(table, &part)
}

fn warnings(table: &dyn Table, split: &Split) -> String {
    let part = select(table, split, None, Some("y"), &mut Silent).unwrap();
    part.warnings().join("\n")
}

fn refusal(table: &dyn Table, split: &Split) -> (&'static str, String) {
    let error = select(table, split, None, Some("y"), &mut Silent).unwrap_err();
    (error.code(), error.to_string())
}

/// Ten rows whose first column is their number.
const TEN: &str = "n,y\n0,a\n1,a\n2,a\n3,a\n4,a\n5,b\n6,b\n7,b\n8,b\n9,b\n";

#[test]
fn the_worked_example_of_sequential_parts() {
    for (text, expected) in [
        (
            r#"{"splitting": {"percentBegin": 20, "percentEnd": 50}}"#,
            vec![2, 3, 4],
        ),
        (
            r#"{"splitting": {"percentBegin": 20, "percentEnd": 50, "complement": "true"}}"#,
            vec![0, 1, 5, 6, 7, 8, 9],
        ),
        (
            r#"{"splitting": {"percentBegin": 0, "percentEnd": 25}}"#,
            vec![0, 1],
        ),
        (
            r#"{"splitting": {"percentBegin": 0, "percentEnd": 25, "complement": true}}"#,
            vec![2, 3, 4, 5, 6, 7, 8, 9],
        ),
        (r#"{"splitting": {"percentBegin": 99.9}}"#, vec![9]),
        (r#"{"splitting": {"percentBegin": 100}}"#, vec![]),
        ("", (0..10).collect()),
    ] {
        assert_eq!(
            rows(&table(TEN), &rearrangement(text).unwrap()),
            expected,
            "{text}"
        );
    }
    // The two runs of the original that are known, by record arithmetic.
    let long =
        |count: u64| (0..count).fold("n,y\n".to_string(), |text, i| text + &format!("{i},{}\n", i % 2));
    let sequential =
        |count, begin, end| rows(&table(&long(count)), &by(Strategy::Sequential, None, begin, end)).len();
    assert_eq!(
        (sequential(1046, 0.0, 70.0), sequential(1309, 80.0, 100.0)),
        (732, 262)
    );
}

#[test]
fn the_rule_of_random_parts_by_a_text() {
    // Computed by another program: SHA-256 of seed, name and byte offset, rows from 20 to 70 percent.
    for (seed, name, expected) in [
        ("s3://bucket/key", "rows.csv", vec![0, 1, 2, 3, 5, 6, 8, 9]),
        ("s3://bucket/key", "folder/rows.csv", vec![0, 1, 2, 3, 5, 6, 8, 9]),
        ("", "rows.csv", vec![0, 2, 5, 8, 9]),
        ("s3://bucket/key", "other.csv", vec![1, 2, 3, 4, 5, 6, 9]),
    ] {
        let text = format!(
            r#"{{"splitting": {{"percentBegin": 20, "percentEnd": 70, "strategy": "random", "strategyParams": {{"randomSeed": "{seed}"}}}}}}"#
        );
        let split = rearrangement(&text).unwrap();
        assert_eq!(
            rows(&Named(MemoryTable::new(TEN), name), &split),
            expected,
            "{seed} {name}"
        );
    }
}

#[test]
fn groups_stay_together_and_rows_without_one_stand_alone() {
    let text: String = (0..3000).map(|i| format!("{},{i}\n", i * 7919 % 100)).collect();
    let table = table(&format!("who,y\n{text}"));
    let part = rows(&table, &by(Strategy::Group, Some("who"), 0.0, 60.0));
    let mut of_group: BTreeMap<u64, Vec<bool>> = BTreeMap::new();
    for row in 0..3000 {
        let side = part.binary_search(&row).is_ok();
        of_group.entry(row * 7919 % 100).or_default().push(side);
    }
    assert!(
        of_group
            .values()
            .all(|sides| sides.iter().all(|side| *side == sides[0]))
    );
    let inside = of_group.values().filter(|sides| sides[0]).count();
    assert!((45..=75).contains(&inside), "{inside} of 100 groups");
    let seeded = |seed| Split {
        seed: Seed::Number(seed),
        ..by(Strategy::Group, Some("who"), 0.0, 60.0)
    };
    assert_ne!(rows(&table, &seeded(2)), rows(&table, &seeded(3)));

    // Empty fields are no group: these rows are parted one by one.
    let empty: String = (0..1000).map(|i| format!(" ,{i}\n")).collect();
    let found = rows(
        &self::table(&format!("who,y\n{empty}")),
        &by(Strategy::Group, Some("who"), 0.0, 60.0),
    );
    assert!((550..650).contains(&found.len()), "{}", found.len());
}

#[test]
fn the_later_rows_are_in_the_later_part() {
    for (what, text, end, expected) in [
        ("numbers", "t,y\n5,a\n1,a\n4,a\n2,a\n3,a\n", 60.0, vec![1, 3, 4]),
        (
            "dates",
            "t,y\n2024-03-01,a\n2023-12-31,a\n2024-02-29 10:00,a\n2024-02-29T09:00Z,a\n",
            50.0,
            vec![1, 3],
        ),
        (
            "offsets",
            "t,y\n2024-01-01T00:30+02:00,a\n2023-12-31T23:00Z,a\n",
            50.0,
            vec![0],
        ),
        ("ties", "t,y\n1,a\n2,a\n2,a\n2,a\n2,a\n3,a\n", 50.0, vec![0]),
        (
            "ties, nearer after",
            "t,y\n1,a\n2,a\n2,a\n2,a\n2,a\n3,a\n",
            60.0,
            vec![0, 1, 2, 3, 4],
        ),
        (
            "without a time",
            "t,y\n1,a\nsoon,a\n3,a\n,a\n2,a\n4,a\n",
            50.0,
            vec![0, 1, 3],
        ),
        (
            "the other kind",
            "t,y\n2024-01-01,a\n2024-01-02,a\n3,a\n",
            34.0,
            vec![2],
        ),
    ] {
        let found = rows(&table(text), &by(Strategy::Time, Some("t"), 0.0, end));
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn rows_without_a_time_are_told() {
    let split = by(Strategy::Time, Some("t"), 0.0, 50.0);
    let text = warnings(&table("t,y\n1,a\nsoon,a\n3,a\n,a\n2024-05-01,a\n4,a\n"), &split);
    assert!(
        text.contains("3 rows have no readable number in `t`") && text.contains("line 3"),
        "{text}"
    );
    assert_eq!(warnings(&table("t,y\n1,a\n2,a\n"), &split), "");
    let (code, text) = refusal(&table("t,y\nsoon,a\nlater,a\n"), &split);
    assert_eq!(code, "invalid_split");
    assert!(text.contains("`t` holds no number and no date"), "{text}");
}

fn dated(format: Option<&str>) -> Schema {
    let format = format.map_or(String::new(), |format| format!(r#", "dateFormat": "{format}""#));
    Schema::from_json(&format!(
        r#"{{"dataFileContainsHeader": true, "targetAttributeName": "y", "attributes": [
            {{"attributeName": "t", "attributeType": "CATEGORICAL"{format}}},
            {{"attributeName": "y", "attributeType": "CATEGORICAL"}}]}}"#
    ))
    .unwrap()
}

#[test]
fn dates_are_read_as_the_schema_says() {
    let split = by(Strategy::Time, Some("t"), 0.0, 50.0);
    let part = |text: &str, format: &str| {
        let table = table(text);
        let part = select(&table, &split, Some(&dated(Some(format))), None, &mut Silent).unwrap();
        (selected(&table, &part), part.warnings().join(""))
    };
    // In the order of their letters and of the months these rows would be parted otherwise.
    let text = "t,y\n31/01/2024,a\n01/03/2024,a\n02/02/2024,a\n30/12/2023,a\n";
    assert_eq!(part(text, "%d/%m/%Y"), (vec![0, 3], String::new()));
    let either = "t,y\n05/01/2024,a\n03/02/2024,a\n";
    assert_eq!(part(either, "%d/%m/%Y").0, [0]);
    assert_eq!(part(either, "%m/%d/%Y").0, [1]);
    // What is not written so has no time, even a date of another kind.
    let (rows, told) = part("t,y\n31/01/2024,a\n2025-01-01,a\n,a\n01/02/2024,a\n", "%d/%m/%Y");
    assert_eq!(rows, [1, 2]);
    assert!(
        told.contains("2 rows have no readable date (`%d/%m/%Y`) in `t`, the first on line 3"),
        "{told}"
    );
    let text = "t,y\n2024-01-01,a\n2024-01-02,a\n";
    let error = select(
        &table(text),
        &split,
        Some(&dated(Some("%d.%m.%Y"))),
        None,
        &mut Silent,
    )
    .unwrap_err();
    assert_eq!(error.code(), "invalid_split");
    assert!(
        error.to_string().contains("no date in the dateFormat `%d.%m.%Y`"),
        "{error}"
    );
    // A schema without a format leaves numbers and dates in the order of ISO 8601.
    let plain = select(&table(text), &split, Some(&dated(None)), None, &mut Silent).unwrap();
    assert_eq!(selected(&table(text), &plain), [0]);
    let error = select(&table(either), &split, Some(&dated(None)), None, &mut Silent).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the dateFormat `%d/%m/%Y` or `%m/%d/%Y`"),
        "{error}"
    );
}

#[test]
fn without_a_schema_dates_are_read_as_proposed() {
    let split = by(Strategy::Time, Some("t"), 0.0, 50.0);
    let text = "t,y\n31/01/2024,a\n01/03/2024,b\n02/02/2024,a\nNA,b\n30/12/2023,a\n05/05/2024,b\n";
    assert_eq!(rows(&table(text), &split), [0, 3, 4]);
    assert!(warnings(&table(text), &split).contains("1 row has no readable date (`%d/%m/%Y`)"));
    // No value settles which number is the day.
    let (code, told) = refusal(&table("t,y\n05/01/2024,a\n03/02/2024,b\n"), &split);
    assert_eq!(code, "invalid_split");
    assert!(
        told.contains(
            "cannot tell when a row was: every value is a date, but no value tells which number is the day"
        ),
        "{told}"
    );
    // The target is never a date.
    let by_target = by(Strategy::Time, Some("y"), 0.0, 50.0);
    assert_eq!(
        refusal(&table("t,y\n1,31/01/2024\n2,01/01/2024\n"), &by_target).0,
        "invalid_split"
    );
}

#[test]
fn dates_that_are_not_understood_say_why_they_cannot_tell_the_time() {
    let split = by(Strategy::Time, Some("t"), 0.0, 50.0);
    let days: String = (0..40)
        .map(|i| format!("{:02}/03/2024 10:00,{}\n", 1 + i % 28, i % 2))
        .collect();
    // What is missing does not count against the dates; a day that is none does.
    let missing = format!("t,y\n{days},0\nNA,1\nn/a,0\n");
    assert_eq!(rows(&table(&missing), &split).len(), 21);
    let nearly = format!("t,y\n{days},0\nNA,1\n31/02/2024 10:00,0\n");
    let (code, told) = refusal(&table(&nearly), &split);
    assert_eq!(code, "invalid_split");
    assert!(
        told.starts_with(
            "the column `t` cannot tell when a row was: 40 of 41 values are dates, 1 is not, on line 44 (`31/02/2024 10:00`)"
        ) && told.contains("dateFormat `%d/%m/%Y %H:%M`"),
        "{told}"
    );
    let schema = dated(Some("%d/%m/%Y %H:%M"));
    let part = select(&table(&nearly), &split, Some(&schema), None, &mut Silent).unwrap();
    assert!(part.warnings().join("").contains("3 rows have no readable date"));
    for (text, expected) in [
        ("t,y\n31/01/24,a\n01/13/24,b\n", "written in different ways"),
        (
            "t,y\n12/31/24,a\n01/13/24,b\n",
            "the dateFormat `%m/%d/%y` in a schema",
        ),
    ] {
        let (_, told) = refusal(&table(text), &split);
        assert!(told.contains(expected), "{told}");
    }
    // A schema that says nothing of a format asks for it.
    let plain = table("t,y\n31/01/2024,a\n13/01/2024,b\n");
    let error = select(&plain, &split, Some(&dated(None)), None, &mut Silent).unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("give the column the dateFormat `%d/%m/%Y` in the schema"),
        "{told}"
    );
}

#[test]
fn a_table_is_parted_by_time_the_same_before_and_after_its_schema_is_known() {
    let day = |i: u64| (1 + i * 7919 % 28, 1 + i * 104_729 % 12, 1990 + i * 31 % 30);
    let texts: [(&str, &dyn Fn(u64) -> String); 6] = [
        ("t", &|i| {
            let (day, month, year) = day(i);
            format!("{day:02}/{month:02}/{year}")
        }),
        ("t", &|i| {
            let (day, month, year) = day(i);
            if i % 7 == 0 {
                "NA".into()
            } else {
                format!("{year}-{month:02}-{day:02} 1{}:30", i % 10)
            }
        }),
        ("date", &|i| {
            let (day, month, year) = day(i);
            format!(" {year}{month:02}{day:02} ")
        }),
        ("timestamp", &|i| (1_600_000_000 + i * 7919 % 90_001).to_string()),
        ("t", &|i| (i * 7919 % 90_001).to_string()),
        ("t", &|i| {
            let (day, month, year) = day(i);
            if i % 3 == 0 {
                format!("{year}-{month:02}")
            } else {
                format!("{year}/{month:02}/{day:02}")
            }
        }),
    ];
    for (name, text) in texts {
        let text: String = (0..20_000)
            .map(|i| format!("{},{},{}\n", text(i), i % 5, i % 2))
            .collect();
        let table = table(&format!("{name},x,y\n{text}"));
        let split = by(Strategy::Time, Some(name), 20.0, 70.0);
        let found = inspect(&table, None, Some("y"), &split, &mut Silent).unwrap();
        let part = select(&table, &split, Some(&found.schema), Some("y"), &mut Silent).unwrap();
        let (before, after) = (selected(&table, &found.part), selected(&table, &part));
        assert_eq!(
            before, after,
            "{name} {:?}",
            found.schema.attributes[0].date_format
        );
        assert!((9_000..11_000).contains(&after.len()), "{}", after.len());
    }
}

#[test]
fn every_class_has_its_share() {
    let label = |i: u64| match i % 100 {
        0 => "rare",
        1..10 => "some",
        _ => "many",
    };
    let text: String = (0..20_000).map(|i| format!("{i}, {} \n", label(i))).collect();
    let table = table(&format!("n,y\n{text}"));
    for (begin, end) in [(0.0, 70.0), (70.0, 100.0), (12.5, 37.5)] {
        let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
        for row in rows(&table, &by(Strategy::Stratified, None, begin, end)) {
            *counts.entry(label(row)).or_default() += 1.0;
        }
        for (name, all) in [("rare", 200.0), ("some", 1_800.0), ("many", 18_000.0)] {
            let wanted = all * (end - begin) / 100.0;
            let allowed = if all < 8_000.0 { 1.0 } else { all * 0.0005 };
            assert!(
                (counts[name] - wanted).abs() <= allowed,
                "{name}: {counts:?} for {begin} to {end}"
            );
        }
    }
    let seeded = |seed| Split {
        seed: Seed::Number(seed),
        ..by(Strategy::Stratified, Some("y"), 0.0, 50.0)
    };
    assert_ne!(rows(&table, &seeded(1)), rows(&table, &seeded(2)));
    let (code, text) = refusal(&table, &by(Strategy::Stratified, Some("n"), 0.0, 50.0));
    assert_eq!(code, "invalid_split");
    assert!(text.contains("`n` has more than 1000 different values"), "{text}");
}

#[test]
fn columns_that_are_not_there_are_refused_with_the_nearest() {
    for strategy in [Strategy::Stratified, Strategy::Group, Strategy::Time] {
        let split = by(strategy, Some("pateint"), 0.0, 50.0);
        let (code, text) = refusal(&table("patient,y\n1,a\n"), &split);
        assert_eq!(code, "unknown_column");
        assert!(text.contains("did you mean `patient`?"), "{text}");
        let everything = by(strategy, Some("nowhere"), 0.0, 100.0);
        assert!(
            refusal(&table("patient,y\n1,a\n"), &everything)
                .1
                .contains("its columns are patient, y")
        );
    }
    let nameless = select(
        &table(TEN),
        &by(Strategy::Stratified, None, 0.0, 50.0),
        None,
        None,
        &mut Silent,
    );
    assert_eq!(nameless.unwrap_err().code(), "invalid_split");
}

#[test]
fn tables_without_a_header_are_split_by_the_names_of_the_schema() {
    let schema = r#"{"dataFileContainsHeader": false, "targetAttributeName": "y", "attributes": [
        {"attributeName": "y", "attributeType": "CATEGORICAL"},
        {"attributeName": "t", "attributeType": "NUMERIC"}]}"#;
    let schema = Schema::from_json(schema).unwrap();
    let split = by(Strategy::Time, Some("t"), 0.0, 50.0);
    for (text, expected) in [("a,2\nb,1\na,4\nb,3\n", vec![0, 1]), ("1\n4\n2\n3\n", vec![0, 2])] {
        let table = MemoryTable::new(text);
        let part = select(&table, &split, Some(&schema), None, &mut Silent).unwrap();
        assert_eq!(selected(&table, &part), expected, "{text}");
    }
    let unnamed = select(&MemoryTable::new("a,2\nb,1\n"), &split, None, None, &mut Silent);
    assert!(unnamed.unwrap_err().to_string().contains("column_1, column_2"));
}

#[test]
fn rows_that_cannot_be_read_belong_to_one_side_as_well() {
    let text: String = (0..200)
        .map(|i| {
            if i % 20 == 3 {
                "broken\n".into()
            } else {
                format!("{},{},x\n", i % 7, i % 2)
            }
        })
        .collect();
    let table = table(&format!("t,y,z\n{text}"));
    for strategy in Strategy::ALL {
        let split = by(strategy, strategy.uses_column().then_some("t"), 30.0, 60.0);
        let mut both = [rows(&table, &split), rows(&table, &split.others())].concat();
        both.sort_unstable();
        assert_eq!(both, (0..200).collect::<Vec<_>>(), "{strategy:?}");
    }
    // Shares are of the rows that can be read.
    let part = rows(&table, &by(Strategy::Stratified, None, 0.0, 50.0));
    let read = part.iter().filter(|row| *row % 20 != 3);
    let (even, odd): (Vec<&u64>, Vec<&u64>) = read.partition(|row| *row % 2 == 0);
    assert_eq!((even.len(), odd.len()), (50, 45));
}

#[test]
fn k_folds_by_ranges_judge_every_row_once() {
    let sample = sample_table("iris");
    for strategy in [Strategy::Random, Strategy::Sequential, Strategy::Stratified] {
        let mut judged = Vec::new();
        for fold in 0..5 {
            let split = by(strategy, None, f64::from(fold) * 20.0, f64::from(fold + 1) * 20.0);
            let part = |split: &Split| {
                let part = select(&sample, split, None, Some("target"), &mut Silent).unwrap();
                selected(&sample, &part)
            };
            let (test, training) = (part(&split), part(&split.others()));
            assert_eq!(test.len() + training.len(), 150);
            if strategy == Strategy::Stratified {
                assert_eq!(test.len(), 30);
                assert!((0..3).all(|class| test.iter().filter(|row| **row / 50 == class).count() == 10));
            }
            judged.extend(test);
        }
        judged.sort_unstable();
        assert_eq!(judged, (0..150).collect::<Vec<_>>(), "{strategy:?}");
    }
}

#[test]
fn all_flows_agree_on_any_number_of_threads() {
    let sample = sample_table("breast_cancer");
    for strategy in Strategy::ALL {
        let column = (strategy == Strategy::Time || strategy == Strategy::Group).then_some("mean_radius");
        let split = by(strategy, column, 0.0, 70.0);
        let run = || {
            let part = select(&sample, &split, None, Some("target"), &mut Silent).unwrap();
            let count = selected(&sample, &part).len() as u64;
            let found = inspect(&sample, None, Some("target"), &split, &mut Silent).unwrap();
            let bundle = train(&sample, &request("target", split.clone()), &mut Silent)
                .unwrap()
                .bundle;
            let facts = &bundle.document.training;
            assert_eq!(
                (found.statistics.rows, facts.rows),
                (count, count),
                "{strategy:?}"
            );
            assert_eq!(facts.split, split.for_target(Some("target")));
            let predictor = Predictor::new(&bundle).unwrap();
            let judged = evaluate(&predictor, facts, &sample, &split.others(), &mut Silent).unwrap();
            assert_eq!(judged.report.records(), 569 - count, "{strategy:?}");
            let options = BatchOptions {
                split: split.others(),
                ..BatchOptions::default()
            };
            let mut out = Vec::new();
            let summary = predict(&predictor, &sample, &options, &mut out, &mut Silent).unwrap();
            assert_eq!(summary.records, 569 - count, "{strategy:?}");
            (bundle.hash(), out)
        };
        assert_eq!(on_threads(1, run), on_threads(3, run), "{strategy:?}");
    }
}

#[test]
fn parts_that_are_empty_or_lack_a_class_say_so() {
    // Sorted by class: a sequential split leaves the last one out.
    let text: String = (0..90)
        .map(|i| format!("{},{}\n", i % 11, ["a", "b", "c"][i / 30]))
        .collect();
    let table = table(&format!("n,y\n{text}"));
    let split = by(Strategy::Sequential, None, 0.0, 60.0);
    let trained = train(&table, &request("y", split.clone()), &mut Silent).unwrap();
    let told = trained.warnings.join("\n");
    assert!(
        told.contains("no row to learn from has the class `c` (sequential from 0 to 60 percent)"),
        "{told}"
    );
    let predictor = Predictor::new(&trained.bundle).unwrap();
    let facts = &trained.bundle.document.training;
    let judged = evaluate(&predictor, facts, &table, &split.others(), &mut Silent).unwrap();
    let told = judged.warnings.join("\n");
    assert!(told.contains("no row to evaluate on has the class `a`"), "{told}");
    let error = train(
        &table,
        &request("y", by(Strategy::Sequential, None, 0.0, 30.0)),
        &mut Silent,
    )
    .unwrap_err();
    assert_eq!(error.code(), "one_class");
    assert!(
        error.to_string().contains("sequential from 0 to 30 percent"),
        "{error}"
    );
    // The classes are all there with a stratified split, and nothing is said.
    let good = train(
        &table,
        &request("y", by(Strategy::Stratified, None, 0.0, 60.0)),
        &mut Silent,
    )
    .unwrap();
    assert!(
        !good.warnings.iter().any(|warning| warning.contains("class")),
        "{:?}",
        good.warnings
    );

    // All rows of one time: nothing is before, so the first part is empty.
    let text: String = (0..40).map(|i| format!("7,{}\n", i % 2)).collect();
    let same = self::table(&format!("t,y\n{text}"));
    let split = by(Strategy::Time, Some("t"), 0.0, 40.0);
    let error = train(&same, &request("y", split), &mut Silent).unwrap_err();
    assert_eq!(error.code(), "too_few_rows");
    assert!(
        error.to_string().contains("time by `t` from 0 to 40 percent"),
        "{error}"
    );
    let split = by(Strategy::Time, Some("t"), 60.0, 100.0);
    let error = evaluate(
        &predictor,
        facts,
        &table,
        &by(Strategy::Random, None, 50.0, 50.0),
        &mut Silent,
    );
    assert_eq!(error.unwrap_err().code(), "nothing_to_evaluate");
    assert!(rows(&same, &split).is_empty());

    // A value with fewer rows than parts is named.
    let text: String = (0..40)
        .map(|i| format!("{i},{}\n", if i == 9 { "rare" } else { "often" }))
        .collect();
    let told = warnings(
        &self::table(&format!("n,y\n{text}")),
        &by(Strategy::Stratified, None, 70.0, 100.0),
    );
    assert!(
        told.contains("`rare` (1 row in all)") && !told.contains("often"),
        "{told}"
    );
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Split> {
    let seed = prop_oneof![any::<u64>().prop_map(Seed::Number), ".{0,6}".prop_map(Seed::Text)];
    let percent = || {
        prop_oneof![
            0.0..=100.0f64,
            (0..=10u8).prop_map(|tenth| f64::from(tenth) * 10.0)
        ]
    };
    (0..5usize, seed, percent(), percent()).prop_map(|(which, seed, one, other)| {
        let strategy = Strategy::ALL[which];
        let seed = match seed {
            Seed::Text(_) if strategy != Strategy::Random => Seed::Number(3),
            seed => seed,
        };
        Split {
            seed,
            ..by(
                strategy,
                strategy.uses_column().then_some("c"),
                one.min(other),
                one.max(other),
            )
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_are_disjoint_complete_and_the_same_again(
        split in strategies(),
        values in prop::collection::vec(prop_oneof![
            (0..4u8).prop_map(|n| n.to_string()),
            Just(String::new()),
            (1..29u8).prop_map(|day| format!("2024-02-{day:02}")),
            "[a-z]{1,3}",
        ], 1..60),
    ) {
        // A number and a date make sure that there is a time.
        let text: String = values.iter().map(|value| format!("{value},1\n")).collect();
        let table = table(&format!("c,y\n7,1\n{text}"));
        let count = values.len() as u64 + 1;
        let cut = |begin, end| Split { percent_begin: begin, percent_end: end, ..split.clone() };
        let parts = [
            rows(&table, &cut(0.0, split.percent_begin)),
            rows(&table, &split),
            rows(&table, &cut(split.percent_end, 100.0)),
        ];
        let mut all = parts.concat();
        all.sort_unstable();
        prop_assert_eq!(&all, &(0..count).collect::<Vec<_>>(), "disjoint and complete");
        prop_assert_eq!(&rows(&table, &split), &parts[1], "the same again");
        let others = rows(&table, &split.others());
        let mut both = [parts[1].clone(), others].concat();
        both.sort_unstable();
        prop_assert_eq!(both, all, "the complement");
        if split.strategy == Strategy::Sequential {
            let wanted = count as f64 * (split.percent_end - split.percent_begin) / 100.0;
            prop_assert!((parts[1].len() as f64 - wanted).abs() < 1.0 + 1e-9);
        }
    }
}
