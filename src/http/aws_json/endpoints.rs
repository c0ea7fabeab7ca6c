//! Real-time endpoints: a property of a model.

use serde_json::{Value, json};

use super::call::Call;
use super::error::Refusal;
use super::output::{Output, seconds};
use crate::domain::entity::Entity;
use crate::domain::spec::EndpointStatus;
use crate::domain::status::Status;

const ID: &str = "MLModelId";

/// Requests in a second that an endpoint had there. Nothing is refused here for coming faster.
const PEAK: u32 = 200;

pub(super) async fn create(call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.input.id(ID)?;
    let model = call.service.endpoint_create(&id).await?;
    Ok(answer(&model, &call.endpoint))
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.input.id(ID)?;
    let model = call.service.endpoint_delete(&id).await?;
    Ok(answer(&model, &call.endpoint))
}

fn answer(model: &Entity, base: &str) -> Value {
    json!({ID: model.id, "RealtimeEndpointInfo": info(model, base)})
}

/// What is told of the endpoint of a model. Programs take the address for a sign that it answers, so that it comes
/// with READY only.
pub(super) fn info(model: &Entity, base: &str) -> Value {
    let mut output = Output::default();
    match model.body.endpoint().filter(|_| model.status != Status::Deleted) {
        None => output
            .put("PeakRequestsPerSecond", 0)
            .put("EndpointStatus", "NONE"),
        Some(endpoint) => output
            .put("PeakRequestsPerSecond", PEAK)
            .put("CreatedAt", seconds(endpoint.created_at))
            .put("EndpointStatus", endpoint.status.as_str())
            .put(
                "EndpointUrl",
                (endpoint.status == EndpointStatus::Ready).then_some(base),
            ),
    };
    output.whole()
}
