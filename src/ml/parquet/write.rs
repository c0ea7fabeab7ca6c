//! Packed rows as row groups, and row groups as one file.
//!
//! Each row group is first a small file of its own, whose columns are copied into the large one as they are. So a row
//! group may be kept on disk until the file is put together, and the file is the same either way.

use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use super::pack::{Field, Kind, OutColumn, Packed};

/// Rows that are handed to the crate at once.
const BLOCK: usize = 1024;
/// Longest part of a text that is told as the least or greatest of a column.
const LONGEST_BOUND: usize = 64;

/// How pages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageCompression {
    /// Not at all.
    None,
    /// As gzip.
    Gzip,
    /// As zstd.
    Zstd,
}

/// Puts row groups together to a file.
pub struct Assembler {
    writer: SerializedFileWriter<Vec<u8>>,
}

impl Assembler {
    /// Begins a file of `columns`.
    pub fn new(columns: &[OutColumn], compression: PageCompression) -> io::Result<Self> {
        let writer = begun(columns, compression).map_err(failed)?;
        Ok(Self { writer })
    }

    /// Appends a row group that [`append_group`] made, and hands on what is ready.
    pub fn append(&mut self, group: Bytes, out: &mut dyn Write) -> io::Result<()> {
        self.copy(&group).map_err(failed)?;
        self.hand_on(out)
    }

    /// Ends the file.
    pub fn finish(mut self, out: &mut dyn Write) -> io::Result<()> {
        self.writer.finish().map_err(failed)?;
        self.hand_on(out)
    }

    fn hand_on(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.writer.flush()?;
        let ready = self.writer.inner_mut();
        out.write_all(ready)?;
        ready.clear();
        Ok(())
    }

    fn copy(&mut self, file: &Bytes) -> Result<()> {
        let metadata: ParquetMetaData = ParquetMetaDataReader::new().parse_and_finish(file)?;
        for group in metadata.row_groups() {
            let mut writer = self.writer.next_row_group()?;
            for chunk in group.columns() {
                let close = ColumnCloseResult {
                    bytes_written: u64::try_from(chunk.compressed_size())?,
                    rows_written: u64::try_from(group.num_rows())?,
                    metadata: chunk.clone(),
                    bloom_filter: None,
                    column_index: None,
                    offset_index: None,
                };
                writer.append_column(file, close)?;
            }
            writer.close()?;
        }
        Ok(())
    }
}

/// Appends `rows` to `out` as a row group, with its length before it.
pub fn append_group(
    rows: &Packed,
    columns: &[OutColumn],
    compression: PageCompression,
    out: &mut dyn Write,
) -> io::Result<()> {
    let group = group_of(rows, columns, compression).map_err(failed)?;
    out.write_all(&(group.len() as u64).to_le_bytes())?;
    out.write_all(&group)
}

/// The next row group of those that were appended to `from`; none at the end.
pub fn next_group(from: &mut dyn Read) -> io::Result<Option<Bytes>> {
    let mut length = [0; 8];
    let mut head = Vec::with_capacity(length.len());
    from.take(length.len() as u64).read_to_end(&mut head)?;
    if head.is_empty() {
        return Ok(None);
    }
    let cut_off = || io::Error::new(io::ErrorKind::UnexpectedEof, "a kept row group is cut off");
    length.copy_from_slice(head.get(..8).ok_or_else(cut_off)?);
    let length = u64::from_le_bytes(length);
    let mut group = Vec::new();
    if from.take(length).read_to_end(&mut group)? as u64 != length {
        return Err(cut_off());
    }
    Ok(Some(group.into()))
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(format!("writing Parquet failed: {error}"))
}

fn group_of(rows: &Packed, columns: &[OutColumn], compression: PageCompression) -> Result<Vec<u8>> {
    let mut writer = begun(columns, compression)?;
    let mut group = writer.next_row_group()?;
    let mut cursors = rows.cursors();
    for column in columns {
        let Some(mut open) = group.next_column()? else {
            break;
        };
        for cursors in cursors.chunks_mut(BLOCK) {
            write_block(&mut open, rows, column.kind, cursors)?;
        }
        open.close()?;
    }
    group.close()?;
    writer.into_inner()
}

fn write_block(
    column: &mut SerializedColumnWriter<'_>,
    rows: &Packed,
    kind: Kind,
    cursors: &mut [usize],
) -> Result<()> {
    let mut levels = Vec::with_capacity(cursors.len());
    let mut fields = cursors.iter_mut().map(|cursor| {
        let field = rows.take(cursor, kind);
        levels.push(i16::from(field != Field::Missing));
        field
    });
    match kind {
        Kind::Count => {
            let values: Vec<i64> = fields
                .by_ref()
                .map(|field| match field {
                    Field::Bits(bits) => bits.cast_signed(),
                    _ => 0,
                })
                .collect();
            column.typed::<Int64Type>().write_batch(&values, None, None)?;
        }
        Kind::Number => {
            let values: Vec<f64> = fields
                .by_ref()
                .filter_map(|field| match field {
                    Field::Bits(bits) => Some(f64::from_bits(bits)),
                    _ => None,
                })
                .collect();
            drop(fields);
            column
                .typed::<DoubleType>()
                .write_batch(&values, Some(&levels), None)?;
        }
        Kind::Text => {
            let values: Vec<ByteArray> = fields
                .by_ref()
                .filter_map(|field| match field {
                    Field::Text(text) => Some(ByteArray::from(text.to_vec())),
                    _ => None,
                })
                .collect();
            drop(fields);
            column
                .typed::<ByteArrayType>()
                .write_batch(&values, Some(&levels), None)?;
        }
    }
    Ok(())
}

fn begun(columns: &[OutColumn], compression: PageCompression) -> Result<SerializedFileWriter<Vec<u8>>> {
    SerializedFileWriter::new(Vec::new(), schema(columns)?, properties(columns, compression)?)
}

fn schema(columns: &[OutColumn]) -> Result<TypePtr> {
    let fields = columns.iter().map(|column| {
        let (physical, repetition, logical) = match column.kind {
            Kind::Count => (Physical::INT64, Repetition::REQUIRED, None),
            Kind::Number => (Physical::DOUBLE, Repetition::OPTIONAL, None),
            Kind::Text => (
                Physical::BYTE_ARRAY,
                Repetition::OPTIONAL,
                Some(LogicalType::String),
            ),
        };
        let field = Type::primitive_type_builder(&column.name, physical);
        let field = field.with_repetition(repetition).with_logical_type(logical);
        field.build().map(Arc::new)
    });
    let fields = fields.collect::<Result<Vec<_>>>()?;
    let root = Type::group_type_builder("schema").with_fields(fields);
    root.build().map(Arc::new)
}

/// Row groups are small and read whole, so they have no index of their pages. Numbers hardly repeat, so they have no
/// dictionary.
fn properties(columns: &[OutColumn], compression: PageCompression) -> Result<WriterPropertiesPtr> {
    let codec = match compression {
        PageCompression::None => Compression::UNCOMPRESSED,
        PageCompression::Gzip => Compression::GZIP(parquet::basic::GzipLevel::default()),
        PageCompression::Zstd => Compression::ZSTD(ZstdLevel::try_new(3)?),
    };
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("yosoku version ", env!("CARGO_PKG_VERSION")).into())
        .set_compression(codec)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(LONGEST_BOUND))
        .set_offset_index_disabled(true);
    for column in columns.iter().filter(|column| column.kind != Kind::Text) {
        let path = ColumnPath::from(vec![column.name.clone()]);
        properties = properties.set_column_dictionary_enabled(path, false);
    }
    Ok(Arc::new(properties.build()))
}
