//! What a webhook is told: MLflow's JSON, field by field.

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{WebhookAction, WebhookEntity, WebhookEvent};
use crate::names::{PROMPT_TAG, PROMPT_TEXT_TAG, PROMPT_TYPE_TAG};
use crate::wire::json_in_order;

/// What happened, in the fields of all events; each event takes those that MLflow gives it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Data<'a> {
    /// The registered model or prompt.
    pub name: &'a str,
    /// Its version.
    pub version: Option<i64>,
    /// The tag or alias.
    pub key: &'a str,
    /// The tag's value.
    pub value: &'a str,
    /// Where the version's files are.
    pub source: &'a str,
    /// The run that made the version.
    pub run_id: Option<&'a str>,
    /// What the new model or version is.
    pub description: Option<&'a str>,
    /// The tags of the new model or version.
    pub tags: &'a [(&'a str, &'a str)],
}

#[derive(Serialize)]
struct Payload<T> {
    entity: String,
    action: String,
    timestamp: String,
    data: T,
}

#[derive(Serialize)]
struct NewModel<'a> {
    name: &'a str,
    tags: Tags<'a>,
    /// Empty, not null, when there is none: MLflow hands the request's field on.
    description: &'a str,
}

#[derive(Serialize)]
struct NewModelVersion<'a> {
    name: &'a str,
    version: String,
    source: &'a str,
    run_id: Option<&'a str>,
    tags: Tags<'a>,
    description: Option<&'a str>,
}

#[derive(Serialize)]
struct NewPromptVersion<'a> {
    name: &'a str,
    version: String,
    template: Option<&'a str>,
    tags: Tags<'a>,
    description: Option<&'a str>,
}

#[derive(Serialize)]
struct Tag<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
}

#[derive(Serialize)]
struct Alias<'a> {
    name: &'a str,
    alias: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

#[derive(Serialize)]
struct Budget {
    budget_policy_id: &'static str,
    budget_unit: &'static str,
    budget_amount: f64,
    current_spend: f64,
    duration_unit: &'static str,
    duration_value: i64,
    target_scope: &'static str,
    workspace: &'static str,
    target_value: &'static str,
    window_start: i64,
}

/// Tags as an object, in their order, without some keys.
struct Tags<'a> {
    all: &'a [(&'a str, &'a str)],
    but: &'static [&'static str],
}

impl Serialize for Tags<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.all.iter().filter(|(key, _)| !self.but.contains(key)) {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// The body of a delivery: `json.dumps` of MLflow's message.
pub fn payload(event: WebhookEvent, data: &Data<'_>, at_ms: i64) -> String {
    use WebhookEntity as Entity;
    let Data { name, key, .. } = *data;
    let version = || data.version.unwrap_or_default().to_string();
    let is_deleted = event.action == WebhookAction::Deleted;
    let tags = |but| Tags { all: data.tags, but };
    let some_description = data.description.filter(|text| !text.is_empty());
    match event.entity {
        Entity::RegisteredModel | Entity::Prompt => {
            let but: &[_] = match event.entity {
                Entity::Prompt => &[PROMPT_TAG, PROMPT_TYPE_TAG],
                _ => &[],
            };
            let description = data.description.unwrap_or_default();
            text(event, at_ms, NewModel { name, tags: tags(but), description })
        }
        Entity::ModelVersion => {
            let (source, run_id) = (data.source, data.run_id.filter(|run| !run.is_empty()));
            let (version, tags, description) = (version(), tags(&[]), some_description);
            text(event, at_ms, NewModelVersion { name, version, source, run_id, tags, description })
        }
        Entity::PromptVersion => {
            let template = data.tags.iter().find(|(key, _)| *key == PROMPT_TEXT_TAG);
            let new = NewPromptVersion {
                name,
                version: version(),
                template: template.map(|(_, text)| *text),
                tags: tags(&[PROMPT_TEXT_TAG, PROMPT_TAG, PROMPT_TYPE_TAG]),
                description: some_description,
            };
            text(event, at_ms, new)
        }
        Entity::ModelVersionTag | Entity::PromptTag | Entity::PromptVersionTag => {
            let version = (event.entity != Entity::PromptTag).then(version);
            let value = (!is_deleted).then_some(data.value);
            text(event, at_ms, Tag { name, version, key, value })
        }
        Entity::ModelVersionAlias | Entity::PromptAlias => {
            let version = (!is_deleted).then(version);
            text(event, at_ms, Alias { name, alias: key, version })
        }
        Entity::BudgetPolicy | Entity::Unspecified => text(event, at_ms, BUDGET),
    }
}

/// MLflow's example of a budget's end: the only one there ever is here.
const BUDGET: Budget = Budget {
    budget_policy_id: "bp-abc123",
    budget_unit: "USD",
    budget_amount: 100.0,
    current_spend: 105.5,
    duration_unit: "MONTHS",
    duration_value: 1,
    target_scope: "ENDPOINT",
    workspace: "default",
    target_value: "ep-abc123",
    window_start: 1_704_067_200_000,
};

fn text<T: Serialize>(event: WebhookEvent, at_ms: i64, data: T) -> String {
    let (entity, action) = (event.entity.word(), event.action.word());
    json_in_order(&Payload { entity, action, timestamp: iso(at_ms), data })
}

/// Python's `isoformat()` of a time in UTC.
fn iso(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or_default();
    let fraction = if ms % 1000 == 0 { "" } else { ".%6f" };
    time.strftime(&format!("%Y-%m-%dT%H:%M:%S{fraction}+00:00")).to_string()
}

/// The body of a test: MLflow's example of the event.
pub fn example(event: WebhookEvent, at_ms: i64) -> String {
    use WebhookEntity as Entity;
    let is_prompt = matches!(
        event.entity,
        Entity::Prompt
            | Entity::PromptVersion
            | Entity::PromptTag
            | Entity::PromptVersionTag
            | Entity::PromptAlias
    );
    let description = match event.entity {
        Entity::Prompt => "An example prompt",
        Entity::PromptVersion => "An example prompt version",
        Entity::ModelVersion => "An example model version",
        _ => "An example registered model",
    };
    let is_alias = matches!(event.entity, Entity::ModelVersionAlias | Entity::PromptAlias);
    let template = (PROMPT_TEXT_TAG, "Hello {{name}}!");
    let example = ("example_key", "example_value");
    let tags = [template, example];
    let data = Data {
        name: if is_prompt { "example_prompt" } else { "example_model" },
        version: Some(1),
        key: if is_alias { "example_alias" } else { "example_key" },
        value: "example_value",
        source: "models:/123",
        run_id: Some("abcd1234abcd5678"),
        description: Some(description),
        tags: if event.entity == Entity::PromptVersion { &tags } else { &tags[1..] },
    };
    payload(event, &data, at_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str) -> WebhookEvent {
        WebhookEvent::from_name(name).expect("an event")
    }

    #[test]
    fn a_body_is_what_python_would_write() {
        let data = Data {
            name: "é",
            version: Some(3),
            source: "s3://b/x",
            tags: &[("b", "1"), ("a", "\n")],
            ..Data::default()
        };
        assert_eq!(
            payload(event("model_version.created"), &data, 1_700_000_000_000),
            r#"{"entity": "model_version", "action": "created", "timestamp": "2023-11-14T22:13:20+00:00", "data": {"name": "\u00e9", "version": "3", "source": "s3://b/x", "run_id": null, "tags": {"b": "1", "a": "\n"}, "description": null}}"#
        );
        assert_eq!(iso(1_700_000_000_007), "2023-11-14T22:13:20.007000+00:00");
    }

    #[test]
    fn prompts_hide_the_tags_that_make_them_prompts() {
        let tags = [(PROMPT_TAG, "true"), (PROMPT_TEXT_TAG, "Hi"), ("t", "v")];
        let data = Data { name: "p", version: Some(1), tags: &tags, ..Data::default() };
        let body = payload(event("prompt_version.created"), &data, 0);
        let expected = r#""data": {"name": "p", "version": "1", "template": "Hi", "tags": {"t": "v"}, "description": null}}"#;
        assert!(body.ends_with(expected), "{body}");
        let body = payload(event("prompt_alias.deleted"), &Data { key: "k", ..data }, 0);
        assert!(body.ends_with(r#""data": {"name": "p", "alias": "k"}}"#), "{body}");
        let body = payload(event("prompt_tag.set"), &Data { key: "k", value: "v", ..data }, 0);
        assert!(body.ends_with(r#""data": {"name": "p", "key": "k", "value": "v"}}"#), "{body}");
    }
}
