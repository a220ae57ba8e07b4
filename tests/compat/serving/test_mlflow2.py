"""Models that MLflow 2.22.5 has saved, and its clients."""

import contextlib
import json
import subprocess
from pathlib import Path

import pytest

from harness.servers import clean_environment
from serving import models
from serving.cases import GOOD, WITH
from serving.compare import close
from serving.conftest import interpreter
from serving.servers import Case, InProcess, modelyard_process

CLIENT = """
import json, sys
import pandas as pd
from mlflow.deployments import get_deploy_client
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

port, body = sys.argv[1], json.load(sys.stdin)
scoring = ScoringServerClient("127.0.0.1", port)
scoring.wait_server_ready(timeout=10)
frame = pd.DataFrame(body["dataframe_split"]["data"], columns=body["dataframe_split"]["columns"])
deployments = get_deploy_client(f"http://127.0.0.1:{port}")
print(json.dumps({
    "invoked": scoring.invoke(frame).get_predictions().iloc[:, 0].tolist(),
    "deployed": deployments.predict(endpoint="forest", inputs=body)["predictions"],
    "listed": [endpoint.name for endpoint in deployments.list_endpoints()],
    "got": deployments.get_endpoint("forest").name,
}))
"""


@contextlib.contextmanager
def serving(folder: Path, name: str, **options):
    server = modelyard_process(folder / name, folder / f"{name}.log", **options)
    try:
        yield server.wait()
    finally:
        server.stop()


def wanted(folder: Path, name: str) -> tuple[dict, list]:
    """A request, and what the library has predicted when the model was saved."""
    entry = json.loads((folder / "expected.json").read_text())[name]
    return entry["body"], entry["predictions"]


@pytest.mark.parametrize("name", models.NATIVE)
def test_a_model_of_mlflow2_is_predicted_as_by_the_library(saved_by_mlflow2, name):
    body, predictions = wanted(saved_by_mlflow2, name)
    with serving(saved_by_mlflow2, name) as server:
        answer = server.send(Case(name, "all", json.dumps(body).encode()))
        assert answer.status == 200, answer.body
        assert answer.headers["x-modelyard-engine"] == "native"
        found = json.loads(answer.body)["predictions"]
        assert close(found, predictions) if name in models.LINEAR else found == predictions


def test_the_clients_of_mlflow2_are_served(saved_by_mlflow2):
    body, predictions = wanted(saved_by_mlflow2, "forest")
    with serving(saved_by_mlflow2, "forest") as server:
        done = subprocess.run(
            [str(interpreter("MODELYARD_MLFLOW2")), "-c", CLIENT, str(server.port)],
            input=json.dumps(body),
            env=clean_environment(),
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {
        "invoked": predictions,
        "deployed": predictions,
        "listed": ["forest"],
        "got": "forest",
    }


@pytest.mark.parametrize("name", ["weighted", "script"])
def test_a_custom_model_of_mlflow2_is_served_by_its_own_mlflow(saved_by_mlflow2, name):
    requests = [GOOD, WITH % '{"factor": 2.5}']
    python = interpreter("MODELYARD_MLFLOW2")
    oracle = InProcess(saved_by_mlflow2 / name)
    with serving(saved_by_mlflow2, name, python=python) as server:
        for body in requests:
            case = Case(name, "params", body.encode())
            expected, actual = oracle.send(case), server.send(case)
            assert (actual.status, actual.body) == (expected.status, expected.body)
