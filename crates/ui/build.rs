//! Turns the built web UI into a table of bytes.
//!
//! `ui-src/dist` is read if it is there; cargo never runs Node. Files ending in `.br` and `.gz` are
//! compressed forms of the file without that ending, made by the UI's build.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Where Vite puts files whose name holds a hash of their content.
const HASHED: &str = "assets/";

fn main() -> io::Result<()> {
    let folder = |variable| PathBuf::from(env::var_os(variable).unwrap_or_default());
    let (here, out) = (folder("CARGO_MANIFEST_DIR"), folder("OUT_DIR"));
    let dist = here.join("../../ui-src/dist");
    // Cargo watches folders that exist only. Where this cannot be made, a UI built later is seen at
    // the next change of this file.
    let _ = fs::create_dir_all(&dist);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = BTreeMap::new();
    collect(&dist, "", &mut files)?;
    let copies = out.join("dist");
    if copies.exists() {
        fs::remove_dir_all(&copies)?;
    }
    fs::create_dir(&copies)?;
    let is_built = files.contains_key("index.html");
    let mut code = String::from("pub(crate) static ASSETS: &[crate::Asset] = &[\n");
    for path in files.keys().filter(|path| is_built && is_asset(path, &files)) {
        write_asset(&mut code, path, &files, &copies)?;
    }
    code.push_str("];\n");
    fs::write(out.join("assets.rs"), code)
}

/// Not a compressed form of another file, and not hidden.
fn is_asset(path: &str, files: &BTreeMap<String, PathBuf>) -> bool {
    let is_compressed = |suffix| path.strip_suffix(suffix).is_some_and(|of| files.contains_key(of));
    let is_hidden = path.split('/').any(|part| part.starts_with('.'));
    !is_compressed(".br") && !is_compressed(".gz") && !is_hidden
}

/// All files below `folder`, by their path with `/`.
fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.insert(path, entry.path());
        }
    }
    Ok(())
}

/// Writes the table's line of one file. The bytes are copied first: a build of the UI may replace the
/// files between this script and the compiler.
fn write_asset(
    code: &mut String,
    path: &str,
    files: &BTreeMap<String, PathBuf>,
    copies: &Path,
) -> io::Result<()> {
    let include = |path: &str| -> io::Result<Option<(String, String)>> {
        let Some(file) = files.get(path) else { return Ok(None) };
        let bytes = fs::read(file)?;
        let copy = copies.join(path.replace('/', "+"));
        fs::write(&copy, &bytes)?;
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let code = format!("include_bytes!({:?})", copy.display().to_string());
        Ok(Some((code, format!("\"{:016x}\"", hasher.finish()))))
    };
    let Some((body, etag)) = include(path)? else { return Ok(()) };
    let compressed = |suffix: &str| -> io::Result<String> {
        let included = include(&format!("{path}{suffix}"))?;
        Ok(included.map_or("None".to_owned(), |(code, _)| format!("Some({code})")))
    };
    let (brotli, gzip) = (compressed(".br")?, compressed(".gz")?);
    let is_hashed = path.starts_with(HASHED);
    let _ = writeln!(
        code,
        "    crate::Asset {{ path: {path:?}, etag: {etag:?}, is_hashed: {is_hashed}, body: {body}, \
         brotli: {brotli}, gzip: {gzip} }},"
    );
    Ok(())
}
