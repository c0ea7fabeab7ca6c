//! Finds attributes by their names, without hashing where names come in the order of the schema.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use super::schema::Schema;

/// The positions of a schema's attributes by name.
#[derive(Debug, Clone)]
pub struct Lookup {
    names: Vec<Box<str>>,
    by_name: HashTable<u32>,
    hasher: FixedState,
}

impl Lookup {
    /// Indexes the names of a schema; of two attributes with one name the first is found.
    pub fn new(schema: &Schema) -> Self {
        let names: Vec<Box<str>> = schema.attributes.iter().map(|a| a.name.as_str().into()).collect();
        let hasher = FixedState::default();
        let mut by_name = HashTable::with_capacity(names.len());
        for (position, name) in (0u32..).zip(&names) {
            let hash = |&at: &u32| hasher.hash_one(&*names[at as usize]);
            by_name
                .entry(hasher.hash_one(&**name), |&at| names[at as usize] == *name, hash)
                .or_insert(position);
        }
        Self {
            names,
            by_name,
            hasher,
        }
    }

    /// The position of an attribute. `expected` is compared first: a client that writes its fields in the order of
    /// the schema, or leaves some out at the end, costs no look-up at all.
    #[inline]
    pub fn find(&self, name: &str, expected: usize) -> Option<usize> {
        if self.names.get(expected).is_some_and(|known| **known == *name) {
            return Some(expected);
        }
        let same = |&at: &u32| *self.names[at as usize] == *name;
        let found = self.by_name.find(self.hasher.hash_one(name), same);
        found.map(|&at| at as usize)
    }

    /// The name of an attribute; empty where there is none.
    pub fn name(&self, attribute: usize) -> &str {
        self.names.get(attribute).map_or("", |name| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(names: &[&str]) -> Lookup {
        let attributes: Vec<_> = names
            .iter()
            .map(|name| serde_json::json!({"attributeName": name, "attributeType": "NUMERIC"}))
            .collect();
        let schema = serde_json::json!({"attributes": attributes});
        Lookup::new(&serde_json::from_value(schema).unwrap())
    }

    #[test]
    fn names_are_found_wherever_they_were_expected() {
        let names: Vec<String> = (0..300).map(|i| format!("column {i}")).collect();
        let lookup = lookup(&names.iter().map(String::as_str).collect::<Vec<_>>());
        for (position, name) in names.iter().enumerate() {
            for expected in [position, 0, 299, 5000] {
                assert_eq!(lookup.find(name, expected), Some(position));
            }
            assert_eq!(lookup.name(position), name);
        }
        assert_eq!(lookup.find("column 300", 0), None);
        assert_eq!(lookup.name(300), "");
    }

    #[test]
    fn of_two_with_one_name_the_first_is_found() {
        assert_eq!(lookup(&["a", "b", "a"]).find("a", 1), Some(0));
    }
}
