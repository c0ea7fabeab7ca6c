//! What all resources have in common in answers.

use serde::Serialize;
use serde_json::{Map, Value};

use super::hints;
use crate::domain::entity::Entity;
use crate::domain::status::Status;

/// The longest message, in characters.
const LONGEST: usize = 10_240;

/// What users are called before their name. Accounts there are none.
const USER: &str = "arn:aws:iam::000000000000:user/";
const ROOT: &str = "arn:aws:iam::000000000000:root";

/// The members of an answer; those without a value are left out.
#[derive(Debug, Default)]
pub struct Output(Map<String, Value>);

impl Output {
    /// Adds a member.
    pub fn put(&mut self, member: &str, value: impl Serialize) -> &mut Self {
        match serde_json::to_value(value) {
            Ok(Value::Null) | Err(_) => {}
            Ok(value) => {
                self.0.insert(member.to_owned(), value);
            }
        }
        self
    }

    /// All members.
    pub fn whole(self) -> Value {
        Value::Object(self.0)
    }
}

/// What is told of every entity, `id` being what its identifier is called. The time of computing is left out where it
/// is not `computed`.
pub fn common(entity: &Entity, id: &str, computed: bool) -> Output {
    let mut output = Output::default();
    output
        .put(id, &entity.id)
        .put("Name", &entity.name)
        .put("Status", entity.status.as_str())
        .put("CreatedByIamUser", user(&entity.owner))
        .put("CreatedAt", seconds(entity.created_at))
        .put("LastUpdatedAt", seconds(entity.updated_at))
        .put("StartedAt", entity.started_at.map(seconds))
        .put("FinishedAt", entity.finished_at.map(seconds))
        .put("Message", message(entity));
    if entity.status == Status::Completed && computed {
        output.put("ComputeTime", entity.work_micros().map(|micros| micros / 1000));
    }
    output
}

fn message(entity: &Entity) -> Option<String> {
    let text = match &entity.error {
        Some(problem) => hints::joined(
            &problem.message,
            problem.hint.as_deref().or_else(|| hints::of(&problem.code)),
        ),
        None => entity.message.clone()?,
    };
    Some(text.chars().take(LONGEST).collect())
}

/// Microseconds as seconds, with milliseconds as a fraction.
pub fn seconds(micros: i64) -> f64 {
    (micros.div_euclid(1000)) as f64 / 1000.0
}

/// The name of a user as the ARN that clients expect.
pub fn user(owner: &str) -> String {
    match owner {
        "" => ROOT.to_owned(),
        owner => format!("{USER}{owner}"),
    }
}

/// The name of the user in an ARN, whatever the account, or the text itself.
pub fn owner(user: &str) -> &str {
    let Some((account, who)) = user
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(':'))
    else {
        return user;
    };
    if !account.bytes().all(|b| b.is_ascii_digit()) {
        return user;
    }
    match who {
        "root" => "",
        who => who.strip_prefix("user/").unwrap_or(user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_with_milliseconds() {
        for (micros, text) in [
            (1_494_706_299_462_999, "1494706299.462"),
            (1_500_000_000_000_000, "1500000000.0"),
        ] {
            assert_eq!(serde_json::to_string(&seconds(micros)).unwrap(), text);
        }
    }

    #[test]
    fn users_have_names_there_and_back() {
        for name in ["", "ana", "a/b"] {
            assert_eq!(owner(&user(name)), name);
        }
        assert_eq!(owner("arn:aws:iam::111122223333:user/ana"), "ana");
        assert_eq!(owner("arn:aws:iam::x:user/ana"), "arn:aws:iam::x:user/ana");
        assert_eq!(owner("ana"), "ana");
    }
}
