//! Endpoints of models for predictions in real time.

use serde::{Deserialize, Serialize};

/// A wish for predictions in real time, as Amazon ML has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// When it was asked for, microseconds UTC.
    pub created_at: i64,
    /// How far it is.
    pub status: EndpointStatus,
}

/// How far an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EndpointStatus {
    /// The model is being loaded.
    Updating,
    /// It answers.
    Ready,
    /// The model cannot be loaded.
    Failed,
}

impl EndpointStatus {
    /// The upper-case name used outside the program.
    pub fn as_str(self) -> &'static str {
        match self {
            EndpointStatus::Updating => "UPDATING",
            EndpointStatus::Ready => "READY",
            EndpointStatus::Failed => "FAILED",
        }
    }
}
