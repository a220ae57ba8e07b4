//! What went wrong in a store, told apart by who can do something about it.

use super::CloudRepository;
use crate::error::Error;
use crate::path::ArtifactPath;

/// What a store did instead of what it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It cannot be reached, or failed again and again.
    #[error("cannot be reached or fails; nothing was changed as far as it said. Try again later")]
    Unavailable,
    /// It does not know the credentials.
    #[error("does not accept this server's credentials")]
    Unauthenticated,
    /// The credentials are known but do not suffice.
    #[error("does not give this server's credentials the right to do this")]
    Denied,
    /// There is no such bucket.
    #[error("does not exist: there is no bucket or container of that name")]
    NoBucket,
}

impl CloudRepository {
    pub(super) fn fault(&self, action: &'static str, fault: Fault) -> Error {
        Error::Store { store: self.to_string(), fault, action, source: None }
    }

    /// A store that says nothing for too long.
    pub(super) fn silent(&self, action: &'static str) -> Error {
        self.fault(action, Fault::Unavailable)
    }

    /// Interprets a failure that has nothing to do with the path a client named.
    pub(super) fn failed(
        &self,
        action: &'static str,
    ) -> impl FnOnce(object_store::Error) -> Error + use<> {
        let store = self.to_string();
        move |error| {
            let source = Some(without_queries(&chain(&error)).into());
            Error::Store { store, fault: fault_of(&error), action, source }
        }
    }

    /// As [`failed`](Self::failed), but what is missing is the file.
    pub(super) fn failed_at(
        &self,
        path: &ArtifactPath,
        action: &'static str,
    ) -> impl FnOnce(object_store::Error) -> Error + use<> {
        let (failed, path) = (self.failed(action), path.clone());
        move |error| match &error {
            object_store::Error::NotFound { .. } if fault_of(&error) != Fault::NoBucket => {
                Error::NotFound(path)
            }
            object_store::Error::Precondition { .. } => Error::Changed(path),
            _ => failed(error),
        }
    }
}

/// What stores call credentials that they do not know.
const UNKNOWN: [&str; 4] =
    ["InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthenticationFailed"];
/// What they call a bucket that is not there.
const NO_BUCKET: [&str; 3] = ["NoSuchBucket", "ContainerNotFound", "bucket does not exist"];

/// The client tells some requests' failures apart by kind and leaves others, such as those of
/// listings, as they came; so the store's own words count as well.
fn fault_of(error: &object_store::Error) -> Fault {
    let text = chain(error);
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match error {
        _ if says(&NO_BUCKET) => Fault::NoBucket,
        object_store::Error::Unauthenticated { .. } => Fault::Unauthenticated,
        _ if says(&UNKNOWN) => Fault::Unauthenticated,
        object_store::Error::PermissionDenied { .. } => Fault::Denied,
        _ if says(&["AccessDenied", "403 Forbidden"]) => Fault::Denied,
        _ => Fault::Unavailable,
    }
}

/// The text of an error and of its causes, each once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// The text without the queries of the URLs in it: some stores are asked with a signature there.
fn without_queries(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("http") {
        let (before, url) = rest.split_at(at);
        kept.push_str(before);
        let end = url.find(|c: char| c.is_whitespace() || ")\"'<>".contains(c));
        let (url, after) = url.split_at(end.unwrap_or(url.len()));
        kept.push_str(url.split('?').next().unwrap_or_default());
        rest = after;
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_apart_however_they_come() {
        let generic =
            |text: &str| object_store::Error::Generic { store: "S3", source: text.into() };
        for (text, fault) in [
            ("404 Not Found: <Code>NoSuchBucket</Code>", Fault::NoBucket),
            ("403 Forbidden: <Code>InvalidAccessKeyId</Code>", Fault::Unauthenticated),
            ("403 Forbidden: <Code>AccessDenied</Code>", Fault::Denied),
            ("503 Service Unavailable", Fault::Unavailable),
        ] {
            assert_eq!(fault_of(&generic(text)), fault, "{text}");
        }
    }

    #[test]
    fn signatures_do_not_get_into_messages() {
        let text = "error for url (https://a.example/c?sv=1&sig=secret): refused";
        assert_eq!(without_queries(text), "error for url (https://a.example/c): refused");
        assert_eq!(without_queries("http://x?a=b http://y?c"), "http://x http://y");
        assert_eq!(without_queries("nothing?"), "nothing?");
    }
}
