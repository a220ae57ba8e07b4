"""Saves the models once and starts, for each, both servers when it is first asked for."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ |= {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MPLBACKEND": "agg",
}

import pytest

from harness.servers import clean_environment
from serving.servers import InProcess, mlflow_process, modelyard_process

# The one whose oracle is a process of its own, over HTTP.
REAL = "forest"


def interpreter(variable: str) -> Path:
    """Python of an environment of MLflow; skips where it is not there."""
    venv = os.environ.get(variable)
    if not venv or not (Path(venv) / "bin" / "python").exists():
        pytest.skip(f"{variable} names no Python environment")
    return Path(venv) / "bin" / "python"


class Served:
    """Models in a folder, with the servers that have been started for them."""

    def __init__(self, folder: Path):
        from serving import models

        self.folder = folder
        self.estimators = models.save(folder, models.NATIVE + models.PYTHON)
        self.servers = {}
        # These take seconds until they answer, which the others use.
        for name in (REAL, *models.PYTHON):
            self._launch(name)

    def ours(self, name: str):
        """`modelyard models serve` of that model."""
        return self._launch(name).wait()

    def mlflow(self, name: str):
        """The oracle of that model."""
        key = f"mlflow {name}"
        if key not in self.servers:
            self.servers[key] = InProcess(self.folder / name)
        server = self.servers[key]
        return server.wait() if name == REAL else server

    def _launch(self, name: str):
        if name not in self.servers:
            model = self.folder / name
            python = interpreter("MODELYARD_MLFLOW3")
            log = self.folder / f"{name}.log"
            self.servers[name] = modelyard_process(model, log, python=python)
            if name == REAL:
                log = self.folder / f"{name}.mlflow.log"
                self.servers[f"mlflow {name}"] = mlflow_process(model, log)
        return self.servers[name]

    def stop(self) -> None:
        running = [server for server in self.servers.values() if hasattr(server, "stop")]
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda server: server.stop(), running))


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("models"))
    yield served
    served.stop()


@pytest.fixture(scope="session")
def saved_by_mlflow2(tmp_path_factory):
    """A folder of models that 2.22.5 has trained and saved, with expected.json."""
    python = interpreter("MODELYARD_MLFLOW2")
    folder = tmp_path_factory.mktemp("mlflow2")
    subprocess.run(
        [str(python), "-m", "serving.models", str(folder)],
        cwd=Path(__file__).parents[1],
        # MLflow 2 keeps runs in the folder it is started in, unless it is told where.
        env=clean_environment() | {"MLFLOW_TRACKING_URI": str(folder / "mlruns")},
        check=True,
        capture_output=True,
    )
    return folder
