//! Numbers written for people, which are read as words.

use serde_json::json;

use super::finding::{Code, Finding};
use super::material::Material;
use crate::ml::decision::Role;
use crate::ml::names::means_code;
use crate::ml::schema::AttributeType;

/// Fewer such values may be slips; `mixed_types` names them.
const FEW: u64 = 5;
/// Values that are neither such numbers nor plain ones, of all, leave the column in doubt beyond this.
const OTHERS: f64 = 0.1;
/// A `1,250` may be a list of two codes; there are not so many different ones of those.
const MANY: u64 = 20;

/// Columns of numbers that are read as words because of how they are written.
pub fn find(material: &Material) -> Vec<Finding> {
    // A schema that was given has been told what the values are.
    let columns = 0..if material.given { 0 } else { material.names.len() };
    columns.filter_map(|column| judge(material, column)).collect()
}

fn judge(material: &Material, column: usize) -> Option<Finding> {
    let (name, profile) = (&material.names[column], &material.all.profiles[column]);
    let decision = &material.decisions[column];
    let formatted = &profile.formatted;
    let (distinct, _) = profile.values.distinct();
    let values = profile.filled() - profile.missing_word_count();
    let numbers = profile.numbers.moments.count + formatted.count;
    let is_word = matches!(decision.kind, AttributeType::Categorical | AttributeType::Text);
    let is_code = profile.numbers.first_leading_zero.is_some() || means_code(name);
    let is_clear = formatted.sure > 0 || distinct >= MANY;
    let others = values.saturating_sub(numbers) as f64;
    if !is_word
        || is_code
        || !is_clear
        || distinct < 2
        || formatted.count < FEW
        || others > OTHERS * values as f64
    {
        return None;
    }
    let place = formatted.places.first()?;
    let plain = formatted.plain(&place.value)?;
    let result = match (decision.role, decision.kind) {
        (Role::Id | Role::Excluded, _) => "so the column seems to name rows",
        (_, AttributeType::Text) => "so they are read as words",
        _ => "so each value is a category",
    };
    let message = format!(
        "{} of {values} values of column `{name}` are numbers written for people, such as `{}` on line {} for {plain}, {result}",
        formatted.count, place.value, place.line
    );
    let evidence = json!({
        "formatted": formatted.count, "numbers": profile.numbers.moments.count, "values": values,
        "examples": formatted.places.places(),
    });
    let weight = formatted.count as f64;
    Some(Finding::about(Code::FormattedNumbers, column, message, evidence).weighing(weight))
}
