//! Who makes a request, and what a route demands of them.

use modelyard_protocol::{Error, ErrorCode};

/// What a route demands, from least to most. Every route declares one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Permission {
    /// Answered to everybody, also to callers who gave no credentials: liveness, version, the UI's
    /// own files.
    Public,
    /// Reads what users stored.
    Read,
    /// Creates or changes runs, metrics, artifacts and their like.
    Edit,
    /// Deletes, restores or re-configures what others work in.
    Manage,
    /// Concerns the whole server.
    Admin,
}

/// The person or program behind a request.
///
/// There are no accounts: every caller is anonymous and holds every right, as with a stock MLflow
/// server. What keeps strangers out is the address the server listens on.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    rights: Permission,
}

impl Caller {
    /// The caller of a server without accounts.
    pub(crate) const fn anonymous() -> Self {
        Self { rights: Permission::Admin }
    }

    /// Checks the caller against what a route declares.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` if the caller's rights are below `needed`.
    pub(crate) fn require(&self, needed: Permission) -> Result<(), Error> {
        if self.rights >= needed {
            return Ok(());
        }
        let message = format!("This needs the permission {needed:?}; you have {:?}.", self.rights);
        Err(Error::new(ErrorCode::PermissionDenied, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_ordered() {
        let reader = Caller { rights: Permission::Read };
        assert!(reader.require(Permission::Public).is_ok());
        assert!(reader.require(Permission::Read).is_ok());
        let denied = reader.require(Permission::Edit).expect_err("a reader may not edit");
        assert_eq!(denied.code, ErrorCode::PermissionDenied);
    }
}
