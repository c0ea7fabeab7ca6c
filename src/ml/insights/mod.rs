//! What in a table may hurt a model: findings with evidence and advice. None of them blocks anything.
//!
//! Each family of findings is a pure function over what the pass over the table has collected. False alarms are worse
//! than silence, so a finding needs an effect that matters and evidence that chance does not explain;
//! `docs/insights.md` has every rule and threshold.

mod bounds;
mod columns;
mod copies;
mod dates;
mod drift;
mod encoding;
mod finding;
mod formatted;
mod lags;
mod leakage;
mod material;
mod nearest;
mod repeats;
mod rows;
mod sentinels;
mod target;
mod types;

pub use finding::{Code, Insight};
pub use material::Material;

use finding::Finding;

/// Everything that was found, the most important first, at most one entry for each code.
pub fn find(material: &Material) -> Vec<Insight> {
    let copies = copies::find(material);
    let mut findings: Vec<Finding> = Vec::new();
    // What is a copy of the target decides it, too; once is enough.
    let copied: Vec<usize> = copies
        .iter()
        .filter(|finding| finding.code == Code::TargetCopy)
        .filter_map(|finding| finding.column)
        .collect();
    findings.extend(copies);
    findings.extend(leakage::find(material, &copied));
    findings.extend(rows::find(material));
    findings.extend(drift::find(material));
    findings.extend(target::find(material));
    findings.extend(columns::find(material));
    findings.extend(encoding::find(material));
    let formatted = formatted::find(material);
    let said: Vec<usize> = formatted.iter().filter_map(|finding| finding.column).collect();
    findings.extend(formatted);
    findings.extend(types::find(material, &said));
    findings.extend(sentinels::find(material));
    findings.extend(dates::find(material));
    finding::grouped(findings, material)
}
