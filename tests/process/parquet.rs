//! Parquet in and out of the commands; the files were made by `tests/data/parquet/make.py`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use crate::support::{Ran, run, run_with_input, sample, text, yosoku};

fn made(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/parquet");
    folder.join(format!("{name}.parquet"))
}

/// Runs a line of words; `@name` is a Parquet file, `#name` the sample of that name.
fn told(folder: &Path, line: &str) -> Ran {
    run(yosoku(words(line)).current_dir(folder))
}

fn words(line: &str) -> Vec<String> {
    let word = |word: &str| match (word.strip_prefix('@'), word.strip_prefix('#')) {
        (Some(name), _) => made(name).display().to_string(),
        (_, Some(name)) => sample(name).display().to_string(),
        _ => word.to_owned(),
    };
    line.split(' ').map(word).collect()
}

#[test]
fn rows_of_parquet_score_as_the_same_rows_of_csv() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    told(place, "train #iris --target target --out m").ok();
    let expected = told(place, "predict m #iris --out -").ok();
    for name in ["iris", "iris_zstd", "iris_gzip", "iris_lz4", "iris_delta"] {
        let found = told(place, &format!("predict m @{name} --out -")).ok();
        assert!(found == expected, "{name}");
    }
    // The bytes say what it is, whatever the name and the header flag say.
    fs::copy(made("iris"), place.join("rows.jsonl")).unwrap();
    let renamed = told(place, "predict m rows.jsonl --header no --out -").ok();
    assert!(renamed == expected);
    let bytes = fs::read(made("iris")).unwrap();
    for line in ["predict m - --out -", "predict m /dev/stdin --out -"] {
        let piped = run_with_input(yosoku(words(line)).current_dir(place), &bytes);
        assert!(piped.ok() == expected, "{line}");
    }

    told(place, "train @iris --target target --out p").ok();
    for line in ["weights M", "predict M #iris --out -", "evaluate M @iris"] {
        let [of_csv, of_parquet] = ["m", "p"].map(|model| told(place, &line.replace('M', model)).ok());
        assert!(of_csv == of_parquet, "{line}: {}", text(&of_parquet));
    }
    let shown = text(&told(place, "inspect @types").ok());
    assert!(shown.starts_with("3 rows, 24 columns"), "{shown}");
}

#[test]
fn predictions_are_columns_with_types() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    told(place, "train #breast_cancer --target target --out m").ok();
    let table = fs::read_to_string(sample("breast_cancer")).unwrap();
    let mut lines: Vec<&str> = table.lines().collect();
    lines.insert(3, "1,2");
    fs::write(place.join("t.csv"), lines.join("\n")).unwrap();
    let options = "--row-number --problems q.jsonl --columns mean_area";
    let expected = told(place, &format!("predict m t.csv {options} --out -")).ok();
    told(place, &format!("predict m t.csv {options} --out p.parquet")).ok();
    let problems = fs::read_to_string(place.join("q.jsonl")).unwrap();
    assert!(
        problems.contains("\"row\":3,") && problems.contains("ragged_row"),
        "{problems}"
    );

    let file = SerializedFileReader::new(fs::File::open(place.join("p.parquet")).unwrap()).unwrap();
    let schema = file.metadata().file_metadata().schema_descr_ptr();
    let types: Vec<String> = schema
        .columns()
        .iter()
        .map(|column| format!("{} {}", column.name(), column.physical_type()))
        .collect();
    assert_eq!(
        types,
        [
            "row INT64",
            "trueLabel BYTE_ARRAY",
            "bestAnswer BYTE_ARRAY",
            "score DOUBLE",
            "mean_area BYTE_ARRAY"
        ]
    );
    let rows: Vec<_> = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), lines.len() - 1);
    for (row, line) in rows.iter().zip(text(&expected).lines().skip(1)) {
        let fields: Vec<&Field> = row.get_column_iter().map(|(_, field)| field).collect();
        if line.is_empty() {
            assert!(matches!(fields[0], Field::Long(3)));
            assert!(fields[1..].iter().all(|field| **field == Field::Null), "{row}");
            continue;
        }
        for (field, text) in fields.iter().zip(line.split(',')) {
            match field {
                Field::Long(number) => assert_eq!(number.to_string(), text),
                Field::Double(score) => assert_eq!(score.to_bits(), text.parse::<f64>().unwrap().to_bits()),
                Field::Str(found) => assert_eq!(found, text),
                other => panic!("{other:?}"),
            }
        }
    }

    // Other ways to say it, and the file as input.
    let piped = told(
        place,
        &format!("predict m t.csv {options} --out - --format parquet"),
    )
    .ok();
    assert!(piped == fs::read(place.join("p.parquet")).unwrap());
    told(place, "predict m t.csv --out n.parquet --compress none").ok();
    told(place, "predict m t.csv --out g.parquet --compress gzip").ok();
    let size = |name: &str| fs::metadata(place.join(name)).unwrap().len();
    assert!(size("g.parquet") < size("n.parquet"));
    let refused = told(place, "predict m t.csv --out p.parquet.gz");
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    let twice = told(
        place,
        "predict m t.csv --out p.parquet --columns mean_area,mean_area",
    );
    assert!(
        twice.code == Some(4) && twice.err.contains("[duplicate_column]"),
        "{}",
        twice.err
    );
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let whole = fs::read(made("iris")).unwrap();
    fs::write(place.join("cut.parquet"), &whole[..2000]).unwrap();
    fs::write(place.join("other.parquet"), [0, 1, 2, 3, 4]).unwrap();
    let packed = zstd::encode_all(&whole[..], 1).unwrap();
    fs::write(place.join("packed.parquet.zst"), packed).unwrap();
    let mut torn = whole.clone();
    torn[100] ^= 4;
    fs::write(place.join("torn.parquet"), torn).unwrap();
    for (file, code, words) in [
        ("cut.parquet", "damaged_parquet", "does not end with `PAR1`"),
        ("other.parquet", "damaged_parquet", "does not begin with `PAR1`"),
        ("packed.parquet.zst", "not_text", "unpack it"),
        ("torn.parquet", "damaged_parquet", "of the row group 1"),
        ("@nested", "unsupported_parquet", "`b` is a list"),
        ("@binary", "unsupported_parquet", "`b` holds bytes"),
        ("@encrypted", "unsupported_parquet", "encrypted"),
        ("@twice", "duplicate_column", "both called `a`"),
        ("@no_columns", "empty_file", "no columns"),
        ("@no_rows", "header_only", "no rows"),
    ] {
        let refused = told(place, &format!("inspect {file}"));
        assert_eq!(refused.code, Some(4), "{file}: {}", refused.err);
        assert!(refused.err.contains(words), "{file}: {}", refused.err);
        assert!(
            refused.err.contains(&format!("[{code}]")),
            "{file}: {}",
            refused.err
        );
    }
    // A column of CSV may have such a name.
    fs::write(place.join("named.csv"), "PAR1,b\n1,2\n3,4\n").unwrap();
    assert!(text(&told(place, "inspect named.csv").ok()).contains("2 columns"));
}

/// Memory holds a row group at most, and no more for a longer file.
#[test]
fn a_file_of_many_row_groups_is_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    told(place, "train #iris --target target --out m").ok();
    let body = fs::read_to_string(sample("iris")).unwrap();
    let (header, rows) = body.split_once('\n').unwrap();
    let long = format!("{header}\n{}", rows.repeat(4000));
    fs::write(place.join("long.csv"), long).unwrap();
    told(
        place,
        "predict m long.csv --columns target --row-number --out long.parquet",
    )
    .ok();
    let bytes: Arc<[u8]> = fs::read(place.join("long.parquet")).unwrap().into();
    let file = SerializedFileReader::new(bytes::Bytes::from(bytes.to_vec())).unwrap();
    let sizes: Vec<i64> = file
        .metadata()
        .row_groups()
        .iter()
        .map(|group| group.num_rows())
        .collect();
    assert_eq!(sizes.iter().sum::<i64>(), 600_000);
    assert!(
        sizes.len() > 2 && sizes.iter().all(|rows| *rows <= 270_000),
        "{sizes:?}"
    );
}
