//! Tests of reading and writing whole files; those in `tests/data/parquet` were made by its `make.py`.

use std::io::{self, Read};
use std::sync::Arc;

use super::{
    Assembler, CsvText, Kind, ManyTexts, OutColumn, Packed, PackedRow, PageCompression, ReadAt, Unreadable,
    append_group, next_group,
};

macro_rules! file {
    ($name:literal) => {
        &include_bytes!(concat!("../../../tests/data/parquet/", $name))[..]
    };
}

const IRIS: &[u8] = include_bytes!("../../../datasets/iris.csv");

fn read(bytes: &[u8]) -> io::Result<String> {
    let mut text = Vec::new();
    CsvText::open(Arc::new(Arc::<[u8]>::from(bytes)))?.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn refused(bytes: &[u8]) -> Unreadable {
    let error = read(bytes).unwrap_err();
    let known = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Unreadable>());
    known.unwrap_or_else(|| panic!("{error:?}")).clone()
}

/// The numbers and texts of a table.
fn values(text: &str) -> Vec<Vec<String>> {
    let line = |line: &str| -> Vec<String> {
        let fields = line.split(',');
        fields
            .map(|field| {
                field
                    .parse::<f64>()
                    .map_or(field.to_string(), |number| number.to_string())
            })
            .collect()
    };
    text.lines().map(line).collect()
}

#[test]
fn each_type_has_its_text() {
    assert_eq!(
        read(file!("types.parquet")).unwrap(),
        String::from_utf8_lossy(file!("types.csv"))
    );
    assert_eq!(
        read(file!("old.parquet")).unwrap(),
        "moment,amount\n1970-01-01T00:00:00.000000001,0.001\n,\n1970-01-01T00:00:00.000001,-12345678901234567.890\n"
    );
}

#[test]
fn each_encoding_and_compression_gives_the_same_rows() {
    let expected = values(std::str::from_utf8(IRIS).unwrap());
    for bytes in [
        file!("iris.parquet"),
        file!("iris_zstd.parquet"),
        file!("iris_gzip.parquet"),
        file!("iris_gzip2.parquet"),
        file!("iris_lz4.parquet"),
        file!("iris_delta.parquet"),
    ] {
        assert_eq!(values(&read(bytes).unwrap()), expected);
    }
    let header = IRIS.split_inclusive(|byte| *byte == b'\n').next().unwrap();
    assert_eq!(read(file!("no_rows.parquet")).unwrap().as_bytes(), header);
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    for (bytes, code, words) in [
        (file!("nested.parquet"), "unsupported_parquet", "`b` is a list"),
        (
            file!("structure.parquet"),
            "unsupported_parquet",
            "`s` is a list, a map or a structure",
        ),
        (file!("binary.parquet"), "unsupported_parquet", "`b` holds bytes"),
        (
            file!("wide_decimal.parquet"),
            "unsupported_parquet",
            "`d` holds decimals of more than 38",
        ),
        (file!("brotli.parquet"), "unsupported_parquet", "Brotli"),
        (file!("encrypted.parquet"), "unsupported_parquet", "encrypted"),
        (
            file!("encrypted_columns.parquet"),
            "unsupported_parquet",
            "encrypted",
        ),
        (file!("twice.parquet"), "duplicate_column", "both called `a`"),
        (file!("no_columns.parquet"), "empty_file", "no columns"),
        (b"PAR1\0\0\0\0PAR1", "damaged_parquet", "footer cannot be read"),
        (b"PAR1\xff\xff\xff\xffPAR1", "damaged_parquet", "4294967295"),
        (b"PAR1\x15\0\0\0", "damaged_parquet", "8 bytes"),
        (
            b"PAR1\x15\0\0\0\0\0\0\0\0\0",
            "damaged_parquet",
            "does not end with `PAR1`",
        ),
    ] {
        let error = refused(bytes);
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}

/// Reads files of which one byte in `step` was changed.
fn change(step: usize) {
    for bytes in [
        file!("types.parquet"),
        file!("iris.parquet"),
        file!("iris_gzip2.parquet"),
        file!("iris_delta.parquet"),
        file!("no_rows.parquet"),
    ] {
        for at in (0..bytes.len()).step_by(step) {
            for mask in [1 << (at % 8), 0x7f, 0x80] {
                let mut changed = bytes.to_vec();
                changed[at] ^= mask;
                let _ = read(&changed);
            }
        }
        for end in (0..bytes.len()).step_by(step) {
            assert_eq!(refused(&bytes[..end]).code, "damaged_parquet");
        }
    }
}

#[test]
fn a_file_that_is_cut_off_or_changed_is_an_error_or_a_table() {
    change(13);
}

#[test]
#[ignore = "the same at every byte takes a minute"]
fn a_file_that_is_changed_anywhere_is_an_error_or_a_table() {
    change(1);
}

#[test]
fn a_changed_page_does_not_fit_its_checksum() {
    let mut bytes = file!("iris.parquet").to_vec();
    bytes[60] ^= 1;
    let error = refused(&bytes);
    assert!(
        error.message.contains("`sepal_length` of the row group 1") || error.message.contains("CRC"),
        "{error}"
    );
}

#[test]
fn how_far_it_is_counts_in_bytes() {
    let bytes = file!("iris.parquet");
    let mut text = CsvText::open(Arc::new(Arc::<[u8]>::from(bytes))).unwrap();
    let count = text.byte_count();
    assert_eq!(count.get(), 0);
    io::copy(&mut text, &mut io::sink()).unwrap();
    assert_eq!(count.get(), bytes.len() as u64);
}

fn columns() -> Vec<OutColumn> {
    [("row", Kind::Count), ("a,b", Kind::Text), ("score", Kind::Number)]
        .map(|(name, kind)| OutColumn {
            name: name.into(),
            kind,
        })
        .to_vec()
}

fn packed(rows: std::ops::Range<u64>) -> Packed {
    let mut bytes = Vec::new();
    for number in rows {
        let mut row = PackedRow(&mut bytes);
        row.count(number);
        match number % 3 {
            0 => row.missing(),
            _ => row.text(&format!("text {}", number % 7)),
        }
        row.number(1.0 / (number as f64 + 1.0));
    }
    let mut packed = Packed::default();
    packed.append(&bytes, &columns());
    packed
}

fn written(compression: PageCompression, through_disk: bool) -> Vec<u8> {
    let (columns, mut out) = (columns(), Vec::new());
    let mut file = Assembler::new(&columns, compression).unwrap();
    let mut kept = Vec::new();
    for rows in [0..3000, 3000..3001, 3001..5000] {
        let mut group = Vec::new();
        append_group(&packed(rows), &columns, compression, &mut group).unwrap();
        match through_disk {
            true => kept.extend(group),
            false => file
                .append(next_group(&mut &group[..]).unwrap().unwrap(), &mut out)
                .unwrap(),
        }
    }
    let mut kept = &kept[..];
    while let Some(group) = next_group(&mut kept).unwrap() {
        file.append(group, &mut out).unwrap();
    }
    file.finish(&mut out).unwrap();
    out
}

#[test]
fn what_is_written_is_read_again() {
    let mut expected = String::from("row,\"a,b\",score\n");
    for number in 0..5000u64 {
        let text = if number % 3 == 0 {
            String::new()
        } else {
            format!("text {}", number % 7)
        };
        expected += &format!("{number},{text},{:?}\n", 1.0 / (number as f64 + 1.0));
    }
    let mut sizes = Vec::new();
    for compression in [
        PageCompression::None,
        PageCompression::Gzip,
        PageCompression::Zstd,
    ] {
        let bytes = written(compression, false);
        assert!(read(&bytes).unwrap() == expected, "{compression:?}");
        assert!(bytes == written(compression, true), "{compression:?}");
        sizes.push(bytes.len());
    }
    assert!(sizes[1] < sizes[0] && sizes[2] < sizes[0], "{sizes:?}");
}

#[test]
fn a_kept_row_group_that_is_cut_off_is_an_error() {
    let mut group = Vec::new();
    append_group(&packed(0..9), &columns(), PageCompression::None, &mut group).unwrap();
    for end in [1, 8, group.len() - 1] {
        assert!(next_group(&mut &group[..end]).is_err());
    }
    assert!(next_group(&mut &group[..0]).unwrap().is_none());
}

#[test]
fn a_page_that_becomes_too_long_is_refused_before_there_is_room_for_it() {
    let columns = [OutColumn {
        name: "t".into(),
        kind: Kind::Text,
    }];
    let mut bytes = Vec::new();
    PackedRow(&mut bytes).text(&"0".repeat(257 << 20));
    let mut packed = Packed::default();
    packed.append(&bytes, &columns);
    let mut group = Vec::new();
    append_group(&packed, &columns, PageCompression::Zstd, &mut group).unwrap();
    let error = refused(&group[8..]);
    assert_eq!(error.code, "unsupported_parquet");
    assert!(error.message.contains("a page of the column `t`"), "{error}");
}

/// A small file of these columns of text, and its name.
fn small(name: &str, rows: &[&[(&str, &str)]]) -> (String, io::Result<Arc<dyn ReadAt>>) {
    let columns: Vec<OutColumn> = rows[0]
        .iter()
        .map(|(name, _)| OutColumn {
            name: (*name).into(),
            kind: Kind::Text,
        })
        .collect();
    let mut packed = Packed::default();
    for row in rows {
        let mut bytes = Vec::new();
        row.iter().for_each(|(_, text)| PackedRow(&mut bytes).text(text));
        packed.append(&bytes, &columns);
    }
    let mut group = Vec::new();
    append_group(&packed, &columns, PageCompression::None, &mut group).unwrap();
    let file: Arc<[u8]> = group[8..].into();
    (name.into(), Ok(Arc::new(file)))
}

fn many(files: Vec<(String, io::Result<Arc<dyn ReadAt>>)>) -> io::Result<(String, u64)> {
    let mut text = ManyTexts::open(Box::new(files.into_iter()))?;
    let (bytes, mut whole) = (text.byte_count(), String::new());
    text.read_to_string(&mut whole)?;
    Ok((whole, bytes.get()))
}

#[test]
fn several_files_are_one_table_in_the_order_of_the_first() {
    let files = || {
        vec![
            small("a", &[&[("x", "1"), ("y", "2")], &[("x", "3"), ("y", "4")]]),
            small("b", &[&[("y", "6"), (" x ", "5")]]),
            small("c", &[&[("x", "7"), ("y", "8,9")]]),
        ]
    };
    let sizes: u64 = files()
        .iter()
        .map(|(_, bytes)| bytes.as_ref().unwrap().size())
        .sum();
    let (text, read) = many(files()).unwrap();
    assert_eq!(text, "x,y\n1,2\n3,4\n5,6\n7,\"8,9\"\n");
    assert_eq!(read, sizes);
}

#[test]
fn a_file_with_other_columns_is_named_with_what_it_lacks() {
    let first = || small("a", &[&[("x", "1"), ("y", "2")]]);
    for (other, said) in [
        (small("b", &[&[("x", "1")]]), "`b` lacks `y`"),
        (
            small("b", &[&[("x", "1"), ("y", "2"), ("z", "3")]]),
            "`a` lacks `z`",
        ),
        (
            small("b", &[&[("x", "1"), ("z", "2")]]),
            "`b` lacks `y`, and `a` lacks `z`",
        ),
    ] {
        let error = many(vec![first(), other]).unwrap_err();
        let error = error.get_ref().unwrap().downcast_ref::<Unreadable>().unwrap();
        assert_eq!(error.code, "different_columns");
        assert!(error.message.contains(said), "{error}");
    }
    let damaged: Arc<[u8]> = b"PAR1 and no more"[..].into();
    let error = many(vec![first(), ("b".into(), Ok(Arc::new(damaged)))]).unwrap_err();
    assert!(
        error.to_string().contains("`b`: the Parquet file is damaged"),
        "{error}"
    );
}
