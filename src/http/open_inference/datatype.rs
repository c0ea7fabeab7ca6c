//! The datatypes of tensors, and which JSON values they allow.

/// What the values of a tensor are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datatype {
    /// Truth values.
    Bool,
    /// Whole numbers of so many bits that are not negative.
    Unsigned(u32),
    /// Whole numbers of so many bits.
    Signed(u32),
    /// Numbers.
    Float,
    /// Texts.
    Bytes,
}

impl Datatype {
    /// The datatype of that name; names are case-sensitive.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "BOOL" => Datatype::Bool,
            "UINT8" => Datatype::Unsigned(8),
            "UINT16" => Datatype::Unsigned(16),
            "UINT32" => Datatype::Unsigned(32),
            "UINT64" => Datatype::Unsigned(64),
            "INT8" => Datatype::Signed(8),
            "INT16" => Datatype::Signed(16),
            "INT32" => Datatype::Signed(32),
            "INT64" => Datatype::Signed(64),
            "FP16" | "FP32" | "FP64" => Datatype::Float,
            "BYTES" => Datatype::Bytes,
            _ => return None,
        })
    }

    /// What is wrong with a value of this datatype, which is valid JSON; null is a missing value of any datatype.
    pub fn refuses(self, value: &str) -> Option<&'static str> {
        let whole = || value.parse::<i128>().ok();
        let is_number = value.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let (fits, told) = match self {
            _ if value == "null" => (true, ""),
            Datatype::Bool => (matches!(value, "true" | "false"), "a BOOL is true or false"),
            Datatype::Unsigned(bits) => (
                whole().is_some_and(|number| (0..1_i128 << bits).contains(&number)),
                "the value is not a whole number of this datatype",
            ),
            Datatype::Signed(bits) => (
                whole()
                    .is_some_and(|number| (-(1_i128 << (bits - 1))..1_i128 << (bits - 1)).contains(&number)),
                "the value is not a whole number of this datatype",
            ),
            Datatype::Float => (is_number, "the value is not a number"),
            Datatype::Bytes => (
                value.starts_with('"'),
                "a value of BYTES is a text between quotes",
            ),
        };
        (!fits).then_some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_datatypes() {
        for (name, fitting, others) in [
            ("BOOL", vec!["true", "false", "null"], vec!["1", "\"true\""]),
            (
                "UINT8",
                vec!["0", "255"],
                vec!["256", "-1", "1.0", "\"1\"", "true"],
            ),
            (
                "UINT64",
                vec!["18446744073709551615"],
                vec!["18446744073709551616", "1e3"],
            ),
            ("INT8", vec!["-128", "127"], vec!["128", "-129"]),
            ("INT64", vec!["-9223372036854775808"], vec!["9223372036854775808"]),
            ("FP32", vec!["1", "-0.5", "1e300", "null"], vec!["\"1\"", "true"]),
            ("FP64", vec!["3"], vec!["false"]),
            ("BYTES", vec!["\"\"", "\"a\"", "null"], vec!["1", "true"]),
        ] {
            let datatype = Datatype::named(name).unwrap();
            for value in fitting {
                assert_eq!(datatype.refuses(value), None, "{name} {value}");
            }
            for value in others {
                assert!(datatype.refuses(value).is_some(), "{name} {value}");
            }
        }
        assert_eq!(Datatype::named("fp64"), None);
        assert_eq!(Datatype::named("STRING"), None);
    }
}
