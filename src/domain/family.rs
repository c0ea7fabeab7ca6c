//! Families of models: the versions of one answer to one question, and names such as `production` for some of them.
//!
//! Programs ask for `fraud@production`, and which model answers is decided here: an alias moves from one version to
//! another in one step, and back. A shadow is a second version that answers the same requests unseen, to be compared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{AliasName, EntityId, FamilyName, InvalidName};

/// Earlier versions of an alias that are remembered.
const MOST_REMEMBERED: usize = 50;

/// A family of models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// Its name.
    pub name: FamilyName,
    /// The models, oldest first; the first has number 1.
    pub versions: Vec<Version>,
    /// Names of some versions.
    pub aliases: BTreeMap<AliasName, Alias>,
    /// When it was made, microseconds UTC.
    pub created_at: i64,
    /// When it was last changed, microseconds UTC.
    pub updated_at: i64,
    /// Counts changes.
    pub revision: i64,
}

/// A model in its family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its number, counted from 1.
    pub number: u64,
    /// The model.
    pub model: EntityId,
    /// When it was added, microseconds UTC.
    pub added_at: i64,
}

/// A name for one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The version that answers.
    pub version: u64,
    /// The version that answers unseen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<u64>,
    /// Since when, microseconds UTC.
    pub since: i64,
    /// The versions that answered before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<u64>,
}

/// Which of a family's models is meant: what follows the `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The version with this number.
    Number(u64),
    /// The newest version whose model is not deleted.
    Latest,
    /// The version that an alias names.
    Alias(AliasName),
}

impl std::str::FromStr for Reference {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text.parse() {
            Ok(number) => Ok(Reference::Number(number)),
            Err(_) if text == "latest" => Ok(Reference::Latest),
            Err(_) => AliasName::new(text).map(Reference::Alias),
        }
    }
}

/// A step that a family does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FamilyError {
    /// There is no such version.
    #[error("family `{family}` has no version {number}; it has {versions}")]
    NoVersion {
        /// The family.
        family: FamilyName,
        /// The number asked for.
        number: u64,
        /// How many versions there are.
        versions: usize,
    },
    /// There is no such alias.
    #[error("family `{family}` has no alias `{alias}`")]
    NoAlias {
        /// The family.
        family: FamilyName,
        /// The alias asked for.
        alias: AliasName,
    },
    /// The alias has always meant the version that it means now, or the models of all others are gone.
    #[error("alias `{alias}` of family `{family}` has no earlier version to go back to")]
    NothingBefore {
        /// The family.
        family: FamilyName,
        /// The alias.
        alias: AliasName,
    },
    /// A shadow that is the answering version itself.
    #[error("version {number} cannot be its own shadow; name another version")]
    OwnShadow {
        /// The version.
        number: u64,
    },
}

impl Family {
    /// A family without models.
    pub fn new(name: FamilyName, now: i64) -> Self {
        Family {
            name,
            versions: Vec::new(),
            aliases: BTreeMap::new(),
            created_at: now,
            updated_at: now,
            revision: 1,
        }
    }

    /// Adds a model as the newest version, unless it is a version already; returns its number.
    pub fn add(&mut self, model: EntityId, now: i64) -> u64 {
        if let Some(known) = self.versions.iter().find(|version| version.model == model) {
            return known.number;
        }
        let number = self.versions.len() as u64 + 1;
        self.versions.push(Version {
            number,
            model,
            added_at: now,
        });
        number
    }

    /// Lets an alias mean a version from now on, with a shadow or without.
    pub fn point(
        &mut self,
        alias: AliasName,
        version: u64,
        shadow: Option<u64>,
        now: i64,
    ) -> Result<(), FamilyError> {
        self.version(version)?;
        if let Some(shadow) = shadow {
            self.version(shadow)?;
        }
        if shadow == Some(version) {
            return Err(FamilyError::OwnShadow { number: version });
        }
        let mut earlier = Vec::new();
        if let Some(before) = self.aliases.remove(&alias) {
            earlier = before.earlier;
            if before.version != version {
                earlier.push(before.version);
            }
            if earlier.len() > MOST_REMEMBERED {
                earlier.remove(0);
            }
        }
        let pointed = Alias {
            version,
            shadow,
            since: now,
            earlier,
        };
        self.aliases.insert(alias, pointed);
        Ok(())
    }

    /// Lets an alias mean the version that it meant before, without a shadow. Versions whose models are gone are passed
    /// over and forgotten, because they would hold up every step back to the ones before them.
    pub fn roll_back(
        &mut self,
        alias: &AliasName,
        is_gone: impl Fn(&EntityId) -> bool,
        now: i64,
    ) -> Result<(), FamilyError> {
        let before = self.before(alias)?;
        let version = before.into_iter().find(|version| !is_gone(&version.model));
        let Some(version) = version.map(|version| version.number) else {
            let (family, alias) = (self.name.clone(), alias.clone());
            return Err(FamilyError::NothingBefore { family, alias });
        };
        if let Some(found) = self.aliases.get_mut(alias) {
            let last = found.earlier.iter().rposition(|earlier| *earlier == version);
            found.earlier.truncate(last.unwrap_or_default());
            (found.version, found.shadow, found.since) = (version, None, now);
        }
        Ok(())
    }

    /// The versions that an alias meant before, other than the one that it means now; the latest first.
    pub fn before(&self, alias: &AliasName) -> Result<Vec<&Version>, FamilyError> {
        let found = self.alias(alias)?;
        let others = found.earlier.iter().rev();
        others
            .filter(|number| **number != found.version)
            .map(|number| self.version(*number))
            .collect()
    }

    fn alias(&self, alias: &AliasName) -> Result<&Alias, FamilyError> {
        self.aliases.get(alias).ok_or_else(|| FamilyError::NoAlias {
            family: self.name.clone(),
            alias: alias.clone(),
        })
    }

    /// Takes an alias away.
    pub fn forget(&mut self, alias: &AliasName) -> Result<(), FamilyError> {
        let removed = self.aliases.remove(alias);
        removed.map(|_| ()).ok_or_else(|| FamilyError::NoAlias {
            family: self.name.clone(),
            alias: alias.clone(),
        })
    }

    /// The version with this number.
    pub fn version(&self, number: u64) -> Result<&Version, FamilyError> {
        let found = self.versions.iter().find(|version| version.number == number);
        found.ok_or_else(|| FamilyError::NoVersion {
            family: self.name.clone(),
            number,
            versions: self.versions.len(),
        })
    }

    /// The version that is meant where none is named: `production` if there is such an alias, else the newest.
    pub fn default_reference(&self) -> Reference {
        let production = self.aliases.keys().find(|alias| alias.as_str() == "production");
        production.cloned().map_or(Reference::Latest, Reference::Alias)
    }

    /// The version that is meant, and its shadow. What is the latest is not known here, where nothing is known of what
    /// was deleted: it is the newest.
    pub fn resolve(&self, reference: &Reference) -> Result<(&Version, Option<&Version>), FamilyError> {
        match reference {
            Reference::Number(number) => Ok((self.version(*number)?, None)),
            Reference::Latest => Ok((self.version(self.versions.len() as u64)?, None)),
            Reference::Alias(alias) => {
                let found = self.alias(alias)?;
                let shadow = found.shadow.map(|number| self.version(number)).transpose()?;
                Ok((self.version(found.version)?, shadow))
            }
        }
    }

    /// The aliases that mean a model, as the answering version or as a shadow.
    pub fn aliases_of(&self, model: &EntityId) -> impl Iterator<Item = &AliasName> {
        let is_it = move |number: u64| self.version(number).is_ok_and(|version| version.model == *model);
        let meant = move |alias: &Alias| is_it(alias.version) || alias.shadow.is_some_and(is_it);
        self.aliases
            .iter()
            .filter(move |(_, alias)| meant(alias))
            .map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> EntityId {
        EntityId::new(text).unwrap()
    }

    fn alias(text: &str) -> AliasName {
        AliasName::new(text).unwrap()
    }

    fn family(models: &[&str]) -> Family {
        let mut family = Family::new(FamilyName::new("fraud").unwrap(), 1);
        for model in models {
            family.add(id(model), 2);
        }
        family
    }

    fn meant(family: &Family, reference: &str) -> String {
        match family.resolve(&reference.parse().unwrap()) {
            Ok((version, None)) => version.model.to_string(),
            Ok((version, Some(shadow))) => format!("{} and {}", version.model, shadow.model),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_model_is_one_version_however_often_it_is_added() {
        let mut family = family(&["a", "b"]);
        assert_eq!((family.add(id("a"), 3), family.add(id("c"), 3)), (1, 3));
        assert_eq!(meant(&family, "2"), "b");
        assert_eq!(meant(&family, "latest"), "c");
        assert_eq!(meant(&family, "4"), "family `fraud` has no version 4; it has 3");
        assert_eq!(meant(&family, "best"), "family `fraud` has no alias `best`");
    }

    #[test]
    fn an_alias_moves_and_goes_back_step_by_step() {
        let mut family = family(&["a", "b", "c"]);
        let production = alias("production");
        for (version, shadow, expected) in [
            (1, None, "a"),
            (3, Some(2), "c and b"),
            (3, None, "c"),
            (2, None, "b"),
        ] {
            family.point(production.clone(), version, shadow, 5).unwrap();
            assert_eq!(meant(&family, "production"), expected);
        }
        for expected in ["c", "a"] {
            family.roll_back(&production, |_| false, 6).unwrap();
            assert_eq!(meant(&family, "production"), expected);
        }
        let refused = family.roll_back(&production, |_| false, 7).unwrap_err();
        assert!(matches!(refused, FamilyError::NothingBefore { .. }));
        assert_eq!(meant(&family, "production"), "a");
        family.forget(&production).unwrap();
        assert!(family.forget(&production).is_err() && family.roll_back(&production, |_| false, 8).is_err());
    }

    #[test]
    fn the_way_back_leads_past_what_is_gone() {
        let mut family = family(&["a", "b", "c", "d"]);
        let production = alias("production");
        for version in [4, 1, 2, 1, 2, 3] {
            family.point(production.clone(), version, None, 5).unwrap();
        }
        let is_gone = |model: &EntityId| model.as_str() == "b";
        for expected in ["a", "d"] {
            family.roll_back(&production, is_gone, 6).unwrap();
            assert_eq!(meant(&family, "production"), expected);
        }
        let refused = family.roll_back(&production, is_gone, 7).unwrap_err();
        assert!(matches!(refused, FamilyError::NothingBefore { .. }));
    }

    #[test]
    fn production_is_meant_where_nothing_is_named() {
        let mut family = family(&["a", "b"]);
        assert_eq!(family.default_reference(), Reference::Latest);
        family.point(alias("production"), 1, None, 5).unwrap();
        assert_eq!(family.default_reference(), Reference::Alias(alias("production")));
    }

    #[test]
    fn only_versions_that_exist_can_be_meant() {
        let mut family = family(&["a"]);
        for (version, shadow) in [(2, None), (1, Some(2)), (1, Some(1)), (0, None)] {
            let pointed = family.point(alias("x"), version, shadow, 5);
            assert!(pointed.is_err(), "{version}, {shadow:?}");
        }
        assert!(family.aliases.is_empty());
    }

    #[test]
    fn who_uses_a_model_is_known() {
        let mut family = family(&["a", "b", "c"]);
        family.point(alias("x"), 1, Some(2), 5).unwrap();
        family.point(alias("y"), 2, None, 5).unwrap();
        let names = |model: &str| -> Vec<String> {
            let id = id(model);
            family.aliases_of(&id).map(ToString::to_string).collect()
        };
        assert_eq!(names("a"), ["x"]);
        assert_eq!(names("b"), ["x", "y"]);
        assert!(names("c").is_empty());
    }

    #[test]
    fn earlier_versions_are_remembered_within_bounds() {
        let mut family = family(&["a", "b"]);
        for step in 0..200 {
            family.point(alias("x"), 1 + step % 2, None, 5).unwrap();
        }
        assert_eq!(family.aliases[&alias("x")].earlier.len(), MOST_REMEMBERED);
    }

    #[test]
    fn an_alias_is_no_number() {
        for bad in ["", "3", "latest", "a b", "@"] {
            assert!(AliasName::new(bad).is_err(), "{bad}");
        }
        assert_eq!("3".parse(), Ok(Reference::Number(3)));
        assert!("a/b".parse::<Reference>().is_err());
    }
}
