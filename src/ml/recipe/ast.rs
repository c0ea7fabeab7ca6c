//! The parts of a recipe as plain data, and how they are printed.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A recipe as it is written: three sections of expressions in text form.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Names for lists of attributes.
    #[serde(default)]
    pub groups: Map<String, Value>,
    /// Names for intermediate results.
    #[serde(default)]
    pub assignments: Map<String, Value>,
    /// What is learned from.
    pub outputs: Vec<String>,
    /// A section of old recipes; ignored.
    #[serde(default, skip_serializing)]
    pub dependencies: Value,
}

/// One expression of a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// An attribute, a group or an assignment.
    Name(String),
    /// A whole number, as a parameter.
    Integer(u32),
    /// A function of other expressions.
    Call {
        /// The function's name.
        function: String,
        /// Its arguments.
        arguments: Vec<Expr>,
    },
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Name(name) => f.write_str(&quoted(name)),
            Expr::Integer(value) => write!(f, "{value}"),
            Expr::Call { function, arguments } => {
                let arguments: Vec<String> = arguments.iter().map(Expr::to_string).collect();
                write!(f, "{function}({})", arguments.join(", "))
            }
        }
    }
}

/// A name as it must be written in an expression: quoted unless it starts with a letter and holds none
/// of the characters that mean something.
pub fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_alphabetic())
        && !name.contains([',', '\'', '"', '\t', '\r', '\n', '(', ')', '\\', ' '])
        && !name.contains("//");
    if plain {
        name.to_string()
    } else if name.contains('\'') {
        format!("\"{name}\"")
    } else {
        format!("'{name}'")
    }
}
