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
];
