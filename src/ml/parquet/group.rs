//! The columns of one row group, side by side.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::PageReader;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::Unreadable;
use super::column::Column;
use super::open::Opened;
use super::pages::{Checked, Facts};
use super::source::{File, Pages, Sizes};

/// Opens the columns of the row group `number`.
pub(super) fn columns(file: &File, opened: &Opened, number: usize) -> io::Result<Vec<Column>> {
    let group = opened.metadata.row_group(number);
    let open = Arc::default();
    let columns = group.columns().iter().zip(&opened.columns);
    columns
        .map(|(chunk, (name, show))| {
            let place = format!("the column `{name}` of the row group {}", number + 1);
            refuse_codecs(chunk, name)?;
            let sizes = Arc::default();
            let pages = Pages::new(file, name, &sizes, &open);
            let rows = usize::try_from(group.num_rows()).unwrap_or(usize::MAX);
            let pages = pages_of(pages, chunk, rows, sizes);
            let pages = pages.map_err(|error| file.explain(error, &place))?;
            let is_prefixed = is_prefixed(chunk);
            Ok(Column::new(
                chunk.column_descr_ptr(),
                pages,
                *show,
                is_prefixed,
                place,
            ))
        })
        .collect()
}

fn pages_of(
    pages: Pages,
    chunk: &ColumnChunkMetaData,
    rows: usize,
    sizes: Arc<Sizes>,
) -> Result<Box<dyn PageReader>> {
    let is_gzip = matches!(chunk.compression(), Compression::GZIP(_));
    let as_stored = match is_gzip {
        true => Some(
            chunk
                .clone()
                .into_builder()
                .set_compression(Compression::UNCOMPRESSED)
                .build()?,
        ),
        false => None,
    };
    let inner = SerializedPageReader::new(Arc::new(pages), as_stored.as_ref().unwrap_or(chunk), rows, None)?;
    let facts = Facts {
        is_gzip,
        has_nulls: chunk.column_descr().max_def_level() > 0,
        is_prefixed: is_prefixed(chunk),
        width: match chunk.column_type() {
            Type::BOOLEAN => 0,
            Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::INT96 => 12,
            Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(chunk.column_descr().type_length())?,
        },
        left: rows as u64,
    };
    Ok(Box::new(Checked::new(Box::new(inner), sizes, facts)))
}

/// Whether texts may be told by how they begin.
fn is_prefixed(chunk: &ColumnChunkMetaData) -> bool {
    chunk
        .encodings()
        .any(|encoding| encoding == Encoding::DELTA_BYTE_ARRAY)
}

fn refuse_codecs(chunk: &ColumnChunkMetaData, name: &str) -> std::result::Result<(), Unreadable> {
    let codec = match chunk.compression() {
        Compression::BROTLI(_) => "Brotli",
        Compression::LZO => "LZO",
        Compression::LZ4 => "the old form of LZ4",
        _ => return Ok(()),
    };
    let what = format!("the column `{name}` is compressed with {codec}");
    Err(Unreadable::unsupported(
        what,
        "write it with zstd, snappy, gzip or lz4_raw",
    ))
}

/// What the crate does not expect of a file it may meet with a panic, for example a type whose annotation does not
/// fit. What is known is checked before; this is for the rest, and what was being read is not used again.
pub(super) fn unless_it_panics<T>(place: &str, read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(Unreadable::damaged(format!("{place} makes no sense")).into()))
}
