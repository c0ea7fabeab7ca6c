//! How an output is written: its format and its compression, by name or by the end of a file's name.

use serde::{Deserialize, Serialize};

/// What a line of the output looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A header, then comma separated fields.
    #[default]
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Columns, in row groups; the compression is that of its pages.
    Parquet,
}

/// How the bytes of the output are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compress {
    /// Not at all.
    #[default]
    None,
    /// As gzip.
    Gzip,
    /// As zstd.
    Zstd,
}

/// Format and compression together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// The format.
    pub format: Format,
    /// The compression.
    pub compress: Compress,
}

impl Form {
    /// What the end of a file's name asks for: `.jsonl` or `.ndjson` for JSON lines, and `.gz` or `.zst` behind it;
    /// `.parquet` for Parquet. CSV without compression for every other name.
    pub fn of_name(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let (stem, compress) = match (name.strip_suffix(".gz"), name.strip_suffix(".zst")) {
            (Some(stem), _) => (stem, Compress::Gzip),
            (_, Some(stem)) => (stem, Compress::Zstd),
            _ => (name.as_str(), Compress::None),
        };
        if name.ends_with(".parquet") {
            return Form::parquet();
        }
        let format = match stem.ends_with(".jsonl") || stem.ends_with(".ndjson") {
            true => Format::Jsonl,
            false => Format::Csv,
        };
        Form { format, compress }
    }

    /// Parquet with the compression that it has unless another is asked for.
    pub fn parquet() -> Self {
        Form {
            format: Format::Parquet,
            compress: Compress::Zstd,
        }
    }

    /// The end of the name of a file in this form, without the leading dot.
    pub fn extension(self) -> &'static str {
        match (self.format, self.compress) {
            (Format::Csv, Compress::None) => "csv",
            (Format::Csv, Compress::Gzip) => "csv.gz",
            (Format::Csv, Compress::Zstd) => "csv.zst",
            (Format::Jsonl, Compress::None) => "jsonl",
            (Format::Jsonl, Compress::Gzip) => "jsonl.gz",
            (Format::Jsonl, Compress::Zstd) => "jsonl.zst",
            (Format::Parquet, _) => "parquet",
        }
    }

    /// The media type of a file in this form. A compressed file is handed out as it is, so its own type counts.
    pub fn media_type(self) -> &'static str {
        match (self.format, self.compress) {
            (Format::Csv, Compress::None) => "text/csv; charset=utf-8",
            (Format::Jsonl, Compress::None) => "application/x-ndjson",
            (Format::Parquet, _) => "application/vnd.apache.parquet",
            (_, Compress::Gzip) => "application/gzip",
            (_, Compress::Zstd) => "application/zstd",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_form() {
        for (name, extension) in [
            ("p.csv", "csv"),
            ("p", "csv"),
            ("-", "csv"),
            ("p.CSV.GZ", "csv.gz"),
            ("p.gz", "csv.gz"),
            ("p.csv.zst", "csv.zst"),
            ("p.jsonl", "jsonl"),
            ("p.ndjson", "jsonl"),
            ("p.ndjson.gz", "jsonl.gz"),
            ("p.jsonl.zst", "jsonl.zst"),
            ("p.jsonl.csv", "csv"),
            ("p.Parquet", "parquet"),
        ] {
            let form = Form::of_name(name);
            assert_eq!(form.extension(), extension, "{name}");
            assert_eq!(Form::of_name(&format!("x.{}", form.extension())), form, "{name}");
        }
    }
}
