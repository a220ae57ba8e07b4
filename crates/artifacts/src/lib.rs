//! Artifact URIs, paths and repositories.
