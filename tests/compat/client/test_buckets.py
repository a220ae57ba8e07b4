"""Artifacts in buckets of S3: through the server, in parts by signed URLs, and past it with boto3."""

import os
import urllib.request
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression

from harness.buckets import make_bucket, s3_server
from harness.servers import start

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def s3():
    """Variables that lead to S3, for servers; with the buckets `proxied` and `direct` in it."""
    with s3_server() as variables:
        for name in ("proxied", "direct"):
            make_bucket(variables["MLFLOW_S3_ENDPOINT_URL"], name)
        yield variables


def serve(s3, folder, *flags):
    server = start(
        "modelyard", folder, ("--backend-store-uri", "sqlite:///{data}/tracking.db", *flags), s3
    )
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def proxying(s3, tmp_path_factory):
    """A server that keeps what comes through it in a bucket."""
    flags = ("--artifacts-destination", "s3://proxied/some folder")
    yield from serve(s3, tmp_path_factory.mktemp("proxying") / "server", *flags)


@pytest.fixture(scope="module")
def direct(s3, tmp_path_factory):
    """A server whose clients go to the bucket by themselves."""
    flags = ("--default-artifact-root", "s3://direct/root")
    yield from serve(s3, tmp_path_factory.mktemp("direct") / "server", *flags)


@pytest.fixture
def use(monkeypatch):
    """Points the client at another server than the session's."""

    def point(url, variables=None):
        for name, value in (variables or {}).items():
            monkeypatch.setenv(name, value)
        mlflow.set_tracking_uri(url)
        mlflow.set_registry_uri(url)
        mlflow.set_experiment(f"buckets-{os.urandom(4).hex()}")
        return MlflowClient(url)

    return point


def keys(s3, bucket) -> str:
    url = f"{s3['MLFLOW_S3_ENDPOINT_URL']}/{bucket}?list-type=2"
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


def fill(folder: Path) -> dict:
    files = {
        "top.txt": b"top",
        "empty": b"",
        "a/50% x+y.txt": b"percent",
        "a/é 한글/z.bin": bytes(range(256)) * 100,
        "large.bin": np.random.default_rng(1).bytes(11 * MIB + 3),
    }
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return files


def contents(folder: Path) -> dict:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def up_and_down(client, tmp_path) -> str:
    """Logs a tree, lists it, gets it back; where the run keeps its artifacts."""
    files = fill(tmp_path / "in")
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(tmp_path / "in"), "tree")
    run_id = run.info.run_id
    listed = [(entry.path, entry.is_dir) for entry in client.list_artifacts(run_id, "tree")]
    expected = [("a", True), ("empty", False), ("large.bin", False), ("top.txt", False)]
    assert listed == [(f"tree/{name}", is_dir) for name, is_dir in expected]
    assert [entry.file_size for entry in client.list_artifacts(run_id, "tree/a/é 한글")] == [25600]
    (tmp_path / "out").mkdir()
    found = mlflow.artifacts.download_artifacts(
        run_id=run_id, artifact_path="tree", dst_path=str(tmp_path / "out")
    )
    assert contents(Path(found)) == files
    return run.info.artifact_uri


def test_a_tree_through_the_server(proxying, use, s3, tmp_path):
    client = use(proxying)
    assert up_and_down(client, tmp_path).startswith("mlflow-artifacts:/")
    assert "<Key>some folder/" in keys(s3, "proxied").replace("%20", " ").replace("+", " ")


def test_a_tree_past_the_server(direct, use, s3, tmp_path):
    client = use(direct, s3)
    assert up_and_down(client, tmp_path).startswith("s3://direct/root/")


def test_a_tree_in_a_location_of_its_experiment(direct, use, s3, tmp_path):
    client = use(direct, s3)
    location = "s3://direct/root/teams/one"
    name = f"own-{os.urandom(4).hex()}"
    mlflow.set_experiment(
        experiment_id=client.create_experiment(name, artifact_location=location)
    )
    assert up_and_down(client, tmp_path).startswith(f"{location}/")


def test_the_server_shows_what_a_client_put_past_it(direct, use, s3):
    use(direct, s3)
    with mlflow.start_run() as run:
        mlflow.log_text("direct", "notes/a.txt")
    where = f"run_id={run.info.run_id}&path=notes"
    with urllib.request.urlopen(f"{direct}/api/2.0/mlflow/artifacts/list?{where}") as answer:
        assert b'"notes/a.txt"' in answer.read()
    with urllib.request.urlopen(f"{direct}/get-artifact?{where}/a.txt") as answer:
        assert answer.read() == b"direct"


def test_a_large_file_goes_in_parts_by_signed_urls(proxying, use, monkeypatch, tmp_path):
    client = use(proxying)
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "true")
    for direction in ("UPLOAD", "DOWNLOAD"):
        monkeypatch.setenv(f"MLFLOW_MULTIPART_{direction}_MINIMUM_FILE_SIZE", str(10 * MIB))
        monkeypatch.setenv(f"MLFLOW_MULTIPART_{direction}_CHUNK_SIZE", str(5 * MIB))
    data = np.random.default_rng(2).bytes(23 * MIB + 7)
    (tmp_path / "big é.bin").write_bytes(data)
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(tmp_path / "big é.bin"), "data")
    entry = client.list_artifacts(run.info.run_id, "data")[0]
    assert (entry.path, entry.file_size) == ("data/big é.bin", len(data))
    # Only an upload in parts has such a tag.
    request = urllib.request.Request(
        f"{proxying}/api/2.0/mlflow-artifacts/artifacts/"
        f"{run.info.experiment_id}/{run.info.run_id}/artifacts/data/big%20%C3%A9.bin",
        method="HEAD",
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["ETag"].strip('"').endswith("-5")
    (tmp_path / "down").mkdir()
    found = mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id, artifact_path="data/big é.bin", dst_path=str(tmp_path / "down")
    )
    assert Path(found).read_bytes() == data


@pytest.mark.parametrize("kind", ["proxied", "direct"])
def test_a_model_predicts_as_it_did(request, use, s3, kind):
    if kind == "proxied":
        use(request.getfixturevalue("proxying"))
    else:
        use(request.getfixturevalue("direct"), s3)
    inputs = np.arange(20, dtype=float).reshape(10, 2)
    model = LinearRegression().fit(inputs, inputs @ [2, 3])
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(model, "model")
    loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert np.array_equal(loaded.predict(inputs), model.predict(inputs))
    name = f"in-bucket-{os.urandom(4).hex()}"
    mlflow.register_model(f"runs:/{run.info.run_id}/model", name)
    loaded = mlflow.pyfunc.load_model(f"models:/{name}/1")
    assert np.array_equal(loaded.predict(inputs), model.predict(inputs))
