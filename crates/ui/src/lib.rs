//! The built web assets as bytes.
//!
//! What `npm run build` left in `ui-src/dist` when this crate was compiled; without it, a plain page
//! that says how to get there.

mod content_type;

pub use content_type::content_type;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file of the web UI.
#[derive(Debug)]
pub struct Asset {
    /// Its path, without a leading `/`.
    pub path: &'static str,
    /// An entity tag, with its quotes: the same as long as the content is.
    pub etag: &'static str,
    /// Whether the name holds a hash of the content, so that the content never changes.
    pub is_hashed: bool,
    /// The content.
    pub body: &'static [u8],
    /// The content compressed with Brotli, if the build made it.
    pub brotli: Option<&'static [u8]>,
    /// The content compressed with gzip, if the build made it.
    pub gzip: Option<&'static [u8]>,
}

/// The start page as the build left it.
const INDEX: &str = "index.html";
/// What stands in the start page for the path under which everything is served.
const BASE: &str = r#"<base href="/" />"#;
/// The page of a binary without the web UI.
const PLAIN: &str = include_str!("plain.html");

/// Whether the web UI was there when this crate was compiled.
pub fn is_built() -> bool {
    find(INDEX).is_some()
}

/// The file at `path` (without a leading `/`), if there is one.
pub fn find(path: &str) -> Option<&'static Asset> {
    let at = ASSETS.binary_search_by(|asset| asset.path.cmp(path)).ok()?;
    ASSETS.get(at)
}

/// The start page for a server under `prefix` (empty, or beginning with `/` and not ending with it).
/// The prefix must need no escaping in HTML.
pub fn index(prefix: &str) -> String {
    let page = find(INDEX).map_or(PLAIN.into(), |asset| String::from_utf8_lossy(asset.body));
    page.replacen(BASE, &format!(r#"<base href="{prefix}/" />"#), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_page_carries_the_prefix() {
        assert!(index("").contains(BASE));
        assert!(index("/mlflow").contains(r#"<base href="/mlflow/" />"#));
        assert!(!index("/mlflow").contains(BASE));
    }

    #[test]
    fn every_file_is_found_and_nothing_else() {
        for asset in ASSETS {
            assert_eq!(find(asset.path).expect("listed").etag, asset.etag);
            assert!(!asset.path.ends_with(".br") && !asset.path.ends_with(".gz"), "{}", asset.path);
        }
        for path in ["", "/", "index", "../Cargo.toml", "assets/", ".built"] {
            assert!(find(path).is_none(), "{path}");
        }
    }
}
