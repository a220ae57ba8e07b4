//! Uploading to a run.

use std::path::PathBuf;

use clap::ValueHint;
use modelyard_artifacts::ArtifactPath;

use super::path::{self, Folder};
use crate::commands::connection::Session;
use crate::commands::source;
use crate::output::time;
use crate::transfer::{self, Outgoing};

/// Arguments of `log-artifact`.
#[derive(Debug, clap::Args)]
pub(super) struct FileArgs {
    /// The file to upload.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    local_file: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// Arguments of `log-artifacts`.
#[derive(Debug, clap::Args)]
pub(super) struct FolderArgs {
    /// The folder whose content to upload.
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    local_dir: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// Where uploads go.
#[derive(Debug, clap::Args)]
struct Target {
    /// The run.
    #[arg(long, short, value_name = "ID")]
    run_id: String,
    /// A folder among the run's artifacts; without it, they go to the top.
    #[arg(long, short, value_name = "PATH", value_parser = path::parse)]
    artifact_path: Option<Folder>,
}

impl Target {
    fn folder(&self) -> Option<&ArtifactPath> {
        self.artifact_path.as_ref()?.0.as_ref()
    }
}

pub(super) fn file(session: &Session, args: &FileArgs) -> anyhow::Result<()> {
    let file = transfer::file(&args.local_file, args.target.folder())?;
    upload(session, &args.target, &[file])
}

pub(super) fn folder(session: &Session, args: &FolderArgs) -> anyhow::Result<()> {
    let files = transfer::folder(&args.local_dir, args.target.folder())?;
    upload(session, &args.target, &files)
}

fn upload(session: &Session, target: &Target, files: &[Outgoing]) -> anyhow::Result<()> {
    let run = session.client.run(&target.run_id)?;
    let tree = source::of_run(session, &run)?;
    let compared = transfer::upload(&tree, files, &session.console)?.after_upload();
    let size = time::size(files.iter().map(|file| file.size).sum());
    let id = &run.info.run_id;
    session.console.say(&match files {
        [one] => format!("Uploaded {} ({size}) to the run {id}{compared}.", one.path),
        _ => format!("Uploaded {} files ({size}) to the run {id}{compared}.", files.len()),
    });
    Ok(())
}
