"""Starts a real `mlflow server` or the built `modelyard server` on a free local port."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

# A cold MLflow imports for up to a minute on a busy machine; modelyard needs milliseconds.
START_TIMEOUT_S = 180
STOP_TIMEOUT_S = 20


@dataclass
class Server:
    """A server process: where it listens and where its data lies."""

    kind: str
    port: int
    data: Path
    process: subprocess.Popen
    started_ms: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.data / "server.log").read_text(errors="replace")

    def stop(self) -> None:
        """Ends the server's process group (MLflow is two processes) and waits for it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def mlflow_command() -> list[str]:
    """The oracle: `mlflow` of the environment that MODELYARD_MLFLOW3 names."""
    venv = os.environ.get("MODELYARD_MLFLOW3")
    if not venv:
        raise RuntimeError(
            "MODELYARD_MLFLOW3 must name a Python environment with mlflow==3.17.2 "
            "(tests/compat/requirements-mlflow3.txt)"
        )
    # One worker: more only add start time, and the requests come one after the other.
    return [str(Path(venv) / "bin" / "mlflow"), "server", "--workers", "1"]


def modelyard_command() -> list[str]:
    """The server under test: the binary that MODELYARD_BIN names, else the debug build."""
    default = Path(__file__).parents[3] / "target" / "debug" / "modelyard"
    binary = Path(os.environ.get("MODELYARD_BIN", default))
    if not binary.exists():
        raise RuntimeError(f"{binary} does not exist: build it, or set MODELYARD_BIN")
    return [str(binary), "server"]


COMMANDS = {"mlflow": mlflow_command, "modelyard": modelyard_command}


# Database and artifacts in the server's own folder; `{data}` stands for it.
LOCAL_STORES = (
    *("--backend-store-uri", "sqlite:///{data}/tracking.db"),
    *("--artifacts-destination", "{data}/artifacts"),
)


def start(
    kind: str, data: Path, args: tuple[str, ...] = LOCAL_STORES, env: dict | None = None
) -> Server:
    """Starts the server and returns when it answers /health.

    `data` is created and holds database, artifacts and log. In `args` and `env` the text
    `{data}` stands for that folder.
    """
    server = launch(kind, data, args, env)
    wait_until_healthy(server)
    return server


def launch(
    kind: str, data: Path, args: tuple[str, ...] = LOCAL_STORES, env: dict | None = None
) -> Server:
    """Starts the process without waiting for it."""
    data.mkdir(parents=True)
    port = free_port()
    command = [
        *COMMANDS[kind](),
        *("--host", "127.0.0.1", "--port", str(port)),
        *(arg.replace("{data}", str(data)) for arg in args),
    ]
    extra = {key: value.replace("{data}", str(data)) for key, value in (env or {}).items()}
    started_ms = time.time_ns() // 1_000_000
    with (data / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=data,
            env=clean_environment() | extra,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return Server(kind, port, data, process, started_ms)


def clean_environment() -> dict:
    """The caller's environment without what would change a server's behaviour."""
    env = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("MLFLOW_", "MODELYARD_")) and key != "PYTHONDONTWRITEBYTECODE"
    }
    # MLflow's job runner is a second process that these tests do not need.
    env["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    env["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # MLflow prints Python sets in some messages; their order must not change between runs.
    env["PYTHONHASHSEED"] = "0"
    return env


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_healthy(server: Server) -> None:
    """Waits for /health (which no --static-prefix moves in MLflow's FastAPI shell)."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise RuntimeError(f"{server.kind} ended while starting:\n{server.log}")
        try:
            with urllib.request.urlopen(f"{server.url}/health", timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    server.stop()
    raise RuntimeError(f"{server.kind} did not answer in {START_TIMEOUT_S} s:\n{server.log}")
