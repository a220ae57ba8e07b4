//! `modelyard models serve`: a server of one model.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use clap::ArgAction;
use clap::builder::FalseyValueParser;
use modelyard_deployments::served::{Options, Served};
use modelyard_models::json;
use modelyard_models::scoring::Details;
use modelyard_server::{MLFLOW_VERSION, ScoringConfig, VERSION, serve_model};

use super::folder::Folder;
use crate::commands::connection::{self, variable};
use crate::commands::server::{listen, stop_signal};
use crate::config::CONNECTIONS_MAX;
use crate::{context, logging};

/// The longest body of a request unless a flag says otherwise, in MiB: what a full frame takes.
const BODY_MAX_MIB: &str = "128";

/// The variable that names the model, as images do.
pub(super) const NAME_VARIABLE: &str = "MODELYARD_MODEL_NAME";

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(
    disable_help_flag = true,
    after_help = "Try it:\n  modelyard models serve -m models:/NAME@ALIAS -p 5002\n  \
                  curl localhost:5002/invocations -H 'Content-Type: application/json' \
                  -d '{\"dataframe_records\": [{\"x\": 1.5}]}'\n\n\
                  It also speaks the Open Inference Protocol (/v2/models/NAME/infer), KServe's first \
                  protocol (/v1/models/NAME:predict), and shows /metrics and /openapi.json. \
                  MODELYARD_LOG=modelyard::access=debug logs every request."
)]
pub(super) struct Args {
    /// The model: models:/NAME@ALIAS, models:/NAME/VERSION, models:/MODEL_ID, runs:/RUN_ID/path,
    /// mlflow-artifacts:/path, or a folder.
    #[arg(long, short, value_name = "URI")]
    model_uri: String,
    /// Address or name to listen on; 0.0.0.0 is every interface.
    #[arg(long, short = 'h', env = "MLFLOW_HOST", default_value = "127.0.0.1")]
    host: String,
    /// Port to listen on; 0 takes a free one and prints it.
    #[arg(long, short, env = "MLFLOW_PORT", default_value = "5000")]
    port: u16,
    /// Seconds an answer may take; then it is a 504.
    #[arg(long, short, value_name = "SECONDS", env = "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT",
          default_value = "60", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// The model's name in the protocols that have one [default: that of the registered model, or of
    /// the folder].
    #[arg(long, env = NAME_VARIABLE)]
    name: Option<String>,
    /// Do not say in errors what is wrong with the data, as for models that anybody can reach.
    #[arg(long, env = "MLFLOW_DISABLE_SCHEMA_DETAILS", value_parser = FalseyValueParser::new())]
    hide_details: bool,
    /// The longest body of a request.
    #[arg(long, value_name = "MIB", default_value = BODY_MAX_MIB,
          value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_body: u32,
    /// Form of the log lines on stderr: text or json.
    #[arg(long, value_name = "FORMAT", env = "MODELYARD_LOG_FORMAT", value_enum,
          default_value_t = logging::Format::Text, hide_possible_values = true)]
    log_format: logging::Format,
    /// Print this help.
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
}

pub(super) fn run(connection: &connection::Args, args: &Args) -> anyhow::Result<()> {
    logging::start(args.log_format, false, &variable)?;
    let folder = Folder::find(connection, &args.model_uri)?;
    let options = Options {
        name: args.name.clone().unwrap_or_else(|| folder.name.clone()),
        version: folder.version.clone(),
        details: if args.hide_details { Details::Hidden } else { Details::Shown },
    };
    let served = Served::load(&folder.path, options)?;
    let config = ScoringConfig {
        deadline: Duration::from_secs(args.timeout),
        body_max_bytes: (args.max_body as usize) << 20,
        connections_max: CONNECTIONS_MAX,
        example: example(&folder.path, &served),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = listen(&args.host, args.port).await?;
        let port = listener.local_addr()?.port();
        print(args, &served, port);
        let context = context::operating_system();
        serve_model(listener, config, served, &context, stop_signal()?).await;
        tracing::info!("stopped");
        Ok(())
    })
}

/// The request that a model was saved with.
fn example(folder: &Path, served: &Served) -> Option<json::Value> {
    let example = served.model().input_example()?;
    let file = modelyard_artifacts::ArtifactPath::parse(example.request_path()?).ok()?;
    json::parse(&std::fs::read(folder.join(file.as_str())).ok()?).ok()
}

/// Says on stderr what is served, where, and by which engine.
fn print(args: &Args, served: &Served, port: u16) {
    let host = if args.host.contains(':') { format!("[{}]", args.host) } else { args.host.clone() };
    let url = format!("http://{host}:{port}");
    let (name, version) = (served.name(), served.version().unwrap_or("-"));
    let engine = served.engine().name();
    if args.log_format == logging::Format::Json {
        let why_python = served.why_python();
        tracing::info!(url, model = name, version, engine, why_python, "listening");
        return;
    }
    let engine = match served.why_python() {
        Some(why) => format!("{engine}: {why}"),
        None => format!("{engine} (without Python)"),
    };
    let text = format!(
        "Modelyard {VERSION}, compatible with MLflow {MLFLOW_VERSION}\n\n  \
         Listening on  {url}/invocations\n  \
         Model         {name}, version {version}\n  \
         Engine        {engine}\n\n"
    );
    // If stderr is closed, there is nobody to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
