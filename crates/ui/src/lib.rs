//! The built web assets as bytes.
