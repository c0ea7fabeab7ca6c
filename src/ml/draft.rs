//! A record that is put together field by field, by name or by position, in whatever order fields come.

use std::ops::Range;

use super::record::Record;

/// How a field was written, where the format tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Written {
    /// As text without a type: a field of CSV, a truth value, or nothing at all.
    #[default]
    Plain,
    /// As a number.
    Number,
    /// As a text between quotes.
    Text,
}

/// Why a field cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The attribute has a value already.
    Twice,
    /// The record has as many values as the schema has attributes.
    TooMany,
}

/// The fields of one record as far as they are known. Reuse one draft for many records: its buffers are kept.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    text: String,
    fields: Vec<Option<Field>>,
    unknown: Vec<(Range<usize>, Range<usize>)>,
    /// Values that were given by position.
    listed: usize,
}

#[derive(Debug, Clone)]
struct Field {
    text: Range<usize>,
    written: Written,
}

impl Draft {
    /// Begins a record of so many attributes, all of them missing.
    pub fn begin(&mut self, attributes: usize) {
        self.text.clear();
        self.fields.clear();
        self.fields.resize(attributes, None);
        self.unknown.clear();
        self.listed = 0;
    }

    /// Sets the text of an attribute.
    pub fn set(&mut self, attribute: usize, text: &str, written: Written) -> Result<(), Refused> {
        let text = self.kept(text);
        match self.fields.get_mut(attribute) {
            Some(field @ None) => *field = Some(Field { text, written }),
            Some(Some(_)) => return Err(Refused::Twice),
            None => return Err(Refused::TooMany),
        }
        Ok(())
    }

    /// Sets the text of the next attribute in order.
    pub fn push(&mut self, text: &str, written: Written) -> Result<(), Refused> {
        self.listed += 1;
        self.set(self.listed - 1, text, written)
    }

    /// Ends a record given by position. It has all attributes, or all but the target; else the error is how many
    /// there were.
    pub fn arrange(&mut self, target: Option<usize>) -> Result<(), usize> {
        match target {
            _ if self.listed == self.fields.len() => Ok(()),
            Some(target) if self.listed + 1 == self.fields.len() => {
                // The last place is free: what follows the target moves there.
                self.fields[target..].rotate_right(1);
                Ok(())
            }
            _ => Err(self.listed),
        }
    }

    /// Keeps a field that the schema does not know, to be remarked on.
    pub fn set_unknown(&mut self, name: &str, text: &str) {
        let (name, text) = (self.kept(name), self.kept(text));
        self.unknown.push((name, text));
    }

    /// Names and texts of the fields that the schema does not know.
    pub fn unknown(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.unknown
            .iter()
            .map(|(name, text)| (&self.text[name.clone()], &self.text[text.clone()]))
    }

    /// How an attribute was written.
    pub fn written(&self, attribute: usize) -> Written {
        let field = self.fields.get(attribute).and_then(Option::as_ref);
        field.map_or(Written::Plain, |field| field.written)
    }

    /// Puts the fields into `record` in the order of the schema.
    pub fn write(&self, record: &mut Record) {
        record.clear();
        for field in &self.fields {
            record.push(field.as_ref().map_or("", |field| &self.text[field.text.clone()]));
        }
    }

    /// Bytes of all fields so far.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Bytes that the buffers hold on to.
    pub fn capacity(&self) -> usize {
        self.text.capacity()
            + size_of::<Option<Field>>() * self.fields.capacity()
            + size_of::<(Range<usize>, Range<usize>)>() * self.unknown.capacity()
    }

    fn kept(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(draft: &Draft) -> Vec<String> {
        let mut record = Record::new();
        draft.write(&mut record);
        record.iter().map(str::to_owned).collect()
    }

    #[test]
    fn fields_come_in_any_order_and_are_written_in_that_of_the_schema() {
        let mut draft = Draft::default();
        draft.begin(3);
        draft.set(2, "c", Written::Text).unwrap();
        draft.set_unknown("x", "?");
        draft.set(0, "1", Written::Number).unwrap();
        assert_eq!(fields(&draft), ["1", "", "c"]);
        assert_eq!(draft.unknown().collect::<Vec<_>>(), [("x", "?")]);
        let written: Vec<Written> = (0..4).map(|at| draft.written(at)).collect();
        assert_eq!(
            written,
            [Written::Number, Written::Plain, Written::Text, Written::Plain]
        );
        assert_eq!(draft.set(0, "2", Written::Plain), Err(Refused::Twice));
        assert_eq!(draft.set(3, "2", Written::Plain), Err(Refused::TooMany));
        draft.begin(2);
        assert_eq!(fields(&draft), ["", ""]);
        assert_eq!(draft.unknown().len(), 0);
    }

    #[test]
    fn a_list_has_all_attributes_or_all_but_the_target() {
        let arranged = |values: &[&str], target| {
            let mut draft = Draft::default();
            draft.begin(3);
            values
                .iter()
                .try_for_each(|value| draft.push(value, Written::Plain))
                .ok()?;
            draft.arrange(target).ok()?;
            Some(fields(&draft).join(","))
        };
        assert_eq!(arranged(&["a", "b", "c"], Some(1)).as_deref(), Some("a,b,c"));
        assert_eq!(arranged(&["a", "c"], Some(1)).as_deref(), Some("a,,c"));
        assert_eq!(arranged(&["b", "c"], Some(0)).as_deref(), Some(",b,c"));
        assert_eq!(arranged(&["a", "b"], Some(2)).as_deref(), Some("a,b,"));
        assert_eq!(arranged(&["a", "b"], None), None);
        assert_eq!(arranged(&["a"], Some(1)), None);
        assert_eq!(arranged(&["a", "b", "c", "d"], Some(1)), None);
    }
}
