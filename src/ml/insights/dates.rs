//! Dates that are read as categories.

use serde_json::json;

use super::finding::{Code, Finding};
use super::material::Material;
use crate::ml::decision::Role;
use crate::ml::infer::dates::not_understood;
use crate::ml::schema::AttributeType;

/// Columns that hold dates, or nearly do, but whose dates are not understood.
pub fn find(material: &Material) -> Vec<Finding> {
    let columns = 0..material.names.len();
    columns.filter_map(|column| judge(material, column)).collect()
}

fn judge(material: &Material, column: usize) -> Option<Finding> {
    let decision = &material.decisions[column];
    let is_read = matches!(decision.role, Role::Input | Role::Id);
    let is_word = matches!(decision.kind, AttributeType::Categorical | AttributeType::Text);
    let profile = &material.all.profiles[column];
    if !is_read || !is_word || material.dated[column] || profile.filled() == 0 {
        return None;
    }
    let name = &material.names[column];
    let reason = not_understood(name, profile)?;
    let evidence = json!({"values": profile.filled(), "distinct": profile.values.distinct().0});
    let message = format!("column `{name}`: {reason}");
    Some(Finding::about(Code::DatesAsCategories, column, message, evidence))
}
