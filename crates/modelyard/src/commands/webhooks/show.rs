//! Webhooks and deliveries as tables, JSON and comma-separated values.

use std::io::{self, Write};

use serde::Serialize;

use crate::client::{Delivery, TestResult, Webhook};
use crate::commands::search::Found;
use crate::output::{Cell, Clock, Column, Fields, Table, Terminal, csv as lines, json, time};

/// A webhook in JSON.
#[derive(Serialize)]
pub(super) struct Json<'a> {
    webhook_id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    url: &'a str,
    events: Vec<String>,
    status: &'a str,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
}

impl<'a> From<&'a Webhook> for Json<'a> {
    fn from(webhook: &'a Webhook) -> Self {
        Self {
            webhook_id: &webhook.webhook_id,
            name: &webhook.name,
            description: webhook.description.as_deref(),
            url: &webhook.url,
            events: webhook.events(),
            status: &webhook.status,
            creation_timestamp: webhook.creation_timestamp,
            last_updated_timestamp: webhook.last_updated_timestamp,
        }
    }
}

#[derive(Serialize)]
struct JsonPage<'a> {
    webhooks: Vec<Json<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<&'a str>,
}

#[derive(Serialize)]
struct DeliveriesPage<'a> {
    deliveries: &'a [Delivery],
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<&'a str>,
}

/// The webhooks, with the token of the next page if there is one.
pub(super) fn json_page(out: &mut dyn Write, found: &Found<Webhook>) -> io::Result<()> {
    let webhooks = found.items.iter().map(Json::from).collect();
    json(out, &JsonPage { webhooks, next_page_token: found.next_page_token.as_deref() })
}

/// One line each.
pub(super) fn table(webhooks: &[Webhook], clock: &Clock) -> Table {
    let mut table = Table::new(vec![
        Column::whole("Webhook Id"),
        Column::text("Name"),
        Column::whole("Status"),
        Column::text("Events"),
        Column::text("URL"),
        Column::whole("Updated").droppable(),
    ]);
    for webhook in webhooks {
        table.push(vec![
            Cell::new(&webhook.webhook_id),
            Cell::new(&webhook.name),
            Cell::new(&webhook.status),
            Cell::new(webhook.events().join(", ")),
            Cell::new(&webhook.url),
            Cell::new(clock.time(webhook.last_updated_timestamp)),
        ]);
    }
    table
}

/// One line for each field.
pub(super) fn fields(
    out: &mut dyn Write,
    webhook: &Webhook,
    clock: &Clock,
    terminal: Terminal,
) -> io::Result<()> {
    let mut fields = Fields::default();
    fields.push("Webhook ID", &webhook.webhook_id);
    fields.push("Name", &webhook.name);
    fields.push("Description", webhook.description.as_deref().unwrap_or_default());
    fields.push("URL", &webhook.url);
    fields.push("Events", &webhook.events().join(", "));
    fields.push("Status", &webhook.status);
    fields.push("Creation Time", &clock.time_and_age(webhook.creation_timestamp));
    fields.push("Last Update Time", &clock.time_and_age(webhook.last_updated_timestamp));
    fields.write(out, terminal)
}

/// A header and one line each.
pub(super) fn csv(out: &mut dyn Write, webhooks: &[Webhook]) -> io::Result<()> {
    const TITLES: [&str; 8] = [
        "webhook_id",
        "name",
        "description",
        "url",
        "events",
        "status",
        "creation_timestamp",
        "last_updated_timestamp",
    ];
    lines::line(out, TITLES.map(str::to_owned))?;
    for webhook in webhooks {
        let values = [
            webhook.webhook_id.clone(),
            webhook.name.clone(),
            webhook.description.clone().unwrap_or_default(),
            webhook.url.clone(),
            webhook.events().join(" "),
            webhook.status.clone(),
            time::for_csv(webhook.creation_timestamp),
            time::for_csv(webhook.last_updated_timestamp),
        ];
        lines::line(out, values)?;
    }
    Ok(())
}

/// What a test found, one line for each field.
pub(super) fn result(
    out: &mut dyn Write,
    result: &TestResult,
    terminal: Terminal,
) -> io::Result<()> {
    let mut fields = Fields::default();
    fields.push("Success", if result.success { "yes" } else { "no" });
    if let Some(status) = result.response_status {
        fields.push("Response Status", &status.to_string());
    }
    if let Some(body) = &result.response_body {
        fields.push("Response Body", body);
    }
    if let Some(error) = &result.error_message {
        fields.push("Error", error);
    }
    fields.write(out, terminal)
}

/// The deliveries, with the token of the next page if there is one.
pub(super) fn deliveries_json(out: &mut dyn Write, found: &Found<Delivery>) -> io::Result<()> {
    let next_page_token = found.next_page_token.as_deref();
    json(out, &DeliveriesPage { deliveries: &found.items, next_page_token })
}

/// One line each.
pub(super) fn delivery_table(deliveries: &[Delivery], clock: &Clock) -> Table {
    let mut table = Table::new(vec![
        Column::whole("Delivery Id"),
        Column::text("Event"),
        Column::whole("State"),
        Column::number("Attempts"),
        Column::number("Status"),
        Column::text("Error"),
        Column::whole("Created").droppable(),
        Column::whole("Next Attempt").droppable(),
    ]);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    for delivery in deliveries {
        table.push(vec![
            Cell::new(&delivery.delivery_id),
            Cell::new(&delivery.event),
            Cell::new(&delivery.state),
            Cell::new(delivery.attempts.to_string()),
            Cell::new(or_dash(delivery.response_status.map(|status| status.to_string()))),
            Cell::new(or_dash(delivery.error_message.clone())),
            Cell::new(clock.time(delivery.creation_timestamp)),
            Cell::new(or_dash(delivery.next_attempt_timestamp.map(|at_ms| clock.time(at_ms)))),
        ]);
    }
    table
}

/// A header and one line each.
pub(super) fn deliveries_csv(out: &mut dyn Write, deliveries: &[Delivery]) -> io::Result<()> {
    const TITLES: [&str; 9] = [
        "delivery_id",
        "event",
        "state",
        "attempts",
        "response_status",
        "error_message",
        "creation_timestamp",
        "last_attempt_timestamp",
        "payload",
    ];
    lines::line(out, TITLES.map(str::to_owned))?;
    for delivery in deliveries {
        let values = [
            delivery.delivery_id.clone(),
            delivery.event.clone(),
            delivery.state.clone(),
            delivery.attempts.to_string(),
            delivery.response_status.map(|status| status.to_string()).unwrap_or_default(),
            delivery.error_message.clone().unwrap_or_default(),
            time::for_csv(delivery.creation_timestamp),
            delivery.last_attempt_timestamp.map(time::for_csv).unwrap_or_default(),
            delivery.payload.clone(),
        ];
        lines::line(out, values)?;
    }
    Ok(())
}
