//! `modelyard server`.

use anyhow::Context as _;
use modelyard_server::ServerConfig;
use modelyard_server::config::Serving;

use crate::context;

/// Arguments of `modelyard server`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address to listen on.
    #[arg(long, env = "MLFLOW_HOST", default_value = "127.0.0.1")]
    host: String,
    /// Port to listen on; 0 takes a free one and prints it.
    #[arg(long, short, env = "MLFLOW_PORT", default_value_t = 5000)]
    port: u16,
}

/// Serves until the process is asked to stop.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(args))
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let address = (args.host.as_str(), args.port);
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {}:{}", args.host, args.port))?;
    let config = ServerConfig { serving: Serving::Everything, static_prefix: String::new() };
    modelyard_server::serve(listener, config, context::operating_system(), stop_signal()).await?;
    Ok(())
}

async fn stop_signal() {
    let _ = tokio::signal::ctrl_c().await;
}
