//! Opens a file: its footer, and which text its columns become.

use std::collections::HashMap;

use parquet::file::metadata::{
    ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy,
};

use super::kind::{self, Show};
use super::source::File;
use super::{ENCRYPTED, MAGIC, Unreadable, footer, group};

/// Bytes of the magic at either end and of the length of the footer.
const LEAST: u64 = 12;
/// Bytes of a footer. Parsed it takes several times as many.
const MOST_FOOTER: u64 = 32 << 20;
/// Columns.
const MOST_COLUMNS: u64 = 1 << 16;

/// A file that can be read.
pub(super) struct Opened {
    /// What the footer says.
    pub(super) metadata: ParquetMetaData,
    /// Names of the columns, and how their values are written.
    pub(super) columns: Vec<(String, Show)>,
    /// Rows of all row groups.
    pub(super) rows: u64,
}

/// Reads the footer.
pub(super) fn open(file: &File) -> std::io::Result<Opened> {
    let size = parquet::file::reader::Length::len(file);
    if size < LEAST {
        return Err(Unreadable::damaged(format!("it has {size} bytes, and no footer")).into());
    }
    let in_footer = |error| file.explain(error, "its footer");
    let tail = file.bytes(size - 8, 8).map_err(in_footer)?;
    if &tail[4..] == ENCRYPTED {
        return Err(encrypted().into());
    }
    if &tail[4..] != MAGIC {
        return Err(Unreadable::damaged("it does not end with `PAR1`").into());
    }
    let mut length = [0; 4];
    length.copy_from_slice(&tail[..4]);
    let length = u64::from(u32::from_le_bytes(length));
    if length + LEAST > size {
        let what = format!("its footer would have {length} bytes, and the file has {size}");
        return Err(Unreadable::damaged(what).into());
    }
    if length > MOST_FOOTER {
        let what = format!("its footer has {length} bytes, {MOST_FOOTER} are read at most");
        return Err(Unreadable::unsupported(what, "write it with fewer, larger row groups").into());
    }
    let bytes = file.bytes(size - 8 - length, length as usize + 8);
    let bytes = bytes.map_err(in_footer)?;
    look(&bytes[..length as usize])?;
    let options = ParquetMetaDataOptions::new()
        .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
    let metadata = group::unless_it_panics("its footer", || {
        let reader = ParquetMetaDataReader::new().with_metadata_options(Some(options));
        reader.parse_and_finish(&bytes).map_err(in_footer)
    })?;
    let (columns, rows) = (columns_of(&metadata)?, rows_of(&metadata)?);
    Ok(Opened {
        metadata,
        columns,
        rows,
    })
}

/// Refuses a footer that the crate must not see.
fn look(bytes: &[u8]) -> Result<(), Unreadable> {
    let Some(found) = footer::look(bytes) else {
        return Err(Unreadable::damaged("its footer cannot be read"));
    };
    if found.encrypted {
        return Err(encrypted());
    }
    if let Some(name) = found.nested {
        let what = format!("the column `{name}` is a list, a map or a structure");
        let advice = "write its members as columns of their own, or leave the column out";
        return Err(Unreadable::unsupported(what, advice));
    }
    if found.columns > MOST_COLUMNS {
        let what = format!(
            "it has {} columns, {MOST_COLUMNS} are read at most",
            found.columns
        );
        return Err(Unreadable::unsupported(what, "leave columns out"));
    }
    if found.columns == 0 {
        return Err(Unreadable {
            code: "empty_file",
            message: "the Parquet file has no columns; give one with a column for each field".into(),
        });
    }
    Ok(())
}

fn encrypted() -> Unreadable {
    Unreadable::unsupported("it is encrypted", "write it again without encryption")
}

fn columns_of(metadata: &ParquetMetaData) -> Result<Vec<(String, Show)>, Unreadable> {
    let schema = metadata.file_metadata().schema_descr();
    let mut seen = HashMap::new();
    let mut columns = Vec::with_capacity(schema.num_columns());
    for (index, column) in schema.columns().iter().enumerate() {
        let name = column.name();
        if let Some(first) = seen.insert(name.trim().to_string(), index + 1) {
            return Err(Unreadable {
                code: "duplicate_column",
                message: format!(
                    "the columns {first} and {} of the Parquet file are both called `{name}`; rename one of them",
                    index + 1
                ),
            });
        }
        columns.push((name.to_string(), kind::of(column)?));
    }
    Ok(columns)
}

/// How many rows there are, if the row groups agree with themselves.
fn rows_of(metadata: &ParquetMetaData) -> Result<u64, Unreadable> {
    let mut rows = 0u64;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let contradicts = || Unreadable::damaged(format!("the row group {} contradicts itself", number + 1));
        let count = u64::try_from(group.num_rows()).map_err(|_| contradicts())?;
        let agrees = group.columns().iter().all(|column| {
            let starts = column.dictionary_page_offset().unwrap_or_default();
            column.num_values() == group.num_rows()
                && starts.min(column.data_page_offset()) >= 0
                && column.compressed_size() >= 0
        });
        if !agrees || group.num_columns() != metadata.file_metadata().schema_descr().num_columns() {
            return Err(contradicts());
        }
        rows = rows.checked_add(count).ok_or_else(contradicts)?;
    }
    Ok(rows)
}
