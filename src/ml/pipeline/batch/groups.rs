//! Gathers the rows of a Parquet output into row groups of bounded size, and puts these together at the end.

use std::io::{self, Read, Write};

use super::form::Compress;
use crate::ml::parquet::{Assembler, OutColumn, Packed, PageCompression, append_group, next_group};

/// Bytes of rows that make a row group, unless the segment ends before.
const GROUP: usize = 16 << 20;

/// The row groups of an output.
pub struct Groups {
    columns: Vec<OutColumn>,
    compression: PageCompression,
    rows: Packed,
    file: Assembler,
    /// Row groups that were finished, each with its length before it: what a part holds.
    ready: Vec<u8>,
}

impl Groups {
    /// Nothing is written yet.
    pub fn new(columns: &[OutColumn], compress: Compress) -> io::Result<Self> {
        let compression = match compress {
            Compress::None => PageCompression::None,
            Compress::Gzip => PageCompression::Gzip,
            Compress::Zstd => PageCompression::Zstd,
        };
        Ok(Self {
            columns: columns.to_vec(),
            compression,
            rows: Packed::default(),
            file: Assembler::new(columns, compression)?,
            ready: Vec::new(),
        })
    }

    /// Takes packed rows.
    pub fn rows(&mut self, packed: &[u8]) -> io::Result<()> {
        self.rows.append(packed, &self.columns);
        match self.rows.size() >= GROUP {
            true => self.end(),
            false => Ok(()),
        }
    }

    /// Ends the row group.
    pub fn end(&mut self) -> io::Result<()> {
        if !self.rows.is_empty() {
            append_group(&self.rows, &self.columns, self.compression, &mut self.ready)?;
            self.rows.clear();
        }
        Ok(())
    }

    /// Hands finished row groups to a part.
    pub fn keep(&mut self, part: &mut dyn Write) -> io::Result<()> {
        part.write_all(&self.ready)?;
        self.ready.clear();
        Ok(())
    }

    /// Hands finished row groups to the file.
    pub fn hand_on(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.ready.is_empty() {
            return Ok(());
        }
        let mut ready = std::mem::take(&mut self.ready);
        self.join(&mut &ready[..], out)?;
        ready.clear();
        self.ready = ready;
        Ok(())
    }

    /// Hands the row groups of a part to the file.
    pub fn join(&mut self, part: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
        while let Some(group) = next_group(part)? {
            self.file.append(group, out)?;
        }
        Ok(())
    }

    /// Ends the file.
    pub fn finish(self, out: &mut dyn Write) -> io::Result<()> {
        self.file.finish(out)
    }
}
