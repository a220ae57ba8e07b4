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
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let dist = here.join("../../ui-src/dist");
    // Cargo watches folders that exist only. Where this cannot be made, a UI built later is seen at
    // the next change of this file.
    let _ = fs::create_dir_all(&dist);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = BTreeMap::new();
    collect(&dist, "", &mut files)?;
    let is_built = files.contains_key("index.html");
    let mut code = String::from("pub(crate) static ASSETS: &[crate::Asset] = &[\n");
    for (path, file) in files.iter().filter(|_| is_built) {
        let is_compressed =
            |suffix| path.strip_suffix(suffix).is_some_and(|it| files.contains_key(it));
        let is_hidden = path.split('/').any(|part| part.starts_with('.'));
        if !is_compressed(".br") && !is_compressed(".gz") && !is_hidden {
            write_asset(&mut code, path, file, &files)?;
        }
    }
    code.push_str("];\n");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("assets.rs"), code)
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

fn write_asset(
    code: &mut String,
    path: &str,
    file: &Path,
    files: &BTreeMap<String, PathBuf>,
) -> io::Result<()> {
    let mut hasher = DefaultHasher::new();
    fs::read(file)?.hash(&mut hasher);
    let etag = format!("\"{:016x}\"", hasher.finish());
    let include = |file: &Path| -> io::Result<String> {
        Ok(format!("include_bytes!({:?})", fs::canonicalize(file)?.display().to_string()))
    };
    let compressed = |suffix: &str| match files.get(&format!("{path}{suffix}")) {
        Some(file) => Ok::<_, io::Error>(format!("Some({})", include(file)?)),
        None => Ok("None".to_owned()),
    };
    let (brotli, gzip) = (compressed(".br")?, compressed(".gz")?);
    let is_hashed = path.starts_with(HASHED);
    let body = include(file)?;
    let _ = writeln!(
        code,
        "    crate::Asset {{ path: {path:?}, etag: {etag:?}, is_hashed: {is_hashed}, body: {body}, \
         brotli: {brotli}, gzip: {gzip} }},"
    );
    Ok(())
}
