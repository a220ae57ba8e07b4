//! The media type of an artifact, from its name.

/// Extensions, and two bare names, that MLflow serves as plain text so that its UI can show them.
const TEXT: [&str; 26] = [
    "txt",
    "log",
    "err",
    "cfg",
    "conf",
    "cnf",
    "cf",
    "ini",
    "properties",
    "prop",
    "hocon",
    "toml",
    "yaml",
    "yml",
    "xml",
    "json",
    "js",
    "py",
    "py3",
    "csv",
    "tsv",
    "md",
    "rst",
    "ipynb",
    "MLmodel",
    "MLproject",
];

/// Endings that name a compression: the type is that of what is inside.
const COMPRESSIONS: [&str; 5] = ["gz", "Z", "bz2", "xz", "br"];

/// Registered types by lower-case extension, sorted.
#[rustfmt::skip]
const TYPES: &[(&str, &str)] = &[
    ("7z", "application/x-7z-compressed"), ("aac", "audio/aac"), ("ai", "application/postscript"),
    ("arrow", "application/vnd.apache.arrow.file"), ("avi", "video/x-msvideo"),
    ("avif", "image/avif"), ("bib", "text/x-bibtex"), ("bin", "application/octet-stream"),
    ("bmp", "image/bmp"), ("c", "text/x-csrc"), ("cpp", "text/x-c++src"), ("css", "text/css"),
    ("csv", "text/csv"), ("dcm", "application/dicom"), ("deb", "application/vnd.debian.binary-package"),
    ("diff", "text/x-diff"), ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("dot", "text/vnd.graphviz"), ("eml", "message/rfc822"), ("eps", "application/postscript"),
    ("epub", "application/epub+zip"), ("flac", "audio/flac"), ("geojson", "application/geo+json"),
    ("gif", "image/gif"), ("h", "text/x-chdr"), ("h5", "application/x-hdf5"), ("heic", "image/heic"),
    ("heif", "image/heif"), ("hpp", "text/x-c++hdr"), ("htm", "text/html"), ("html", "text/html"),
    ("ico", "image/vnd.microsoft.icon"), ("ics", "text/calendar"),
    ("jar", "application/java-archive"), ("java", "text/x-java"), ("jp2", "image/jp2"),
    ("jpe", "image/jpeg"), ("jpeg", "image/jpeg"), ("jpg", "image/jpeg"), ("js", "text/javascript"),
    ("json", "application/json"), ("jxl", "image/jxl"), ("kml", "application/vnd.google-earth.kml+xml"),
    ("kmz", "application/vnd.google-earth.kmz"), ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4a", "audio/mp4"), ("md", "text/markdown"), ("mjs", "text/javascript"),
    ("mkv", "video/x-matroska"), ("mov", "video/quicktime"), ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"), ("mpeg", "video/mpeg"), ("mpg", "video/mpeg"),
    ("nc", "application/x-netcdf"), ("nq", "application/n-quads"), ("nt", "application/n-triples"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odt", "application/vnd.oasis.opendocument.text"), ("oga", "audio/ogg"), ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"), ("opus", "audio/ogg"), ("otf", "font/otf"), ("patch", "text/x-diff"),
    ("pbm", "image/x-portable-bitmap"), ("pdf", "application/pdf"),
    ("pgm", "image/x-portable-graymap"), ("png", "image/png"), ("pnm", "image/x-portable-anymap"),
    ("ppm", "image/x-portable-pixmap"), ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("ps", "application/postscript"), ("psd", "image/vnd.adobe.photoshop"), ("py", "text/x-python"),
    ("pyc", "application/x-python-code"), ("rar", "application/vnd.rar"),
    ("rdf", "application/rdf+xml"), ("rtf", "application/rtf"), ("sh", "text/x-sh"),
    ("so", "application/octet-stream"), ("sql", "application/sql"),
    ("sqlite", "application/vnd.sqlite3"), ("srt", "text/plain"), ("svg", "image/svg+xml"),
    ("swf", "application/vnd.adobe.flash.movie"), ("tar", "application/x-tar"),
    ("tex", "text/x-tex"), ("tif", "image/tiff"), ("tiff", "image/tiff"),
    ("tsv", "text/tab-separated-values"), ("ttf", "font/ttf"), ("ttl", "text/turtle"),
    ("txt", "text/plain"), ("vcf", "text/vcard"), ("vtt", "text/vtt"), ("wasm", "application/wasm"),
    ("wav", "audio/x-wav"), ("webm", "video/webm"),
    ("webmanifest", "application/manifest+json"), ("webp", "image/webp"), ("woff", "font/woff"),
    ("woff2", "font/woff2"), ("xhtml", "application/xhtml+xml"), ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml", "application/xml"), ("xsl", "application/xslt+xml"), ("zip", "application/zip"),
];

/// What is unknown is bytes.
const BYTES: &str = "application/octet-stream";

/// The media type for a file of this name, as MLflow 3.17.2 chooses it: plain text for what its UI
/// shows as text, else the registered type of the extension. Artifacts are user content, so
/// whoever serves them must also forbid browsers to guess otherwise and to show them in place.
pub fn content_type(file_name: &str) -> &'static str {
    if TEXT.contains(&extension(file_name).unwrap_or(file_name)) {
        return "text/plain";
    }
    let Some(last) = extension(file_name) else { return BYTES };
    match last {
        "tgz" | "taz" | "tbz2" | "txz" => "application/x-tar",
        "svgz" => "image/svg+xml",
        compression if COMPRESSIONS.contains(&compression) => {
            let inside = &file_name[..file_name.len() - compression.len() - 1];
            extension(inside).map_or(BYTES, registered)
        }
        extension => registered(extension),
    }
}

/// What stands after the last dot; a leading dot makes a hidden file, not an extension.
fn extension(file_name: &str) -> Option<&str> {
    match file_name.trim_start_matches('.').rsplit_once('.') {
        Some((_, extension)) if !extension.is_empty() => Some(extension),
        _ => None,
    }
}

fn registered(extension: &str) -> &'static str {
    let extension = extension.to_ascii_lowercase();
    let found = TYPES.binary_search_by_key(&extension.as_str(), |(known, _)| known);
    found.map_or(BYTES, |index| TYPES[index].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_searched() {
        assert!(TYPES.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn types_are_those_of_mlflow() {
        for (name, expected) in [
            ("MLmodel", "text/plain"),
            ("MLproject", "text/plain"),
            ("conda.yaml", "text/plain"),
            ("metrics.json", "text/plain"),
            ("page.html", "text/html"),
            ("plot.png", "image/png"),
            ("PLOT.PNG", "image/png"),
            ("image.webp", "image/webp"),
            ("model.pkl", BYTES),
            ("data.csv", "text/plain"),
            ("data.csv.gz", "text/csv"),
            ("data.gz", BYTES),
            ("archive.tar.gz", "application/x-tar"),
            ("archive.tgz", "application/x-tar"),
            ("noextension", BYTES),
            (".hidden", BYTES),
            (".hidden.txt", "text/plain"),
            ("odd.", BYTES),
            ("é.svg", "image/svg+xml"),
        ] {
            assert_eq!(content_type(name), expected, "{name}");
        }
    }
}
