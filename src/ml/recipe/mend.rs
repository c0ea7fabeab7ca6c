//! What to do about an argument of the wrong type.

use super::ast::Expr;
use super::error::{counted, shown};
use super::function::Function;
use super::kind::{Kind, bare_attribute};
use super::print::term_expression;
use super::term::{Term, Tokens};
use crate::ml::schema::Schema;

/// Says that `function` cannot take `term`, which `argument` stands for together with `others` that it cannot
/// take either, and how to mend it.
pub(super) fn unfit(
    function: Function,
    term: &Term,
    others: usize,
    argument: &Expr,
    schema: &Schema,
) -> String {
    let name = function.as_str();
    let needs = match function {
        Function::Lowercase => "TEXT or CATEGORICAL",
        Function::Ngram | Function::Osb | Function::NoPunct | Function::SplitPunct => "TEXT",
        Function::Normalize | Function::QuantileBin => "NUMERIC",
        Function::Cartesian => "CATEGORICAL, TEXT or BINARY",
        Function::Group | Function::GroupRemove | Function::Part(_) | Function::Timestamp => {
            "an attribute that holds dates"
        }
    };
    let expression = term_expression(term, schema);
    let what = match (needs, bare_attribute(term, schema)) {
        ("an attribute that holds dates", Some(_)) => "has no `dateFormat`".to_string(),
        ("an attribute that holds dates", None) => "is no attribute as it is".to_string(),
        _ => format!("is {}", Kind::of(term).as_str()),
    };
    let of_group = if argument.to_string() == expression {
        String::new()
    } else {
        let others = match others {
            0 => String::new(),
            _ => format!(" and {} like it", counted(others, "other")),
        };
        format!(" in `{}`{others}", shown(&argument.to_string()))
    };
    let mend = mend(function, term, &shown(&expression), schema);
    format!(
        "{name} needs {needs}, and `{}`{of_group} {what}; {mend}",
        shown(&expression)
    )
}

fn mend(function: Function, term: &Term, expression: &str, schema: &Schema) -> String {
    let name = function.as_str();
    let is_date = term
        .attributes()
        .iter()
        .any(|&index| schema.attributes[index].date_format.is_some());
    match (function, Kind::of(term)) {
        (Function::Part(_) | Function::Timestamp, _) => match bare_attribute(term, schema) {
            Some(_) => {
                "say in the schema how its dates are written, for example \"dateFormat\": \"%Y-%m-%d\"".into()
            }
            None => format!("apply {name} to the date attribute itself"),
        },
        (Function::Cartesian, _) => format!("bin it first: quantile_bin({expression}, 10)"),
        (Function::Normalize | Function::QuantileBin, _) if is_date => {
            "take timestamp of the date first".into()
        }
        (Function::Normalize | Function::QuantileBin, kind) => match (kind, term) {
            (Kind::Binary, _) => "it is a feature 0 or 1 already, list it as it is".into(),
            (_, Term::Tokens(Tokens::Bin { .. })) => format!("apply {name} to the number itself"),
            (Kind::Tokens, _) => "tokens have no size".into(),
            _ => "declare it NUMERIC in the schema if it holds numbers".into(),
        },
        (_, Kind::Tokens) => format!("apply {name} to the TEXT attribute first, then make tokens of it"),
        (_, Kind::Numeric | Kind::Binary) => "declare it TEXT in the schema if it holds words".into(),
        (_, _) if bare_attribute(term, schema).is_none() && !is_level(term) => "it has no words".into(),
        _ => "declare it TEXT in the schema".into(),
    }
}

fn is_level(term: &Term) -> bool {
    matches!(term, Term::Tokens(Tokens::Level { .. }))
}
