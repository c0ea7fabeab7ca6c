//! Identifiers and names, checked when they are made.
//!
//! A value of these types is always well formed, so that nothing behind them checks again.

use serde::{Deserialize, Serialize};

/// A name or identifier that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{value}` {reason}")]
pub struct InvalidName {
    /// What kind of name was given, for example `data source id`.
    pub what: &'static str,
    /// The text that was given, shortened.
    pub value: String,
    /// The rule that it breaks and how to mend it.
    pub reason: &'static str,
}

fn invalid(what: &'static str, value: &str, reason: &'static str) -> InvalidName {
    InvalidName {
        what,
        value: value.chars().take(80).collect(),
        reason,
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// The four kinds of things that are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntityKind {
    /// Data with a schema and statistics.
    #[serde(rename = "datasource")]
    DataSource,
    /// A trained model.
    Model,
    /// A model judged on a data source.
    Evaluation,
    /// A file of predictions.
    BatchPrediction,
}

impl EntityKind {
    /// Every kind, in the order of dependence: later kinds depend on earlier ones.
    pub const ALL: [EntityKind; 4] = [
        EntityKind::DataSource,
        EntityKind::Model,
        EntityKind::Evaluation,
        EntityKind::BatchPrediction,
    ];

    /// The name in the catalogue and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            EntityKind::DataSource => "datasource",
            EntityKind::Model => "model",
            EntityKind::Evaluation => "evaluation",
            EntityKind::BatchPrediction => "batch-prediction",
        }
    }

    /// The path segment of the REST collection.
    pub fn plural(self) -> &'static str {
        match self {
            EntityKind::DataSource => "datasources",
            EntityKind::Model => "models",
            EntityKind::Evaluation => "evaluations",
            EntityKind::BatchPrediction => "batch-predictions",
        }
    }

    /// The words used in messages.
    pub fn noun(self) -> &'static str {
        match self {
            EntityKind::DataSource => "data source",
            EntityKind::Model => "model",
            EntityKind::Evaluation => "evaluation",
            EntityKind::BatchPrediction => "batch prediction",
        }
    }

    /// How generated identifiers of this kind begin.
    pub fn prefix(self) -> &'static str {
        match self {
            EntityKind::DataSource => "ds-",
            EntityKind::Model => "ml-",
            EntityKind::Evaluation => "ev-",
            EntityKind::BatchPrediction => "bp-",
        }
    }
}

impl std::fmt::Display for EntityKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.noun())
    }
}

impl std::str::FromStr for EntityKind {
    type Err = InvalidName;

    /// Reads the singular or the plural name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = EntityKind::ALL
            .into_iter()
            .find(|k| k.as_str() == text || k.plural() == text);
        found.ok_or_else(|| {
            invalid(
                "resource",
                text,
                "is unknown; use datasources, models, evaluations or batch-predictions",
            )
        })
    }
}

/// An identifier, unique among entities of one kind and never reused: 1 to 64 letters, digits,
/// `_`, `.` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntityId(String);

impl EntityId {
    /// Checks and wraps `text`.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        if text.is_empty() || text.len() > 64 || !is_plain(&text) {
            return Err(invalid(
                "id",
                &text,
                "must be 1 to 64 letters, digits, `_`, `.` or `-`",
            ));
        }
        if text.bytes().all(|b| b == b'.') {
            // Identifiers become folder names.
            return Err(invalid(
                "id",
                &text,
                "must not be dots alone; add a letter or a digit",
            ));
        }
        Ok(Self(text))
    }

    /// An identifier made from sixty of the given random bits.
    pub fn generate(kind: EntityKind, random: [u8; 12]) -> Self {
        Self(format!("{}{}", kind.prefix(), random_text(&random)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Five bits of every byte as one lower-case letter or digit (without the easily confused 0, 1, l, o).
pub fn random_text(random: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";
    random
        .iter()
        .map(|b| char::from(ALPHABET[usize::from(b % 32)]))
        .collect()
}

/// The name of an uploaded dataset: 1 to 128 letters, digits, `_`, `.` or `-`, not starting with a dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatasetName(String);

impl DatasetName {
    /// Checks and wraps `text`.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        if text.is_empty() || text.len() > 128 || !is_plain(&text) {
            return Err(invalid(
                "dataset name",
                &text,
                "must be 1 to 128 letters, digits, `_`, `.` or `-`",
            ));
        }
        if text.starts_with('.') {
            return Err(invalid("dataset name", &text, "must not start with a dot"));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a family of models: 1 to 64 letters, digits, `_`, `.` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FamilyName(String);

impl FamilyName {
    /// Checks and wraps `text`.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        if text.is_empty() || text.len() > 64 || !is_plain(&text) {
            let reason = "must be 1 to 64 letters, digits, `_`, `.` or `-`";
            return Err(invalid("family name", &text, reason));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name for one of a family's versions, such as `production`: as the name of a family, but not a number, and not
/// `latest`, which always means the newest version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AliasName(String);

impl AliasName {
    /// Checks and wraps `text`.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        if text.is_empty() || text.len() > 64 || !is_plain(&text) {
            let reason = "must be 1 to 64 letters, digits, `_`, `.` or `-`";
            return Err(invalid("alias", &text, reason));
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid(
                "alias",
                &text,
                "is a number, which means a version; add a letter",
            ));
        }
        if text == "latest" {
            return Err(invalid(
                "alias",
                &text,
                "always means the newest version; choose another one",
            ));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a file of ours lies in object storage: a relative path of plain segments. Only
/// `blob::key` spells new ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobKey(String);

impl BlobKey {
    /// Checks and wraps `text`.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        if text.split('/').all(is_segment) {
            return Ok(Self(text));
        }
        let reason = "must be segments joined by `/`, none of them empty or of dots alone, without `\\` and control characters";
        Err(invalid("file key", &text, reason))
    }

    /// Wraps a path whose parts come from checked types; for `blob::key` alone.
    pub(crate) fn spelled(text: String) -> Self {
        debug_assert!(Self::new(text.clone()).is_ok(), "{text}");
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text can be one segment of a path, and only that.
fn is_segment(text: &str) -> bool {
    !text.contains(['/', '\\']) && !text.chars().any(char::is_control) && text.bytes().any(|b| b != b'.')
}

/// Checks the free text name of an entity: at most 1024 characters, empty or not only white space,
/// no control characters.
pub fn check_name(text: &str) -> Result<(), InvalidName> {
    if text.chars().count() > 1024 {
        return Err(invalid(
            "name",
            text,
            "is longer than 1024 characters; shorten it",
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(
            "name",
            &text.escape_debug().to_string(),
            "has control characters; remove them",
        ));
    }
    if !text.is_empty() && text.trim().is_empty() {
        return Err(invalid(
            "name",
            text,
            "is only white space; leave it empty or write something",
        ));
    }
    Ok(())
}

macro_rules! text_type {
    ($($name:ident),*) => { $(
        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }
        impl std::str::FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )* };
}

text_type!(EntityId, DatasetName, FamilyName, AliasName, BlobKey);

/// One entity by kind and identifier; prints as `model ml-abc`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityRef {
    /// What it is.
    pub kind: EntityKind,
    /// Which one.
    pub id: EntityId,
}

impl EntityRef {
    /// Names one entity.
    pub fn new(kind: EntityKind, id: EntityId) -> Self {
        Self { kind, id }
    }
}

impl std::fmt::Display for EntityRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind.noun(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_keep_the_rules() {
        for good in ["a", "A.b_c-9", "..a", &"x".repeat(64)] {
            assert!(EntityId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a/b", "ä", ".", "..", &"x".repeat(65)] {
            assert!(EntityId::new(bad).is_err(), "{bad}");
        }
        let error = EntityId::new("a/b").unwrap_err().to_string();
        assert_eq!(error, "id `a/b` must be 1 to 64 letters, digits, `_`, `.` or `-`");
    }

    #[test]
    fn generated_identifiers_are_valid_and_carry_the_prefix() {
        for kind in EntityKind::ALL {
            let id = EntityId::generate(kind, [255, 0, 31, 32, 7, 1, 2, 3, 4, 5, 6, 200]);
            assert!(id.as_str().starts_with(kind.prefix()));
            assert_eq!(EntityId::new(id.as_str()), Ok(id));
        }
    }

    #[test]
    fn kinds_read_both_names_and_agree_with_serde() {
        for kind in EntityKind::ALL {
            assert_eq!(kind.plural().parse(), Ok(kind));
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("things".parse::<EntityKind>().is_err());
    }

    #[test]
    fn dataset_names_and_keys_never_leave_their_folder() {
        assert!(DatasetName::new("iris.csv").is_ok());
        for bad in ["", ".hidden", "..", "a/b", "a b", &"x".repeat(129)] {
            assert!(DatasetName::new(bad).is_err(), "{bad}");
        }
        assert!(BlobKey::new("models/ml-1/1.yosoku").is_ok());
        assert!(BlobKey::new("datasets/shop/day=1/a b~[1]%2F.csv").is_ok());
        for bad in ["", "/a", "a/", "a//b", "a/../b", "./a", "a\\b", "a\nb", "a/.../b"] {
            assert!(BlobKey::new(bad).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<DatasetName>("\"../x\"").is_err());
    }

    #[test]
    fn names_are_free_text_within_reason() {
        assert!(check_name("").is_ok());
        assert!(check_name("Späte Züge 🚂").is_ok());
        assert!(check_name("   ").is_err());
        assert!(check_name("a\0b").is_err());
        assert!(check_name(&"é".repeat(1024)).is_ok());
        assert!(check_name(&"é".repeat(1025)).is_err());
    }
}
