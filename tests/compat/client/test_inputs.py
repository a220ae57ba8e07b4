"""Datasets as inputs of runs."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"age": [1.5, 2.5], "name": ["é", "b"], "y": [0, 1]})


def logged(client, run) -> dict:
    """Context of each dataset of the run -> dataset."""
    return {
        next((tag.value for tag in entry.tags if tag.key == "mlflow.data.context"), None): (
            entry.dataset
        )
        for entry in client.get_run(run.info.run_id).inputs.dataset_inputs
    }


def test_pandas_dataset_keeps_schema_profile_and_source(client, frame):
    dataset = mlflow.data.from_pandas(frame, source="http://host/y.csv", name="people", targets="y")
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="training", tags={"split": "1"})
    found = logged(client, run)["training"]
    assert found.name == "people"
    assert found.digest == dataset.digest
    assert json.loads(found.profile) == {"num_rows": 2, "num_elements": 6}
    assert json.loads(found.source) == {"url": "http://host/y.csv"}
    [entry] = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert {tag.key: tag.value for tag in entry.tags}["split"] == "1"


def test_source_of_a_dataset_can_be_loaded_again(client, frame, tmp_path):
    frame.to_csv(tmp_path / "x.csv", index=False)
    dataset = mlflow.data.from_pandas(frame, source=str(tmp_path / "x.csv"))
    with mlflow.start_run() as run:
        mlflow.log_input(dataset)
    [entry] = client.get_run(run.info.run_id).inputs.dataset_inputs
    source = mlflow.data.get_source(entry.dataset)
    assert pd.read_csv(source.load()).equals(frame)


def test_numpy_datasets_with_targets(client):
    dataset = mlflow.data.from_numpy(np.arange(12.0).reshape(4, 3), targets=np.arange(4))
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="eval")
    assert json.loads(logged(client, run)["eval"].profile)["features_shape"] == [4, 3]


def test_the_same_dataset_twice_stays_one_input(client, frame):
    dataset = mlflow.data.from_pandas(frame, name="once")
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="train")
        mlflow.log_input(dataset, context="train")
    assert len(client.get_run(run.info.run_id).inputs.dataset_inputs) == 1


def test_one_dataset_in_two_runs_and_found_by_search(client, frame, experiment_id):
    dataset = mlflow.data.from_pandas(frame, name="shared")
    for name, context in (("a", "train"), ("b", "eval")):
        with mlflow.start_run(run_name=name):
            mlflow.log_input(dataset, context=context)
    with mlflow.start_run(run_name="c"):
        pass

    def names(condition):
        return {run.info.run_name for run in client.search_runs([experiment_id], condition)}

    assert names("dataset.name = 'shared'") == {"a", "b"}
    assert names(f"dataset.digest = '{dataset.digest}' AND dataset.context = 'eval'") == {"b"}
    assert names("dataset.name IN ('shared', 'other')") == {"a", "b"}
    assert names("dataset.name = 'other'") == set()
