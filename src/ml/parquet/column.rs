//! One column of a row group, a block of rows at a time, as the fields of a table.

use std::io;

use parquet::column::page::PageReader;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
    Int96Type,
};
use parquet::errors::Result;
use parquet::schema::types::ColumnDescPtr;

use super::Unreadable;
use super::kind::Show;
use super::show;
use super::source::File;

/// Rows that are decoded at once.
const BLOCK: usize = 1024;
/// The same where few bytes may stand for many.
const FEW: usize = 64;

/// A column.
pub(super) struct Column {
    show: Show,
    /// What it is called in messages.
    place: String,
    has_nulls: bool,
    /// Whether texts may be told by how they begin.
    is_prefixed: bool,
    /// 1 for each row of the block that has a value.
    levels: Vec<i16>,
    /// Values of the block that were taken.
    next: usize,
    cells: Cells,
}

/// A reader and the values of its block.
struct Typed<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
}

enum Cells {
    Truth(Typed<BoolType>),
    Int32(Typed<Int32Type>),
    Int64(Typed<Int64Type>),
    Int96(Typed<Int96Type>),
    Float(Typed<FloatType>),
    Double(Typed<DoubleType>),
    Bytes(Typed<ByteArrayType>),
    Fixed(Typed<FixedLenByteArrayType>),
}

impl<T: DataType> Typed<T> {
    fn new(reader: ColumnReaderImpl<T>) -> Self {
        let values = Vec::new();
        Self { reader, values }
    }

    fn block(&mut self, rows: usize, levels: &mut Vec<i16>) -> Result<usize> {
        self.values.clear();
        levels.clear();
        let read = self
            .reader
            .read_records(rows, Some(levels), None, &mut self.values);
        read.map(|(rows, ..)| rows)
    }
}

impl Column {
    /// The column of these pages; `place` is what it is called in messages.
    pub(super) fn new(
        column: ColumnDescPtr,
        pages: Box<dyn PageReader>,
        show: Show,
        is_prefixed: bool,
        place: String,
    ) -> Self {
        let has_nulls = column.max_def_level() > 0;
        let cells = match get_column_reader(column, pages) {
            ColumnReader::BoolColumnReader(reader) => Cells::Truth(Typed::new(reader)),
            ColumnReader::Int32ColumnReader(reader) => Cells::Int32(Typed::new(reader)),
            ColumnReader::Int64ColumnReader(reader) => Cells::Int64(Typed::new(reader)),
            ColumnReader::Int96ColumnReader(reader) => Cells::Int96(Typed::new(reader)),
            ColumnReader::FloatColumnReader(reader) => Cells::Float(Typed::new(reader)),
            ColumnReader::DoubleColumnReader(reader) => Cells::Double(Typed::new(reader)),
            ColumnReader::ByteArrayColumnReader(reader) => Cells::Bytes(Typed::new(reader)),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => Cells::Fixed(Typed::new(reader)),
        };
        Self {
            show,
            place,
            has_nulls,
            is_prefixed,
            levels: Vec::new(),
            next: 0,
            cells,
        }
    }

    /// Rows that may be decoded at once.
    pub(super) fn most_rows(&self) -> usize {
        if self.is_prefixed { FEW } else { BLOCK }
    }

    /// Decodes the next `rows` rows, which must be there.
    pub(super) fn block(&mut self, rows: usize, file: &File) -> io::Result<()> {
        self.next = 0;
        let levels = &mut self.levels;
        let read = match &mut self.cells {
            Cells::Truth(typed) => typed.block(rows, levels),
            Cells::Int32(typed) => typed.block(rows, levels),
            Cells::Int64(typed) => typed.block(rows, levels),
            Cells::Int96(typed) => typed.block(rows, levels),
            Cells::Float(typed) => typed.block(rows, levels),
            Cells::Double(typed) => typed.block(rows, levels),
            Cells::Bytes(typed) => typed.block(rows, levels),
            Cells::Fixed(typed) => typed.block(rows, levels),
        };
        let read = read.map_err(|error| file.explain(error, &self.place))?;
        if read != rows || (self.has_nulls && self.levels.len() != rows) {
            let what = format!("{} ends before its rows do", self.place);
            return Err(Unreadable::damaged(what).into());
        }
        Ok(())
    }

    /// Appends the field of a row of the block. Rows are asked for one after the other.
    pub(super) fn append(&mut self, row: usize, out: &mut Vec<u8>) {
        if self.has_nulls && self.levels.get(row).copied() != Some(1) {
            return;
        }
        let (next, show) = (self.next, self.show);
        self.next += 1;
        match &self.cells {
            Cells::Truth(typed) => {
                if let Some(value) = typed.values.get(next) {
                    show::print(out, value);
                }
            }
            Cells::Int32(typed) => {
                if let Some(&value) = typed.values.get(next) {
                    int32(show, value, out);
                }
            }
            Cells::Int64(typed) => {
                if let Some(&value) = typed.values.get(next) {
                    int64(show, value, out);
                }
            }
            Cells::Int96(typed) => {
                if let Some(value) = typed.values.get(next) {
                    show::old_moment(out, value.data());
                }
            }
            Cells::Float(typed) => {
                if let Some(&value) = typed.values.get(next) {
                    show::short_float(out, value);
                }
            }
            Cells::Double(typed) => {
                if let Some(&value) = typed.values.get(next) {
                    show::float(out, value);
                }
            }
            Cells::Bytes(typed) => {
                if let Some(value) = typed.values.get(next) {
                    bytes(show, value.data(), out);
                }
            }
            Cells::Fixed(typed) => {
                if let Some(value) = typed.values.get(next) {
                    bytes(show, value.data(), out);
                }
            }
        }
    }
}

fn int32(show: Show, value: i32, out: &mut Vec<u8>) {
    match show {
        Show::Unsigned32 => show::print(out, value.cast_unsigned()),
        show => int64(show, i64::from(value), out),
    }
}

fn int64(show: Show, value: i64, out: &mut Vec<u8>) {
    match show {
        Show::Unsigned64 => show::print(out, value.cast_unsigned()),
        Show::Decimal(scale) => show::decimal(out, i128::from(value), scale),
        Show::Date => show::date(out, value),
        Show::Time(unit) => show::time(out, unit, value),
        Show::Moment(unit, is_utc) => show::moment(out, unit, is_utc, value),
        Show::Nothing => {}
        _ => show::print(out, value),
    }
}

fn bytes(show: Show, value: &[u8], out: &mut Vec<u8>) {
    match (show, value) {
        (Show::Text, text) => show::field(text, out),
        (Show::Uuid, value) => show::uuid(out, value),
        (Show::Half, &[low, high]) => show::short_float(out, show::half([low, high])),
        (Show::Decimal(scale), value) => {
            if let Some(whole) = show::whole_of(value) {
                show::decimal(out, whole, scale);
            }
        }
        _ => {}
    }
}
