//! `modelyard models serve`: a server of one model.

use std::io::Write as _;
use std::time::Duration;

use clap::ArgAction;
use clap::builder::FalseyValueParser;
use modelyard_deployments::served::{Engines, Live, Served};
use modelyard_models::scoring::Details;
use modelyard_server::{MLFLOW_VERSION, ScoringConfig, VERSION, serve_model};

use super::folder::Found;
use super::follow::{Follower, Load};
use super::python::PythonArgs;
use crate::commands::connection::{self, variable};
use crate::commands::server::{listen, open_files, stop_signal};
use crate::config::CONNECTIONS_MAX;
use crate::{context, logging};

/// The longest body of a request unless a flag says otherwise, in MiB. Reading JSON takes up to fifty times
/// its size, and four large bodies are read at once.
const BODY_MAX_MIB: &str = "16";

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
    /// Seconds between looks whether models:/NAME@ALIAS, /latest or a stage means another version by
    /// now, which then takes the place of the one before, without a gap; 0 stays with the first.
    #[arg(long, value_name = "SECONDS", default_value = "5",
          value_parser = clap::value_parser!(u64).range(..=86_400))]
    follow: u64,
    /// Which engine answers: auto takes the native one where it is exact and Python for the rest,
    /// native or python that one only.
    #[arg(long, value_name = "ENGINE", value_enum, default_value_t = Engine::Auto,
          hide_possible_values = true)]
    engine: Engine,
    #[command(flatten)]
    python: PythonArgs,
    /// Do not say in errors what is wrong with the data, as for models that anybody can reach.
    #[arg(long, env = "MLFLOW_DISABLE_SCHEMA_DETAILS", value_parser = FalseyValueParser::new())]
    hide_details: bool,
    /// The longest body of a request.
    #[arg(long, value_name = "MIB", default_value = BODY_MAX_MIB,
          value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_body: u32,
    /// Do not compare the native engine with Python on the model's example, which happens after the
    /// start when an environment with the model's versions is there.
    #[arg(long)]
    no_self_check: bool,
    /// Form of the log lines on stderr: text or json.
    #[arg(long, value_name = "FORMAT", env = "MODELYARD_LOG_FORMAT", value_enum,
          default_value_t = logging::Format::Text, hide_possible_values = true)]
    log_format: logging::Format,
    /// Print this help.
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
}

/// Which engine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Engine {
    Auto,
    Native,
    Python,
}

impl From<Engine> for Engines {
    fn from(engine: Engine) -> Self {
        match engine {
            Engine::Auto => Self::Auto,
            Engine::Native => Self::Native,
            Engine::Python => Self::Python,
        }
    }
}

pub(super) fn run(connection: &connection::Args, args: &Args) -> anyhow::Result<()> {
    logging::start(args.log_format, false, &variable)?;
    let deadline = Duration::from_secs(args.timeout);
    let python = match args.engine {
        Engine::Native => None,
        Engine::Python => Some(args.python.options(deadline)?),
        Engine::Auto => args.python.options(deadline).inspect_err(no_python).ok(),
    };
    let load = Load {
        name: args.name.clone(),
        details: if args.hide_details { Details::Hidden } else { Details::Shown },
        engines: args.engine.into(),
        python,
        checks: !args.no_self_check,
    };
    let found = Found::look(connection, &args.model_uri)?;
    let folder = found.folder()?;
    let served = load.load(&folder)?;
    let live = Live::new(served.clone());
    let follower = Follower { live: live.clone(), load, found, folder, deadline };
    let config = ScoringConfig {
        deadline,
        body_max_bytes: (args.max_body as usize) << 20,
        connections_max: CONNECTIONS_MAX.min(open_files::for_connections()),
    };
    let every = (args.follow > 0).then(|| Duration::from_secs(args.follow));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (listener, port) = runtime.block_on(async {
        // First the port: if it is taken, nothing else should have happened.
        let listener = listen(&args.host, args.port).await?;
        served.start().await.map_err(anyhow::Error::msg)?;
        follower.load.check_later(&served);
        let port = listener.local_addr()?.port();
        anyhow::Ok((listener, port))
    })?;
    print(args, &served, port);
    drop(served);
    let _following = follower.start(every, runtime.handle().clone())?;
    runtime.block_on(async {
        let context = context::operating_system();
        serve_model(listener, config, live, &context, stop_signal()?).await;
        tracing::info!("stopped");
        Ok(())
    })
}

fn no_python(why: &anyhow::Error) {
    tracing::warn!("requests that need Python will be refused: {why:#}");
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
