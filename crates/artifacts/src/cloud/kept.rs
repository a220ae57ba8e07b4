//! The digest that is kept beside a file in a bucket, so that nobody has to read the file for it.
//!
//! The store holds it together with the bytes of one version: whoever writes another one, by whatever way, leaves
//! none of the old. It is there only for files that came with a digest and were compared with it.

use object_store::{Attribute, Attributes};

use modelyard_protocol::digest::Digest;

/// Its name among the metadata of an object: letters and digits, because Azure takes no `-` and proxies drop headers
/// with `_`.
const NAME: &str = "modelyardsha256";

/// What is to be kept.
pub(super) fn attributes(digest: Option<Digest>) -> Attributes {
    let name = || Attribute::Metadata(NAME.into());
    digest.into_iter().map(|digest| (name(), digest.to_string())).collect()
}

/// What is kept.
pub(super) fn digest(attributes: &Attributes) -> Option<Digest> {
    Digest::parse(attributes.get(&Attribute::Metadata(NAME.into()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_again() {
        let abc = Digest::of(b"abc");
        assert_eq!(digest(&attributes(Some(abc))), Some(abc));
        assert_eq!(digest(&attributes(None)), None);
        let other = Attributes::from_iter([(Attribute::Metadata(NAME.into()), "not one")]);
        assert_eq!(digest(&other), None);
    }
}
