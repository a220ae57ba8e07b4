//! `modelyard models build-image`: an OCI image that serves a model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueHint;
use modelyard_deployments::served::{Choice, Loaded};
use modelyard_images::{Error, Image, Layer, Platform, Program, Reference, Written, write};
use modelyard_models::mlmodel::MlModel;
use modelyard_server::VERSION;

use super::folder::Folder;
use super::serve::NAME_VARIABLE;
use crate::commands::connection;
use crate::context;
use crate::exit::Usage;
use crate::output::{Console, time, to_stdout};

/// Where the binary lies in the image.
const BINARY: &str = "/usr/local/bin/modelyard";
/// Where the model lies, as in images of MLflow.
const MODEL: &str = "/opt/ml/model";
/// The user and the group that images without a shell have by custom.
const USER: &str = "65532:65532";
const PASSWD: &str =
    "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";
/// Where the certificates of the authorities lie in the image, and where systems have them.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
const AUTHORITIES_HERE: [&str; 3] =
    [AUTHORITIES, "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

/// Arguments of `build-image`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The image holds this program, what it loads of this machine's C library, and the \
                  model; no daemon is asked and nothing is fetched for it. The digest of its manifest \
                  goes to stdout, and is the same for the same files.\n\n\
                  Try it:\n  modelyard models build-image -m models:/churn@champion -o churn.tar --tag churn:3\n  \
                  docker load -i churn.tar && docker run -p 8080:8080 churn:3\n  \
                  skopeo copy oci-archive:churn.tar docker://registry.example/churn:3"
)]
pub(super) struct Args {
    /// The model: models:/NAME@ALIAS, models:/NAME/VERSION, models:/MODEL_ID, runs:/RUN_ID/path,
    /// mlflow-artifacts:/path, or a folder.
    #[arg(long, short, value_name = "URI")]
    model_uri: String,
    /// Where the image goes: a folder, which becomes an OCI image layout, or a file that ends with
    /// .tar, which becomes an archive of one. An image that is there is replaced, nothing else is.
    #[arg(long, short, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    output: PathBuf,
    /// The image's name, NAME or NAME:TAG; without it, the image has none.
    #[arg(long, value_name = "NAME")]
    tag: Option<Reference>,
    /// The model's name in labels and in the protocols that have one [default: that of the registered
    /// model, or of the folder].
    #[arg(long)]
    name: Option<String>,
    /// Port that the server in the image listens on.
    #[arg(long, default_value = "8080", value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// What machines the image is for, linux/amd64 or linux/arm64; only what the binary is built for
    /// [default: that].
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<Platform>,
    /// The modelyard that goes into the image, for example one for another kind of machine
    /// [default: this one].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    binary: Option<PathBuf>,
}

pub(super) fn run(connection: &connection::Args, args: &Args) -> anyhow::Result<()> {
    let program = program(args)?;
    let folder = Folder::find(connection, &args.model_uri)?;
    outside(&args.output, &folder.path)?;
    let Loaded { model, choice, .. } = Loaded::read(&folder.path)?;
    if let Choice::Python(why) = choice {
        anyhow::bail!(
            "{} needs Python: {why}. Images with a Python environment are not built yet: build it \
             with `mlflow models build-docker`, or save the model as docs/native-models.md says",
            args.model_uri
        );
    }
    let name = args.name.as_deref().unwrap_or(&folder.name);
    let image = Image {
        platform: program.platform(),
        layers: vec![runtime(&program)?, files(&folder.path)?],
        entrypoint: entrypoint(args.port),
        user: USER.to_owned(),
        port: args.port,
        env: BTreeMap::from([
            ("PATH".to_owned(), "/usr/local/bin".to_owned()),
            (NAME_VARIABLE.to_owned(), name.to_owned()),
        ]),
        labels: labels(args, name, folder.version.as_deref(), &model, &program),
        reference: args.tag.clone(),
    };
    let written = write(&image, &args.output, &context::operating_system()).map_err(usage)?;
    tell(args, &program, &written);
    to_stdout(|out| writeln!(out, "{}", written.digest))
}

/// The binary for the image, with what it loads.
fn program(args: &Args) -> anyhow::Result<Program> {
    let file = match &args.binary {
        Some(file) => file.clone(),
        None => std::env::current_exe().context("cannot find this program's own file")?,
    };
    let program = Program::find(&file)?;
    match args.platform {
        Some(wanted) if wanted != program.platform() => Err(Usage(format!(
            "{} is built for {}: for {wanted} name a modelyard that is built for it with --binary",
            file.display(),
            program.platform()
        ))
        .into()),
        _ => Ok(program),
    }
}

/// Refuses a place in the model's folder: the next image would hold this one.
fn outside(output: &Path, model: &Path) -> anyhow::Result<()> {
    let output = std::path::absolute(output)?;
    let there = output.ancestors().find_map(|above| above.canonicalize().ok());
    let model = model.canonicalize()?;
    if there.is_some_and(|there| there.starts_with(model)) {
        let text = format!("{} is in the model's folder: name another place", output.display());
        return Err(Usage(text).into());
    }
    Ok(())
}

/// The layer with all but the model: the same for all models.
fn runtime(program: &Program) -> Result<Layer, Error> {
    let mut layer = Layer::new("modelyard models build-image: modelyard and what it loads");
    program.add_to(&mut layer, BINARY)?;
    layer.add_bytes("/etc/passwd", PASSWD)?;
    layer.add_bytes("/etc/group", GROUP)?;
    let here = AUTHORITIES_HERE.iter().map(Path::new).find(|path| path.is_file());
    if let Some(authorities) = here {
        layer.add_file(AUTHORITIES, authorities)?;
    }
    Ok(layer)
}

/// The layer with the model.
fn files(folder: &Path) -> Result<Layer, Error> {
    let mut layer = Layer::new("modelyard models build-image: the model");
    layer.add_folder(MODEL, folder)?;
    Ok(layer)
}

fn entrypoint(port: u16) -> Vec<String> {
    let port = port.to_string();
    let start = [BINARY, "models", "serve", "-m", MODEL, "-h", "0.0.0.0", "-p", &port];
    // There is no Python that could be started for what the native engine leaves to it.
    start.into_iter().chain(["--engine", "native"]).map(str::to_owned).collect()
}

fn labels(
    args: &Args,
    name: &str,
    version: Option<&str>,
    model: &MlModel,
    program: &Program,
) -> BTreeMap<String, String> {
    let libc = program.libc_release();
    // What version another binary is cannot be asked: it may be one for another kind of machine.
    let own = args.binary.is_none().then_some(VERSION);
    let given = [
        ("org.opencontainers.image.title", Some(name)),
        ("org.opencontainers.image.version", version),
        ("modelyard.model.name", Some(name)),
        ("modelyard.model.version", version),
        ("modelyard.model.id", model.model_id()),
        ("modelyard.model.engine", Some("native")),
        ("modelyard.run.id", model.run_id()),
        ("modelyard.version", own),
        ("modelyard.libc", libc.as_deref()),
    ];
    given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect()
}

/// A wrong place is a wrong flag.
fn usage(error: Error) -> anyhow::Error {
    match error {
        Error::Target { .. } => Usage(error.to_string()).into(),
        _ => error.into(),
    }
}

/// Says on stderr what the image holds that is not Modelyard's.
fn tell(args: &Args, program: &Program, written: &Written) {
    let console = Console::stderr(false);
    let shared: Vec<_> = program.shared().map(|path| path.display().to_string()).collect();
    if !shared.is_empty() {
        let release = program.libc_release();
        let release = release.map_or(String::new(), |release| format!(" ({release})"));
        console.say(&format!("Copied from this machine{release}: {}.", shared.join(", ")));
    }
    let tag = args.tag.as_ref().map_or(String::new(), |tag| format!(" as {tag}"));
    let size = time::size(written.layer_sizes.iter().sum());
    let (output, platform) = (args.output.display(), program.platform());
    console.say(&format!("The image for {platform} is in {output}{tag} ({size})."));
}
