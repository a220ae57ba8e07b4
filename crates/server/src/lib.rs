//! The HTTP interface: router, handlers, OpenAPI.
