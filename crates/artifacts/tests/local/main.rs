//! What concerns folders of this machine only: links, special files, permissions, crashes.

mod crashes;
mod fixture;
mod links;
mod parts;
mod traces;
