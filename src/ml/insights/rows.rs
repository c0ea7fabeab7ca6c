//! Rows that are copies of each other, within the part and across the parts.

use serde_json::json;

use super::finding::{Code, Finding};
use super::material::Material;
use super::repeats::{USUAL, by_chance};
use crate::ml::profile::duplicates::Copies;

/// Copies must make up this share of the rows.
const LEAST_SHARE: f64 = 0.01;
/// Fewer copies are not worth a word.
const LEAST_COPIES: f64 = 5.0;
/// There must be so many times as many equal pairs as chance gives.
const TIMES_CHANCE: f64 = 5.0;
/// Examples shown.
const SHOWN: usize = 5;

/// Copies among the rows, where chance does not explain them.
pub fn find(material: &Material) -> Vec<Finding> {
    let within = Within::of(material);
    let across = Across::of(material);
    let suspicious = within.is_enough() || across.is_enough();
    if !suspicious {
        return Vec::new();
    }
    let sampled = material.rows.len() as f64;
    let chance = by_chance(material) / (sampled * sampled);
    let (rows, others) = (material.selected.rows as f64, material.others.rows as f64);
    let mut found = Vec::new();
    if within.is_enough() && within.pairs > TIMES_CHANCE * chance * rows * rows {
        found.push(within.finding(material));
    }
    // There are twice as many ordered pairs across as unordered ones within as large a part.
    if across.is_enough() && across.pairs > TIMES_CHANCE * 2.0 * chance * rows * others {
        found.push(across.finding(material));
    }
    found
}

/// More copies of one row than this are not counted: such rows are usual.
fn usual(rows: u64) -> u64 {
    USUAL.max(rows / 1000)
}

/// Copies within the part.
struct Within {
    copies: f64,
    pairs: f64,
    share: f64,
    examples: Vec<Copies>,
    exact: bool,
}

impl Within {
    fn of(material: &Material) -> Self {
        let contents = &material.selected.contents;
        let most = usual(contents.rows);
        let mut groups = contents.repeated();
        groups.retain(|copies| copies.rows <= most);
        let scale = 1.0 / contents.share();
        let count = |rows: u64| rows as f64;
        let copies = scale * groups.iter().map(|group| count(group.rows) - 1.0).sum::<f64>();
        let pairs = groups
            .iter()
            .map(|group| count(group.rows) * (count(group.rows) - 1.0) / 2.0);
        Self {
            copies,
            pairs: scale * pairs.sum::<f64>(),
            share: copies / count(contents.rows.max(1)),
            exact: scale == 1.0,
            examples: groups.into_iter().take(SHOWN).collect(),
        }
    }

    fn is_enough(&self) -> bool {
        self.copies >= LEAST_COPIES && self.share >= LEAST_SHARE
    }

    fn finding(&self, material: &Material) -> Finding {
        let about = if self.exact { "" } else { "about " };
        let first = self.examples.first().map_or([0, 0], |copies| copies.lines);
        let message = format!(
            "{about}{:.0} rows ({:.1} %) are copies of an earlier row{}, such as line {} (a copy of line {}); chance does not explain so many",
            self.copies,
            100.0 * self.share,
            but_for(material),
            first[1],
            first[0]
        );
        let examples: Vec<_> = self
            .examples
            .iter()
            .map(|copies| json!({"rows": copies.rows, "lines": copies.lines}))
            .collect();
        let evidence = json!({"copies": self.copies.round(), "share": self.share, "exact": self.exact,
            "left_out": left_out(material), "examples": examples});
        Finding::about_table(Code::DuplicateRows, message, evidence)
    }
}

/// Rows of the other part that this part holds, too.
struct Across {
    rows: f64,
    pairs: f64,
    share: f64,
    examples: Vec<(Copies, Copies)>,
    exact: bool,
}

impl Across {
    fn of(material: &Material) -> Self {
        let (mine, theirs) = (&material.selected.contents, &material.others.contents);
        let most = usual(mine.rows + theirs.rows);
        let mut shared = mine.shared(theirs);
        shared.retain(|(here, there)| here.rows + there.rows <= most);
        let scale = 1.0 / mine.share().min(theirs.share());
        let rows = scale * shared.iter().map(|(_, there)| there.rows as f64).sum::<f64>();
        let pairs = shared
            .iter()
            .map(|(here, there)| here.rows as f64 * there.rows as f64);
        Self {
            rows,
            pairs: scale * pairs.sum::<f64>(),
            share: rows / theirs.rows.max(1) as f64,
            exact: scale == 1.0,
            examples: shared.into_iter().take(SHOWN).collect(),
        }
    }

    fn is_enough(&self) -> bool {
        self.rows >= LEAST_COPIES && self.share >= LEAST_SHARE
    }

    fn finding(&self, material: &Material) -> Finding {
        let about = if self.exact { "" } else { "about " };
        let first = self
            .examples
            .first()
            .map_or((0, 0), |(here, there)| (here.lines[0], there.lines[0]));
        let message = format!(
            "{about}{:.0} rows of the other part ({:.1} % of it) are copies of rows of this part{}, such as line {} (a copy of line {}); chance does not explain so many",
            self.rows,
            100.0 * self.share,
            but_for(material),
            first.1,
            first.0
        );
        let examples: Vec<_> = self
            .examples
            .iter()
            .map(|(here, there)| json!({"line": here.lines[0], "line_of_other_part": there.lines[0]}))
            .collect();
        let evidence = json!({"rows": self.rows.round(), "share": self.share, "exact": self.exact,
            "left_out": left_out(material), "examples": examples});
        Finding::about_table(Code::DuplicateRowsAcrossSplit, message, evidence)
    }
}

/// The columns that do not count when rows are compared.
fn left_out<'m>(material: &'m Material) -> Vec<&'m String> {
    let skipped = material.selected.contents.skipped().iter();
    let names = material
        .names
        .iter()
        .zip(skipped)
        .filter(|(_, skipped)| **skipped);
    names.map(|(name, _)| name).take(SHOWN).collect()
}

fn but_for(material: &Material) -> String {
    match left_out(material)[..] {
        [] => String::new(),
        [name] => format!(" but for `{name}`"),
        [name, ..] => format!(" but for `{name}` and other identifiers"),
    }
}
