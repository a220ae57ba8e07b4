//! What a call of a worker costs beside the model: rows of four doubles, a model that does nothing.
//!
//!     cargo run -p modelyard-deployments --example overhead PYTHON [CALLS]

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use modelyard_deployments::workers::{Call, Pool, WorkerConfig};
use modelyard_models::frame::{Frame, Name};
use modelyard_models::scoring::{Input, Request};

const MODEL: &str = "flavors:\n  python_function:\n    loader_module: nothing\n    code: code\nsignature:\n  inputs: '[{\"name\": \"a\", \"type\": \"double\"}, {\"name\": \"b\", \"type\": \"double\"}, {\"name\": \"c\", \"type\": \"double\"}, {\"name\": \"d\", \"type\": \"double\"}]'\n";
const CODE: &str = "import numpy as np\n\nclass Nothing:\n    def predict(self, data):\n        return np.zeros(len(data))\n\ndef _load_pyfunc(path):\n    return Nothing()\n";
const BODY: &str =
    r#"{"dataframe_split": {"columns": ["a", "b", "c", "d"], "data": [[1.5, 2.5, 3.5, 4.5]]}}"#;

fn typed() -> Call {
    let names: Arc<[Name]> = ["a", "b", "c", "d"].map(Name::from).into();
    let input = Input::Frame(Frame::from_block(names, 1, vec![1.5, 2.5, 3.5, 4.5]));
    Call::Typed { request: Request { input, params: None, unwrapped: false } }
}

fn raw() -> Call {
    Call::Raw { content_type: Some("application/json".into()), body: BODY.into() }
}

async fn measure(pool: &Pool, calls: usize, call: fn() -> Call) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::with_capacity(calls);
    for _ in 0..calls {
        let begun = Instant::now();
        pool.predict(call()).await?;
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    Ok(took)
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example tells what it has found")]
async fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let python = words.next().unwrap_or_else(|| "python3".into());
    let calls = words.next().and_then(|count| count.parse().ok()).unwrap_or(2000);
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("code"))?;
    fs::write(folder.path().join("code/nothing.py"), CODE)?;
    fs::write(folder.path().join("MLmodel"), MODEL)?;
    let pool = Pool::start(WorkerConfig::new(python, folder.path())).await?;
    for (name, call) in [("typed", typed as fn() -> Call), ("raw", raw)] {
        measure(&pool, calls / 10 + 1, call).await?;
        let took = measure(&pool, calls, call).await?;
        let at = |percent: usize| took[(took.len() - 1) * percent / 100];
        println!("{name}: half within {:?}, 99 of 100 within {:?}", at(50), at(99));
    }
    Ok(())
}
