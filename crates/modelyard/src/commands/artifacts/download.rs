//! Downloading artifacts.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, ValueHint};
use modelyard_artifacts::ArtifactPath;

use super::path::{self, Folder};
use crate::commands::connection::Session;
use crate::commands::source::{Source, temporary_folder};
use crate::output::{time, to_stdout};
use crate::transfer::{self, Downloaded};

/// Arguments of `download`.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("what").required(true))]
pub(super) struct Args {
    /// The run whose artifacts to download.
    #[arg(long, short, value_name = "ID", group = "what")]
    run_id: Option<String>,
    /// With --run-id: the file or folder; without it, everything.
    #[arg(long, short, value_name = "PATH", value_parser = path::parse,
          conflicts_with = "artifact_uri")]
    artifact_path: Option<Folder>,
    /// Instead of --run-id: runs:/RUN_ID/path, models:/MODEL_ID/path, models:/NAME/VERSION/path,
    /// models:/NAME@ALIAS/path, mlflow-artifacts:/path, file:///path, or a local path.
    #[arg(long, short = 'u', value_name = "URI", group = "what")]
    artifact_uri: Option<String>,
    /// Where to put it: a folder, which is created if it is missing. Without it, a new temporary
    /// folder, unless the artifacts are on this machine already.
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dst_path: Option<PathBuf>,
}

pub(super) fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let found = source(args)?.find(session)?;
    let folder = match (&args.dst_path, found.tree.local_folder()) {
        (Some(folder), _) => std::path::absolute(folder)?,
        (None, None) => temporary_folder(session)?,
        (None, Some(here)) => {
            let path = found.path.as_ref().map_or("", ArtifactPath::as_str);
            return print(&here.join(path));
        }
    };
    let (context, console) = (&session.context, &session.console);
    let got = transfer::download(&found.tree, &found.plan, &folder, context, console)?;
    let Downloaded { path, files, bytes, compared } = got;
    let (what, size) = (if files == 1 { "file" } else { "files" }, time::size(bytes));
    console.say(&format!("Downloaded {files} {what} ({size}){}.", compared.after_download()));
    print(&path)
}

fn source(args: &Args) -> anyhow::Result<Source> {
    let path = args.artifact_path.clone().unwrap_or_default().0;
    match (&args.artifact_uri, &args.run_id) {
        (None, Some(run_id)) => Ok(Source::Run(run_id.clone(), path)),
        // One of both is there.
        (uri, _) => Source::parse(uri.as_deref().unwrap_or_default()),
    }
}

fn print(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    to_stdout(|out| {
        out.write_all(path.as_os_str().as_bytes())?;
        out.write_all(b"\n")
    })
}
