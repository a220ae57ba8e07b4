"""The two sides: MLflow's scoring server, in this process or as one of its own, and ours."""

import asyncio
import contextlib
import http.client
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from harness.servers import clean_environment, free_port, modelyard_command

START_TIMEOUT_S = 120
REQUEST_TIMEOUT_S = 60


@dataclass
class Answer:
    """Status, body and headers, these with small letters."""

    status: int
    body: bytes
    headers: dict


@dataclass
class Case:
    """One request to one model."""

    model: str
    label: str
    body: bytes
    content_type: str | None = "application/json"
    method: str = "POST"
    path: str = "/invocations"
    # Why the answers may differ, as docs/serving.md says; then only the statuses are held.
    statuses: tuple[int, int] | None = None


class InProcess:
    """The ASGI application of `mlflow models serve`, over the loaded model."""

    def __init__(self, model: Path):
        import mlflow
        from mlflow.pyfunc.scoring_server import init

        self.app = init(mlflow.pyfunc.load_model(str(model)))

    def send(self, case: Case) -> Answer:
        return asyncio.run(self._send(case))

    async def _send(self, case: Case) -> Answer:
        kind = case.content_type
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": case.method,
            "scheme": "http",
            "path": case.path,
            "raw_path": case.path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [] if kind is None else [(b"content-type", kind.encode())],
            "client": ("127.0.0.1", 1),
            "server": ("h", 80),
        }
        pending = [{"type": "http.request", "body": case.body, "more_body": False}]
        sent = []

        async def receive():
            return pending.pop() if pending else await asyncio.Future()

        async def send(message):
            sent.append(message)

        # What starlette answers with 500, it raises again for the server's log.
        with contextlib.suppress(Exception):
            await self.app(scope, receive, send)
        start = next(m for m in sent if m["type"] == "http.response.start")
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], b"".join(m.get("body", b"") for m in sent), headers)


class Process:
    """A server in a process of its own, spoken to over HTTP."""

    def __init__(self, command: list[str], port: int, log: Path, env: dict | None = None):
        self.port = port
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                env=clean_environment() | (env or {}),
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> "Process":
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(f"{self.url}/ping", timeout=5).close()
                return self
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"no answer to /ping:\n{self.log.read_text(errors='replace')}")

    def send(self, case: Case) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_TIMEOUT_S)
        with contextlib.closing(connection):
            connection.putrequest(case.method, case.path)
            if case.content_type is not None:
                connection.putheader("Content-Type", case.content_type)
            if case.body or case.method == "POST":
                connection.putheader("Content-Length", str(len(case.body)))
            # A server that refuses a long body may answer and close before all of it is sent.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.endheaders(case.body or None)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, response.read(), headers)

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def mlflow_process(model: Path, log: Path) -> Process:
    """The real `mlflow models serve`."""
    port = free_port()
    mlflow = Path(os.environ["MODELYARD_MLFLOW3"]) / "bin" / "mlflow"
    command = [str(mlflow), "models", "serve", "--env-manager", "local", "-m", str(model)]
    # It starts uvicorn from the PATH.
    env = {"PATH": f"{mlflow.parent}:{os.environ['PATH']}"}
    return Process([*command, "-p", str(port)], port, log, env)


def modelyard_process(model: Path, log: Path, *options: str, python: Path | None = None) -> Process:
    """Ours; with an interpreter, what is not answered natively goes to its MLflow."""
    port = free_port()
    binary = modelyard_command()[0]
    command = [binary, "models", "serve", "-m", str(model), "-p", str(port), *options]
    if python:
        command += ["--env-manager", "local", "--python", str(python), "--no-self-check"]
    else:
        # It must not build an environment by itself.
        command += ["--engine", "native"]
    return Process(command, port, log)
