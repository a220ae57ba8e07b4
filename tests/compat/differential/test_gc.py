"""`gc` beside the real `mlflow gc`: the same trash, the same flags, and what is left afterwards."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from harness.servers import (
    Server,
    clean_environment,
    launch,
    mlflow_command,
    modelyard_command,
    wait_until_healthy,
)

TIMEOUT_S = 60
# Flags, in which `{name}` stands for the id of a thing.
CASES = {
    "what is young stays": ["--older-than", "100d"],
    "a run in use is refused": ["--run-ids", "{used_run}"],
    "an experiment in use is refused": ["--experiment-ids", "{used}"],
    "a logged model in use is refused": ["--logged-model-ids", "{used_model}"],
    "one bad id spares the others": ["--run-ids", "{deleted_run},{used_run}"],
    "an age that is none": ["--older-than", "a week"],
    "an unknown run": ["--run-ids", "0123456789abcdef0123456789abcdef"],
    "a run by id, other kinds as a whole": ["--run-ids", "{deleted_run}"],
    "an experiment by id": ["--experiment-ids", "{deleted}", "--run-ids", "{deleted_run}"],
    "a logged model by id": ["--logged-model-ids", "{deleted_model}"],
    "old enough": ["--older-than", "0s"],
    "everything": [],
}


@dataclass
class World:
    """Things in use and in the trash of one server, by names that both servers share."""

    server: Server
    ids: dict[str, str]

    def left(self) -> dict[str, bool]:
        """What still has a row, and what still has its file."""
        found = {}
        for name, value in self.ids.items():
            kind = name.rsplit("_", 1)[-1]
            path = {
                "run": f"runs/get?run_id={value}",
                "model": f"logged-models/{value}",
            }.get(kind, f"experiments/get?experiment_id={value}")
            # MLflow does not show a deleted model; its file does.
            if not (kind == "model" and name != "used_model"):
                found[name] = call(self.server, "GET", path).ok
            if kind in ("run", "model"):
                files = (self.server.data / "artifacts").glob(f"**/{value}/artifacts/a.txt")
                found[f"file of {name}"] = any(files)
        return found


def call(server: Server, method: str, path: str, body=None) -> requests.Response:
    url = f"{server.url}/api/2.0/mlflow/{path}"
    return requests.request(method, url, json=body, timeout=TIMEOUT_S)


def done(server: Server, method: str, path: str, body=None):
    """The answer to a request that must succeed."""
    answer = call(server, method, path, body)
    answer.raise_for_status()
    return answer.json()


def put(server: Server, path: str) -> None:
    url = f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{path}/artifacts/a.txt"
    requests.put(url, data=b"12345", timeout=TIMEOUT_S).raise_for_status()


def populate(server: Server, name: str) -> World:
    """An experiment in use with things in use and deleted, and a deleted one."""
    ids = {}
    for experiment in ("used", "deleted"):
        body = {"name": f"{name}: {experiment}"}
        ids[experiment] = done(server, "POST", "experiments/create", body)["experiment_id"]
    for run, experiment in (("used", "used"), ("deleted", "used"), ("its", "deleted")):
        body = {"experiment_id": ids[experiment]}
        run_id = done(server, "POST", "runs/create", body)["run"]["info"]["run_id"]
        model = done(server, "POST", "logged-models", body | {"name": run})
        model_id = model["model"]["info"]["model_id"]
        put(server, f"{ids[experiment]}/{run_id}")
        put(server, f"{ids[experiment]}/models/{model_id}")
        ids |= {f"{run}_run": run_id, f"{run}_model": model_id}
    done(server, "POST", "runs/delete", {"run_id": ids["deleted_run"]})
    done(server, "DELETE", f"logged-models/{ids['deleted_model']}")
    done(server, "POST", "experiments/delete", {"experiment_id": ids["deleted"]})
    return World(server, ids)


def collect(world: World, flags: list[str]) -> tuple[bool, set[str]]:
    """Runs `gc`: whether it succeeded, and which things it says it has removed."""
    server = world.server
    program = mlflow_command() if server.kind == "mlflow" else modelyard_command()
    command = [
        *(program[0], "gc"),
        *("--backend-store-uri", f"sqlite:///{server.data}/tracking.db"),
        *("--artifacts-destination", str(server.data / "artifacts")),
        *(flag.format(**world.ids) for flag in flags),
    ]
    ended = subprocess.run(
        command,
        env=clean_environment() | {"MLFLOW_TRACKING_URI": server.url},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "Traceback" not in ended.stderr or server.kind == "mlflow", ended.stderr
    names = {value: name for name, value in world.ids.items()}
    removed = {
        names[word]
        for line in ended.stdout.splitlines()
        if line.endswith("permanently deleted.")
        for word in line.split()
        if word in names
    }
    return ended.returncode == 0, removed


@pytest.fixture(scope="module")
def servers(tmp_path_factory, request):
    folder: Path = tmp_path_factory.mktemp("gc")
    subject = request.config.option.subject
    pair = [launch("mlflow", folder / "mlflow"), launch(subject, folder / "subject")]
    try:
        for server in pair:
            wait_until_healthy(server)
        yield pair
    finally:
        for server in pair:
            server.stop()


@pytest.mark.parametrize("name", CASES)
def test_gc_beside_mlflow(name, servers):
    def play(server: Server):
        world = populate(server, name)
        before = world.left()
        return before, collect(world, CASES[name]), world.left()

    with ThreadPoolExecutor(2) as pool:
        (_, *mlflow), (before, *subject) = pool.map(play, servers)
    (succeeded, removed), left = subject
    (expected, their_removed), their_left = mlflow
    assert succeeded == expected
    if not succeeded:
        # MLflow removes what comes before the mistake; ours looks at all of it first.
        assert removed == set()
        assert left == before
        return
    # MLflow forgets the files of a logged model that goes with its experiment.
    assert ("its_model" in removed) == ("deleted" in removed)
    assert left.pop("file of its_model") == ("deleted" not in removed)
    del their_left["file of its_model"]
    assert (removed - {"its_model"}, left) == (their_removed, their_left)
