//! House-keeping of the built binary: collecting the trash, backups, restores, upgrades.

#![expect(clippy::disallowed_methods, reason = "tests start the program they test")]

mod backup_under_load;
mod backups;
mod buckets;
mod databases;
mod gc;
mod restores;
mod trash;
mod webhooks;
mod world;
