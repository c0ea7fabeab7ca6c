//! Tags of all kinds of objects.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::call::Call;
use super::error::Refusal;
use crate::domain::ids::EntityKind;
use crate::service::tags::Tag;

/// Tags in one request.
const MOST: usize = 100;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

pub(super) async fn add(call: &Call<'_>) -> Result<Value, Refusal> {
    let (kind, id) = named(call)?;
    let items = call.input.list("Tags", MOST)?;
    let tags = items.iter().map(tag).collect::<Result<Vec<Tag>, _>>()?;
    let mut seen = HashSet::new();
    if let Some((key, _)) = tags.iter().find(|(key, _)| !seen.insert(key)) {
        return Err(Refusal::tag(format!(
            "the key `{key}` is given twice; give it once"
        )));
    }
    call.service.tags_set(kind, &id, &tags).await?;
    Ok(answer(call))
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    let (kind, id) = named(call)?;
    let keys = call.input.list("TagKeys", MOST)?.iter().map(|key| {
        let key = key
            .as_str()
            .ok_or_else(|| Refusal::unreadable("`TagKeys` holds what is no string"))?;
        checked("a key", key, 1, LONGEST_KEY).map(|()| key.to_owned())
    });
    let keys = keys.collect::<Result<Vec<String>, _>>()?;
    call.service.tags_remove(kind, &id, &keys).await?;
    Ok(answer(call))
}

pub(super) async fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    let (kind, id) = named(call)?;
    let tags = call.service.tags_of(kind, &id).await?;
    let tags = tags
        .into_iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}));
    let mut answer = answer(call);
    answer["Tags"] = tags.collect();
    Ok(answer)
}

/// The same object that was asked about.
fn answer(call: &Call<'_>) -> Value {
    let members = call.input.members();
    json!({"ResourceId": members.get("ResourceId"), "ResourceType": members.get("ResourceType")})
}

fn named(call: &Call<'_>) -> Result<(EntityKind, String), Refusal> {
    let id = call.input.id("ResourceId")?;
    let kind = match call.input.required("ResourceType")?.as_str() {
        "DataSource" => EntityKind::DataSource,
        "MLModel" => EntityKind::Model,
        "Evaluation" => EntityKind::Evaluation,
        "BatchPrediction" => EntityKind::BatchPrediction,
        other => {
            return Err(Refusal::invalid(format!(
                "`ResourceType` is `{other}`; give BatchPrediction, DataSource, Evaluation or MLModel"
            )));
        }
    };
    Ok((kind, id))
}

fn tag(item: &Value) -> Result<Tag, Refusal> {
    let text = |member: &str| match item.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::unreadable(format!("`{member}` of a tag is no string"))),
    };
    let Some(key) = text("Key")? else {
        return Err(Refusal::tag("a tag has no `Key`"));
    };
    checked("a key", &key, 1, LONGEST_KEY)?;
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(Refusal::tag(format!(
            "the key `{key}` begins with `aws:`, which is reserved"
        )));
    }
    let value = text("Value")?.unwrap_or_default();
    checked("a value", &value, 0, LONGEST_VALUE)?;
    Ok((key, value))
}

fn checked(what: &str, text: &str, least: usize, most: usize) -> Result<(), Refusal> {
    let length = text.chars().count();
    if !(least..=most).contains(&length) {
        return Err(Refusal::tag(format!(
            "{what} of a tag has {length} characters; it may have {least} to {most}"
        )));
    }
    let is_known =
        |c: char| c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@%".contains(c);
    match text.chars().find(|c| !is_known(*c)) {
        Some(c) => Err(Refusal::tag(format!(
            "{what} of a tag has `{}`; use letters, digits, blanks and `_ . : / = + - @ %`",
            c.escape_debug()
        ))),
        None => Ok(()),
    }
}
