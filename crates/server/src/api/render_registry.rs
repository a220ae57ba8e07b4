//! Rows of the registry as messages of the wire.

use modelyard_protocol::messages::model_versions::ModelVersion;
use modelyard_protocol::messages::registered_models::{Alias, RegisteredModel};
use modelyard_store as store;

use super::render::pairs;

pub(super) fn registered_model(row: store::RegisteredModel) -> RegisteredModel {
    let aliases = row.aliases.into_iter();
    RegisteredModel {
        name: row.name,
        creation_timestamp: row.created_ms,
        last_updated_timestamp: row.updated_ms,
        description: row.description,
        latest_versions: row.latest.into_iter().map(model_version).collect(),
        tags: pairs(row.tags),
        aliases: aliases
            .map(|(alias, version)| Alias { alias, version: version.to_string() })
            .collect(),
    }
}

pub(super) fn model_version(row: store::ModelVersion) -> ModelVersion {
    ModelVersion {
        name: row.name,
        version: row.version.to_string(),
        creation_timestamp: row.created_ms,
        last_updated_timestamp: row.updated_ms,
        user_id: row.user_id,
        current_stage: row.stage,
        description: row.description,
        source: row.source,
        run_id: row.run_id,
        status: row.status,
        status_message: row.status_message.filter(|message| !message.is_empty()),
        tags: pairs(row.tags),
        run_link: row.run_link,
        aliases: row.aliases,
    }
}
