//! The rule by which a column only names rows. Inference asks it of all rows, the comparison of rows of the first ones.

use super::names::means_identity;

/// Rows below which uniqueness says nothing about identity.
const FEW_ROWS: u64 = 20;

/// What the rule asks of the values of a column in some rows.
#[derive(Debug, Clone, Copy)]
pub struct Values {
    /// Rows looked at.
    pub rows: u64,
    /// Whether no value is missing, has white space in it or stands on two rows.
    pub unique: bool,
    /// Values that are numbers.
    pub numbers: u64,
    /// Whether all of them are whole numbers.
    pub whole: bool,
    /// Whether they are one number after the other.
    pub running: bool,
    /// Whether they are words or codes, even if some look like numbers.
    pub words: bool,
}

/// How a column names rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// It counts them.
    Running,
    /// Its name says so.
    Named,
    /// Every row has a code of its own.
    Code,
}

/// How the column called `name` names rows, if it does: no value repeats, and it is a running number, or its name says
/// so, or it is a code. Dates that never repeat say when a row happened, not which row it is; that is for the caller to
/// see to.
pub fn identity(name: &str, values: Values) -> Option<Identity> {
    if values.rows < FEW_ROWS || !values.unique {
        None
    } else if values.running {
        Some(Identity::Running)
    } else if means_identity(name) && (values.whole || values.words) {
        Some(Identity::Named)
    } else {
        (values.words && values.numbers * 2 < values.rows).then_some(Identity::Code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_rows() {
        let words = Values {
            rows: 50,
            unique: true,
            numbers: 0,
            whole: false,
            running: false,
            words: true,
        };
        let numbers = Values {
            numbers: 50,
            whole: true,
            words: false,
            ..words
        };
        let running = Values {
            running: true,
            ..numbers
        };
        assert_eq!(identity("code", words), Some(Identity::Code));
        assert_eq!(identity("order_id", words), Some(Identity::Named));
        assert_eq!(identity("order_id", numbers), Some(Identity::Named));
        assert_eq!(identity("amount", numbers), None);
        assert_eq!(identity("n", running), Some(Identity::Running));
        let sizes = Values {
            whole: false,
            ..numbers
        };
        assert_eq!(identity("price_index", sizes), None);
        for other in [
            Values { rows: 19, ..running },
            Values {
                unique: false,
                ..running
            },
        ] {
            assert_eq!(identity("id", other), None);
        }
    }
}
