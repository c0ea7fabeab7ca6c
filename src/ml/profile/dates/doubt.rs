//! Why a column that looks like one of dates is not taken for one, in words.

use super::Verdict;

impl Verdict {
    /// What keeps the values from being dates and how to mend it, if they look as if they were meant to be.
    pub fn doubt(&self) -> Option<String> {
        Some(match self {
            Verdict::Other | Verdict::Date { .. } => return None,
            Verdict::Unlikely {
                format,
                example: (line, value),
            } => format!(
                "every value is a date like `{value}` on line {line} (`{format}`), but under this name a year of two digits is not taken for one, so they are no dates here; give the column the dateFormat `{format}` in a schema"
            ),
            Verdict::Ambiguous {
                formats,
                example: (line, value),
            } => format!(
                "every value is a date, but no value tells which number is the day, as in `{value}` on line {line}, so they are no dates here; say it in a schema with the dateFormat {}",
                alternatives(formats)
            ),
            Verdict::Mixed {
                examples: [(line, value), (other_line, other)],
            } => format!(
                "every value is a date, but they are written in different ways, such as `{value}` on line {line} and `{other}` on line {other_line}, so they are no dates here; write all of them in one way"
            ),
            Verdict::Nearly {
                formats,
                count,
                of,
                first: (line, value),
            } => {
                let others = match of - count {
                    1 => format!("1 is not, on line {line} (`{value}`)"),
                    others => format!("{others} are not, the first on line {line} (`{value}`)"),
                };
                format!(
                    "{count} of {of} values are dates, {others}, so they are no dates here; mend what is none, or give the column the dateFormat {} in a schema to count it as missing",
                    alternatives(formats)
                )
            }
        })
    }
}

fn alternatives(formats: &[String]) -> String {
    let quoted: Vec<String> = formats.iter().map(|format| format!("`{format}`")).collect();
    quoted.join(" or ")
}
