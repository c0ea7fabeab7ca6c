//! Many short texts in one piece of memory.

use std::fmt;

use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A list of texts, stored one after the other. Serialised as a list of strings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    text: String,
    /// Where each entry ends in `text`.
    ends: Vec<u32>,
}

impl Entries {
    /// Appends an entry. More than 4 GiB of text in all is more than any dictionary is allowed to count.
    pub fn push(&mut self, entry: &str) {
        self.text.push_str(entry);
        self.ends.push(self.text.len() as u32);
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Entry `index`; empty when there is none.
    pub fn get(&self, index: usize) -> &str {
        let end = self.ends.get(index).copied().unwrap_or(0) as usize;
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(0) as usize,
            None => 0,
        };
        self.text.get(start..end).unwrap_or("")
    }

    /// The first byte of entry `index`; 0 where there is none.
    #[inline]
    pub fn first_byte(&self, index: usize) -> u8 {
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(0) as usize,
            None => 0,
        };
        self.text.as_bytes().get(start).copied().unwrap_or(0)
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Bytes of all entries together.
    pub fn text_len(&self) -> usize {
        self.text.len()
    }
}

impl<'a> FromIterator<&'a str> for Entries {
    fn from_iter<I: IntoIterator<Item = &'a str>>(entries: I) -> Self {
        let mut list = Self::default();
        entries.into_iter().for_each(|entry| list.push(entry));
        list
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.len()))?;
        for entry in self.iter() {
            list.serialize_element(entry)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of texts")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries, A::Error> {
                let mut entries = Entries::default();
                while list.next_element_seed(Push(&mut entries))?.is_some() {}
                // A model stays in memory for long, with many others.
                entries.text.shrink_to_fit();
                entries.ends.shrink_to_fit();
                Ok(entries)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// Reads one text to the end of a list, without a copy of its own.
struct Push<'e>(&'e mut Entries);

impl<'de> DeserializeSeed<'de> for Push<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Push<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, entry: &str) -> Result<(), E> {
        if self.0.text.len() + entry.len() > u32::MAX as usize {
            return Err(E::custom("the entries are longer than 4 GiB"));
        }
        self.0.push(entry);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_serialise_as_a_list() {
        let entries: Entries = ["a", "", "été", "b c"].into_iter().collect();
        assert_eq!(entries.iter().collect::<Vec<_>>(), ["a", "", "été", "b c"]);
        let text = serde_json::to_string(&entries).unwrap();
        assert_eq!(text, r#"["a","","été","b c"]"#);
        assert_eq!(serde_json::from_str::<Entries>(&text).unwrap(), entries);
        assert_eq!(
            serde_json::from_str::<Entries>(r#"["a\n"]"#).unwrap().get(0),
            "a\n"
        );
        assert_eq!(entries.get(9), "");
    }
}
