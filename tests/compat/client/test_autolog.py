"""The classic tutorial: scikit-learn autologging, unchanged."""

import json
import os
from contextlib import contextmanager

import mlflow
import pytest
import sklearn.metrics
from mlflow.entities import Run
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, train_test_split

from client.conftest import MAJOR

TRAINING_METRICS = {
    "training_mean_squared_error",
    "training_mean_absolute_error",
    "training_r2_score",
    "training_root_mean_squared_error",
    "training_score",
}


@pytest.fixture(scope="module")
def split():
    return train_test_split(*load_diabetes(return_X_y=True, as_frame=True), random_state=0)


@contextmanager
def autologging(server_url, experiment):
    """What the tutorial does before its model: an address, a name, and one call."""
    mlflow.set_tracking_uri(server_url)
    mlflow.set_experiment(f"{experiment} {os.urandom(3).hex()}")
    mlflow.sklearn.autolog()
    yield
    mlflow.sklearn.autolog(disable=True)


def only_run() -> Run:
    """The one run of the current experiment."""
    [run] = mlflow.search_runs(output_format="list")
    return run


def files_below(client, run_id, path=None) -> set[str]:
    found = set()
    for entry in client.list_artifacts(run_id, path):
        found |= files_below(client, run_id, entry.path) if entry.is_dir else {entry.path}
    return found


@pytest.fixture(scope="module")
def tutorial(split, server_url):
    """The script of the tutorial; returns the fitted model and its run."""
    X_train, X_test, y_train, _ = split
    with autologging(server_url, "tutorial"):
        model = RandomForestRegressor(n_estimators=50, max_depth=10, max_features=5)
        model.fit(X_train, y_train)
        model.predict(X_test)
        return model, only_run()


@pytest.fixture(scope="module")
def searched(split, server_url):
    """A fitted grid search and its parent run."""
    X_train, _, y_train, _ = split
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, cv=3)
    with autologging(server_url, "grid search"), mlflow.start_run() as run:
        search.fit(X_train, y_train)
    return search, run


def test_parameters_are_those_of_the_estimator(tutorial):
    model, run = tutorial
    assert len(run.data.params) == 18
    assert run.data.params == {name: str(value) for name, value in model.get_params().items()}


def test_training_metrics_are_those_of_the_fit(tutorial, split):
    model, run = tutorial
    X_train, _, y_train, _ = split
    assert set(run.data.metrics) == TRAINING_METRICS
    assert run.data.metrics["training_score"] == model.score(X_train, y_train)


def test_run_is_finished_and_tagged(tutorial):
    _, run = tutorial
    assert run.info.status == "FINISHED"
    assert run.info.end_time >= run.info.start_time > 0
    assert run.data.tags["estimator_name"] == "RandomForestRegressor"
    assert run.data.tags["mlflow.autologging"] == "sklearn"
    assert run.data.tags["mlflow.runName"] == run.info.run_name


def test_datasets_are_linked_to_the_run(tutorial):
    _, run = tutorial
    contexts = {
        tag.value
        for dataset in run.inputs.dataset_inputs
        for tag in dataset.tags
        if tag.key == "mlflow.data.context"
    }
    assert contexts == {"train", "eval"}
    train = run.inputs.dataset_inputs[0].dataset
    assert train.digest
    assert json.loads(train.profile)["num_rows"] == 331
    assert "age" in train.schema


def test_model_artifact_predicts_like_the_model(tutorial, split):
    model, run = tutorial
    _, X_test, _, _ = split
    loaded = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model")
    assert (loaded.predict(X_test) == model.predict(X_test)).all()


def test_artifacts_of_the_run(tutorial, client):
    _, run = tutorial
    assert "estimator.html" in files_below(client, run.info.run_id)
    # 3.x clients find the logged model's files as if they lay below the run.
    files = files_below(client, run.info.run_id, "model")
    assert {"model/MLmodel", "model/model.pkl", "model/requirements.txt"} <= files


@pytest.mark.mlflow3
def test_logged_model_belongs_to_the_run(tutorial, client):
    _, run = tutorial
    [output] = run.outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert str(logged.status) == "READY"
    assert logged.source_run_id == run.info.run_id
    assert logged.params == run.data.params
    assert {metric.key for metric in logged.metrics} == TRAINING_METRICS
    assert {metric.dataset_digest for metric in logged.metrics} == {
        run.inputs.dataset_inputs[0].dataset.digest
    }


def test_metrics_after_the_fit_are_added(split, client, server_url):
    X_train, X_test, y_train, y_test = split
    with autologging(server_url, "after the fit"), mlflow.start_run() as run:
        model = Ridge().fit(X_train, y_train)
        model.score(X_test, y_test)
        # Through the module: autologging replaces its function.
        error = sklearn.metrics.mean_squared_error(y_test, model.predict(X_test))
    metrics = client.get_run(run.info.run_id).data.metrics
    assert metrics["Ridge_score_X_test"] == model.score(X_test, y_test)
    assert [value for key, value in metrics.items() if key.startswith("mean_squared_error")] == [
        error
    ]
    assert "metric_info.json" in files_below(client, run.info.run_id)


def test_grid_search_writes_the_best_candidate(searched, client):
    search, run = searched
    found = client.get_run(run.info.run_id)
    assert found.data.params["best_alpha"] == str(search.best_params_["alpha"])
    assert found.data.metrics["best_cv_score"] == search.best_score_
    assert "cv_results.csv" in files_below(client, run.info.run_id)


def test_grid_search_makes_a_child_run_for_each_candidate(searched, client):
    search, run = searched
    children = client.search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    )
    assert sorted(float(child.data.params["alpha"]) for child in children) == [0.1, 1.0, 10.0]
    for child in children:
        assert child.info.status == "FINISHED"
        index = search.cv_results_["params"].index({"alpha": float(child.data.params["alpha"])})
        expected = search.cv_results_["mean_test_score"][index]
        assert child.data.metrics["mean_test_score"] == expected
        # 2.x clients link the datasets to the parent only.
        assert len(child.inputs.dataset_inputs) == (MAJOR >= 3)


def test_grid_search_keeps_the_best_estimator(searched, split, client):
    search, run = searched
    _, X_test, _, _ = split
    best = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/best_estimator")
    assert (best.predict(X_test) == search.best_estimator_.predict(X_test)).all()
    if MAJOR >= 3:
        assert len(client.get_run(run.info.run_id).outputs.model_outputs) == 2
