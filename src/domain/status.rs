//! The five states of an entity and the one function that allows or refuses a change.

use serde::{Deserialize, Serialize};

/// How far an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Accepted; waiting for a worker or for what it depends on.
    Pending,
    /// A worker has begun.
    InProgress,
    /// Usable.
    Completed,
    /// Did not finish; the reason is in `error`.
    Failed,
    /// Marked deleted; cannot be used and does not come back.
    Deleted,
}

impl Status {
    /// Every status, in the order of life.
    pub const ALL: [Status; 5] = [
        Status::Pending,
        Status::InProgress,
        Status::Completed,
        Status::Failed,
        Status::Deleted,
    ];

    /// The upper-case name used everywhere outside the program.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "PENDING",
            Status::InProgress => "INPROGRESS",
            Status::Completed => "COMPLETED",
            Status::Failed => "FAILED",
            Status::Deleted => "DELETED",
        }
    }

    /// True when no work will change it any more.
    pub fn is_final(self) -> bool {
        match self {
            Status::Pending | Status::InProgress => false,
            Status::Completed | Status::Failed | Status::Deleted => true,
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Status::ALL
            .into_iter()
            .find(|s| s.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            format!("unknown status `{text}`; use PENDING, INPROGRESS, COMPLETED, FAILED or DELETED")
        })
    }
}

/// A change of status that the lifecycle does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot go from {from} to {to}")]
pub struct IllegalTransition {
    /// The status it has.
    pub from: Status,
    /// The status that was asked for.
    pub to: Status,
}

/// Allows or refuses the change `from` → `to`. INPROGRESS to itself is a second attempt.
pub fn transition(from: Status, to: Status) -> Result<Status, IllegalTransition> {
    let allowed = match (from, to) {
        (Status::Pending, Status::InProgress | Status::Failed) => true,
        (Status::InProgress, Status::InProgress | Status::Completed | Status::Failed) => true,
        (Status::Pending | Status::InProgress | Status::Completed | Status::Failed, Status::Deleted) => true,
        (Status::Pending, Status::Pending | Status::Completed) => false,
        (Status::InProgress, Status::Pending) => false,
        (Status::Completed | Status::Failed, _) => false,
        (Status::Deleted, _) => false,
    };
    if allowed {
        Ok(to)
    } else {
        Err(IllegalTransition { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lifecycle_is_the_picture_in_the_module_doc() {
        use Status::{Completed, Deleted, Failed, InProgress, Pending};
        let allowed = [
            (Pending, InProgress),
            (Pending, Failed),
            (InProgress, InProgress),
            (InProgress, Completed),
            (InProgress, Failed),
            (Pending, Deleted),
            (InProgress, Deleted),
            (Completed, Deleted),
            (Failed, Deleted),
        ];
        for from in Status::ALL {
            for to in Status::ALL {
                assert_eq!(
                    transition(from, to).is_ok(),
                    allowed.contains(&(from, to)),
                    "{from} to {to}"
                );
            }
        }
    }

    #[test]
    fn names_round_trip_and_agree_with_serde() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert!("READY".parse::<Status>().is_err());
    }
}
