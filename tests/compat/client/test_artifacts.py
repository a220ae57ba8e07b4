"""Artifacts, up and down: every log_* call, folders, difficult names, empty and large files."""

import hashlib
from pathlib import Path

import matplotlib.pyplot as plt
import mlflow
import numpy as np
import pandas as pd
import pytest
import requests
from mlflow.exceptions import MlflowException
from PIL import Image

MIB = 1024 * 1024
DIFFICULT_NAMES = [
    "é 한글 🦜.txt",
    "50%.txt",
    "a b+c.txt",
    "a&b=c;d.txt",
    "[x]{y}(z)!'.txt",
    ".dot",
]


@pytest.fixture
def run():
    with mlflow.start_run() as run:
        yield run


def listed(client, run, path=None) -> list[tuple]:
    entries = client.list_artifacts(run.info.run_id, path)
    return [(entry.path, entry.is_dir, entry.file_size) for entry in entries]


def download(run, path, to) -> Path:
    return Path(
        mlflow.artifacts.download_artifacts(
            run_id=run.info.run_id, artifact_path=path, dst_path=str(to)
        )
    )


def test_text_and_dict_come_back(run):
    mlflow.log_text("<b>é</b>\n", "notes/page.html")
    mlflow.log_dict({"a": [1, 2.5, None], "é": "🦜"}, "config.json")
    mlflow.log_dict({"a": {"b": [1, 2]}}, "config.yaml")
    uri = run.info.artifact_uri
    assert mlflow.artifacts.load_text(f"{uri}/notes/page.html") == "<b>é</b>\n"
    assert mlflow.artifacts.load_dict(f"{uri}/config.json") == {"a": [1, 2.5, None], "é": "🦜"}
    assert "b:" in mlflow.artifacts.load_text(f"{uri}/config.yaml")


def test_figure_and_image_come_back(run, tmp_path):
    figure, axes = plt.subplots(figsize=(2, 2))
    axes.plot([1, 2, 3])
    mlflow.log_figure(figure, "plots/line.png")
    plt.close(figure)
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    mlflow.log_image(pixels, "pixels.png")
    uri = run.info.artifact_uri
    assert mlflow.artifacts.load_image(f"{uri}/plots/line.png").size == (200, 200)
    loaded = np.asarray(mlflow.artifacts.load_image(f"{uri}/pixels.png").convert("RGB"))
    assert (loaded == pixels).all()


def test_images_of_a_series_of_steps(run, client):
    for step in (0, 1):
        mlflow.log_image(Image.new("RGB", (8, 8), "red"), key="dogs", step=step)
    mlflow.flush_artifact_async_logging()
    names = [path for path, _, _ in listed(client, run, "images")]
    # Each image has a small twin for the table view.
    assert len(names) == 4
    assert all(name.startswith("images/dogs") for name in names)
    first = next(name for name in names if name.endswith(".png"))
    assert mlflow.artifacts.load_image(f"{run.info.artifact_uri}/{first}").size == (8, 8)
    assert client.get_run(run.info.run_id).data.tags["mlflow.loggedImages"] == "True"


def test_table_grows_and_is_found(run, experiment_id):
    mlflow.log_table({"question": ["a", "é"], "score": [1, 2]}, "eval/tab.json")
    mlflow.log_table(pd.DataFrame({"question": ["c"], "score": [3]}), "eval/tab.json")
    table = mlflow.load_table("eval/tab.json", run_ids=[run.info.run_id])
    assert list(table["question"]) == ["a", "é", "c"]
    assert list(table["score"]) == [1, 2, 3]
    everywhere = mlflow.load_table("eval/tab.json", extra_columns=["run_id"])
    assert set(everywhere["run_id"]) == {run.info.run_id}


def test_listing_shows_folders_sizes_and_order(run, client):
    for path in ("b.txt", "a.txt", "dir/c.txt", "dir/sub/d.txt"):
        mlflow.log_text("12345", path)
    assert listed(client, run) == [("a.txt", False, 5), ("b.txt", False, 5), ("dir", True, None)]
    assert listed(client, run, "dir") == [("dir/c.txt", False, 5), ("dir/sub", True, None)]
    assert listed(client, run, "nothing/here") == []


def test_folder_goes_up_and_comes_down_equal(run, tmp_path):
    source = tmp_path / "source"
    for name in ("x.bin", "one/y.bin", "one/two/z.bin", "empty.bin"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 1000 if name != "empty.bin" else b"")
    mlflow.log_artifacts(str(source), "up")
    (tmp_path / "down").mkdir()
    found = download(run, "up", tmp_path / "down")

    def contents(folder):
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    assert contents(found) == contents(source)


@pytest.mark.parametrize("name", DIFFICULT_NAMES)
def test_difficult_names_survive(run, client, tmp_path, name):
    (tmp_path / name).write_text(name)
    mlflow.log_artifact(str(tmp_path / name), "ö ä/50% x")
    path = f"ö ä/50% x/{name}"
    assert [entry[0] for entry in listed(client, run, "ö ä/50% x")] == [path]
    (tmp_path / "down").mkdir()
    assert download(run, path, tmp_path / "down").read_text() == name


def test_empty_file(run, tmp_path):
    (tmp_path / "empty.txt").touch()
    mlflow.log_artifact(str(tmp_path / "empty.txt"))
    (tmp_path / "down").mkdir()
    assert download(run, "empty.txt", tmp_path / "down").read_bytes() == b""


def test_fifty_megabytes(run, client, tmp_path):
    block = np.random.default_rng(0).bytes(MIB)
    with (tmp_path / "large.bin").open("wb") as file:
        for index in range(50):
            file.write(index.to_bytes(8, "big") + block[8:])
    mlflow.log_artifact(str(tmp_path / "large.bin"), "data")
    assert listed(client, run, "data") == [("data/large.bin", False, 50 * MIB)]
    (tmp_path / "down").mkdir()
    found = download(run, "data/large.bin", tmp_path / "down")

    def digest(path):
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    assert digest(found) == digest(tmp_path / "large.bin")


def test_uploading_again_replaces(run):
    mlflow.log_text("first and longer", "a.txt")
    mlflow.log_text("second", "a.txt")
    assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/a.txt") == "second"


def test_missing_artifact_is_an_error(run, tmp_path):
    with pytest.raises(MlflowException):
        download(run, "nope.txt", tmp_path)


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd"])
def test_paths_out_of_the_run_are_refused(run, client, path):
    with pytest.raises((MlflowException, requests.HTTPError), match="400|Invalid path"):
        client.list_artifacts(run.info.run_id, path)


def test_artifacts_are_still_there_after_the_run(client):
    with mlflow.start_run() as run:
        mlflow.log_text("kept", "a.txt")
    client.delete_run(run.info.run_id)
    client.restore_run(run.info.run_id)
    assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/a.txt") == "kept"
