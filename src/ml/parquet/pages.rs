//! Pages on their way to the decoders, checked for what these would panic at or make room for without a bound, and gzip
//! undone within bounds.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

use super::Unreadable;
use super::footer::end_of_differences;
use super::source::Sizes;

/// Values of a dictionary.
const MOST_ENTRIES: u64 = 4 << 20;
/// Bytes of a page whose texts begin as the one before, so that few bytes may stand for many.
const MOST_PREFIXED: u64 = 16 << 20;

/// The pages of one flat column.
pub(super) struct Checked {
    inner: Box<dyn PageReader>,
    sizes: Arc<Sizes>,
    facts: Facts,
    has_dictionary: bool,
}

/// What is known of a column before its pages are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// Whether pages come as they are stored: the crate would undo gzip without a bound.
    pub(super) is_gzip: bool,
    /// Whether there may be nulls.
    pub(super) has_nulls: bool,
    /// Whether texts may be told by how they begin, which the footer has to say.
    pub(super) is_prefixed: bool,
    /// Bytes that a value takes at least.
    pub(super) width: u64,
    /// Values that are still to come.
    pub(super) left: u64,
}

impl Checked {
    /// Checks what comes from `inner`.
    pub(super) fn new(inner: Box<dyn PageReader>, sizes: Arc<Sizes>, facts: Facts) -> Self {
        Self {
            inner,
            sizes,
            facts,
            has_dictionary: false,
        }
    }

    fn plain(&self, stored: &Bytes, kept: usize) -> Result<Bytes> {
        let size = self.sizes.plain();
        if !self.facts.is_gzip {
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
            Page::DictionaryPage { buf, num_values, .. } => {
                self.has_dictionary = true;
                let values = u64::from(*num_values);
                if values.saturating_mul(self.facts.width) > buf.len() as u64 {
                    return Err(wrong("its dictionary is shorter than it claims"));
                }
                if values > MOST_ENTRIES {
                    let what = format!("a dictionary has {values} values, {MOST_ENTRIES} are read at most");
                    return Err(refused(what, "write the column without a dictionary"));
                }
                Ok(())
            }
            Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding,
                ..
            } => {
                if self.facts.has_nulls && *def_level_encoding != Encoding::RLE {
                    return Err(ParquetError::NYI(format!(
                        "nulls in the encoding {def_level_encoding}"
                    )));
                }
                let levels = match self.facts.has_nulls {
                    true => buf
                        .first_chunk()
                        .map(|length| 4 + u64::from(u32::from_le_bytes(*length))),
                    false => Some(0),
                };
                self.check_values(buf, levels.unwrap_or(u64::MAX), *num_values, *encoding)
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
                if num_nulls > num_values || *rep_levels_byte_len > 0 {
                    return Err(wrong("the header of a page contradicts the page"));
                }
                self.check_values(buf, u64::from(*def_levels_byte_len), *num_values, *encoding)
            }
        }
    }

    /// Checks the values of a page, which come after its levels.
    fn check_values(&mut self, page: &Bytes, levels: u64, values: u32, encoding: Encoding) -> Result<()> {
        let bytes = usize::try_from(levels).ok().and_then(|levels| page.get(levels..));
        let bytes = bytes.ok_or_else(|| wrong("the levels of a page are cut off"))?;
        let values = u64::from(values);
        let left = self.facts.left.checked_sub(values);
        self.facts.left = left.ok_or_else(|| wrong("its pages hold more values than the footer says"))?;
        let is_whole = match encoding {
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => self.has_dictionary,
            Encoding::DELTA_LENGTH_BYTE_ARRAY => end_of_differences(bytes, values).is_some(),
            Encoding::DELTA_BYTE_ARRAY => {
                if self.sizes.plain() > MOST_PREFIXED {
                    let what = format!("a page of {encoding} has more than {MOST_PREFIXED} bytes");
                    return Err(refused(what, "write it again with smaller pages"));
                }
                let rest = end_of_differences(bytes, values).and_then(|end| bytes.get(end..));
                self.facts.is_prefixed && rest.is_some_and(|rest| end_of_differences(rest, values).is_some())
            }
            _ => true,
        };
        match is_whole {
            true => Ok(()),
            false => Err(wrong("a page lacks what its encoding needs")),
        }
    }
}

fn refused(what: String, advice: &str) -> ParquetError {
    ParquetError::External(Box::new(Unreadable::unsupported(what, advice)))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages that were not read from a file.
    struct Made(Vec<Page>);

    impl PageReader for Made {
        fn get_next_page(&mut self) -> Result<Option<Page>> {
            Ok(self.0.pop())
        }

        fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
            Ok(None)
        }

        fn skip_next_page(&mut self) -> Result<()> {
            Ok(())
        }
    }

    impl Iterator for Made {
        type Item = Result<Page>;

        fn next(&mut self) -> Option<Self::Item> {
            self.get_next_page().transpose()
        }
    }

    const FACTS: Facts = Facts {
        is_gzip: false,
        has_nulls: true,
        is_prefixed: true,
        width: 4,
        left: 10,
    };

    fn page(bytes: &[u8], num_values: u32, encoding: Encoding, levels: Encoding) -> Page {
        Page::DataPage {
            buf: Bytes::copy_from_slice(bytes),
            num_values,
            encoding,
            def_level_encoding: levels,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        }
    }

    fn dictionary(bytes: usize, num_values: u32) -> Page {
        Page::DictionaryPage {
            buf: vec![0; bytes].into(),
            num_values,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        }
    }

    fn told(page: Page, facts: Facts) -> String {
        let mut pages = Checked::new(Box::new(Made(vec![page])), Arc::default(), facts);
        pages
            .get_next_page()
            .map_or_else(|error| error.to_string(), |_| "fine".into())
    }

    #[test]
    fn pages_that_claim_too_much_go_no_further() {
        const EMPTY: [u8; 4] = [0; 4];
        let plain = |bytes: &[u8], values| page(bytes, values, Encoding::PLAIN, Encoding::RLE);
        // Blocks of 128 in 4 parts, and the values that a stream of differences claims.
        let differences = |claimed: u8| [&EMPTY[..], &[0x80, 1, 4, claimed, 0]].concat();
        let lengths = |claimed| {
            page(
                &differences(claimed),
                10,
                Encoding::DELTA_LENGTH_BYTE_ARRAY,
                Encoding::RLE,
            )
        };
        for (page, words) in [
            (plain(&EMPTY, 10), "fine"),
            (plain(&EMPTY, 11), "more values than the footer"),
            (plain(&[9, 0, 0, 0], 1), "levels of a page are cut off"),
            (plain(&[], 1), "levels of a page are cut off"),
            (page(&EMPTY, 1, Encoding::RLE_DICTIONARY, Encoding::RLE), "lacks"),
            (
                page(&EMPTY, 1, Encoding::PLAIN, Encoding::PLAIN),
                "nulls in the encoding",
            ),
            (lengths(1), "fine"),
            (lengths(11), "lacks"),
            (
                page(&differences(1), 1, Encoding::DELTA_BYTE_ARRAY, Encoding::RLE),
                "lacks",
            ),
            (dictionary(40, 10), "fine"),
            (dictionary(40, 11), "shorter than it claims"),
            (dictionary(40, u32::MAX), "shorter than it claims"),
            (dictionary(20 << 20, 5 << 20), "5242880 values"),
        ] {
            let found = told(page, FACTS);
            assert!(found.contains(words), "{words}: {found}");
        }
        let prefixed = [&differences(1)[..], &[0x80, 1, 4, 1, 0]].concat();
        let prefixed = || page(&prefixed, 1, Encoding::DELTA_BYTE_ARRAY, Encoding::RLE);
        assert_eq!(told(prefixed(), FACTS), "fine");
        let unannounced = Facts {
            is_prefixed: false,
            ..FACTS
        };
        assert!(told(prefixed(), unannounced).contains("lacks"));
    }

    #[test]
    fn gzip_gives_what_its_header_says_and_no_more() {
        let facts = Facts {
            is_gzip: true,
            has_nulls: false,
            ..FACTS
        };
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &vec![0; 1 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        let sizes = Arc::<Sizes>::default();
        sizes.set_plain(1000);
        let inner = Made(vec![page(&bomb, 1, Encoding::PLAIN, Encoding::RLE)]);
        let mut pages = Checked::new(Box::new(inner), sizes.clone(), facts);
        assert!(pages.get_next_page().is_err());
        sizes.set_plain(1 << 20);
        let inner = Made(vec![page(&bomb, 1, Encoding::PLAIN, Encoding::RLE)]);
        let mut pages = Checked::new(Box::new(inner), sizes, facts);
        assert!(pages.get_next_page().is_ok());
    }
}
