//! The steps of the schema.

use modelyard_database::Migration;

/// Every step since the first release, oldest first.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "tracking",
        schema: include_str!("migrations/0001_tracking.sql"),
    },
    Migration {
        version: 2,
        name: "registry",
        schema: include_str!("migrations/0002_registry.sql"),
    },
    Migration {
        version: 3,
        name: "webhooks",
        schema: include_str!("migrations/0003_webhooks.sql"),
    },
    Migration {
        version: 4,
        name: "places of model versions",
        schema: include_str!("migrations/0004_version_places.sql"),
    },
];

/// The version of the schema that this program makes.
pub fn newest_version() -> i64 {
    MIGRATIONS.last().map_or(0, |last| last.version)
}
