//! Pages on their way to the decoders, checked for what these would panic at, and gzip undone within bounds.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

use super::source::Sizes;

/// The pages of one flat column.
pub(super) struct Checked {
    inner: Box<dyn PageReader>,
    sizes: Arc<Sizes>,
    is_gzip: bool,
    has_nulls: bool,
    has_dictionary: bool,
    /// Values that are still to come.
    left: u64,
}

impl Checked {
    /// The pages of a column of `values` values. Those of gzip come as they are stored: the crate would undo them
    /// without a bound.
    pub(super) fn new(
        inner: Box<dyn PageReader>,
        sizes: Arc<Sizes>,
        is_gzip: bool,
        has_nulls: bool,
        values: u64,
    ) -> Self {
        Self {
            inner,
            sizes,
            is_gzip,
            has_nulls,
            has_dictionary: false,
            left: values,
        }
    }

    fn plain(&self, stored: &Bytes, kept: usize) -> Result<Bytes> {
        let size = self.sizes.plain();
        if !self.is_gzip {
            return Ok(stored.clone());
        }
        let levels = stored
            .get(..kept)
            .ok_or_else(|| wrong("its levels are cut off"))?;
        let mut plain = levels.to_vec();
        let rest = size.saturating_sub(kept as u64);
        if rest > 0 {
            let decoder = flate2::read::MultiGzDecoder::new(&stored[kept..]);
            decoder.take(rest + 1).read_to_end(&mut plain)?;
        }
        if plain.len() as u64 != size {
            return Err(wrong("a page is longer or shorter than its header says"));
        }
        Ok(plain.into())
    }

    fn check(&mut self, page: &Page) -> Result<()> {
        match page {
            Page::DictionaryPage { .. } => self.has_dictionary = true,
            Page::DataPage {
                num_values,
                encoding,
                def_level_encoding,
                ..
            } => {
                self.check_values(*num_values, *encoding)?;
                if self.has_nulls && *def_level_encoding != Encoding::RLE {
                    return Err(ParquetError::NYI(format!(
                        "nulls in the encoding {def_level_encoding}"
                    )));
                }
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls,
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => {
                self.check_values(*num_values, *encoding)?;
                let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
                if levels > buf.len() as u64 || num_nulls > num_values || *rep_levels_byte_len > 0 {
                    return Err(wrong("the header of a page contradicts the page"));
                }
            }
        }
        Ok(())
    }

    fn check_values(&mut self, values: u32, encoding: Encoding) -> Result<()> {
        let left = self.left.checked_sub(u64::from(values));
        self.left = left.ok_or_else(|| wrong("its pages hold more values than the footer says"))?;
        let uses_dictionary = matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
        match uses_dictionary && !self.has_dictionary {
            true => Err(wrong("a page refers to a dictionary that is not there")),
            false => Ok(()),
        }
    }
}

fn wrong(what: &str) -> ParquetError {
    ParquetError::General(what.to_string())
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(mut page) = self.inner.get_next_page()? else {
            return Ok(None);
        };
        match &mut page {
            Page::DictionaryPage { buf, .. } | Page::DataPage { buf, .. } => *buf = self.plain(buf, 0)?,
            Page::DataPageV2 {
                buf,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed: true,
                ..
            } => {
                let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
                *buf = self.plain(buf, usize::try_from(levels)?)?;
            }
            Page::DataPageV2 { .. } => {}
        }
        self.check(&page)?;
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.inner.skip_next_page()
    }
}

impl Iterator for Checked {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
