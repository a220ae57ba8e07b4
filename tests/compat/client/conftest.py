"""A server for the session, a fresh experiment for each test, and the client's state reset."""

import os
import re

# Before mlflow is imported: a failing request must fail the test at once, not after minutes.
os.environ |= {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MPLBACKEND": "agg",
}

import mlflow
import pytest
from mlflow import MlflowClient

from harness.servers import start

MAJOR = int(mlflow.__version__.split(".")[0])


def pytest_addoption(parser):
    parser.addoption(
        "--server",
        choices=("modelyard", "mlflow"),
        default="modelyard",
        help="the server the client talks to; `mlflow` checks the tests themselves",
    )


def pytest_report_header():
    return f"mlflow client {mlflow.__version__}"


def pytest_configure(config):
    config.addinivalue_line("markers", "mlflow3: about what only 3.x clients do")
    config.addinivalue_line("markers", "mlflow2: about what only 2.x clients do")


def pytest_collection_modifyitems(items):
    """Leaves out, rather than skips, what the client under test does not do."""
    other = "mlflow2" if MAJOR >= 3 else "mlflow3"
    items[:] = [item for item in items if not item.get_closest_marker(other)]


@pytest.fixture(scope="session")
def server_url(request, tmp_path_factory):
    """The server under test; MODELYARD_TEST_SERVER names one that already runs."""
    if running := os.environ.get("MODELYARD_TEST_SERVER"):
        yield running
        return
    kind = request.config.getoption("--server")
    server = start(kind, tmp_path_factory.mktemp("server") / kind)
    yield server.url
    server.stop()


@pytest.fixture(autouse=True)
def experiment_id(request, server_url, monkeypatch, tmp_path):
    """Points the client at the server and gives the test an experiment of its own."""
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(server_url)
    mlflow.set_registry_uri(server_url)
    name = re.sub(r"\W+", "-", request.node.nodeid) + f"-{os.urandom(3).hex()}"
    yield mlflow.set_experiment(name).experiment_id
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def client(server_url) -> MlflowClient:
    return MlflowClient(server_url)
