"""Experiments: names, tags, locations, deleting and restoring."""

import mlflow
import pytest
from mlflow.exceptions import MlflowException


@pytest.fixture
def name(client, experiment_id) -> str:
    return client.get_experiment(experiment_id).name


def test_created_experiment_is_found_by_id_and_name(client, name):
    created = client.create_experiment(f"{name} é 🦜", tags={"team": "a", "note": "b"})
    found = client.get_experiment(created)
    assert found.name == f"{name} é 🦜"
    assert found.tags == {"team": "a", "note": "b"}
    assert found.lifecycle_stage == "active"
    assert found.creation_time <= found.last_update_time
    assert client.get_experiment_by_name(found.name).experiment_id == created
    assert client.get_experiment_by_name("no such name") is None


def test_default_experiment_exists(client):
    assert client.get_experiment("0").name == "Default"


def test_rename(client, experiment_id, name):
    client.rename_experiment(experiment_id, f"{name} renamed")
    assert client.get_experiment(experiment_id).name == f"{name} renamed"
    assert client.get_experiment_by_name(name) is None


def test_names_are_taken_once(client, experiment_id, name):
    with pytest.raises(MlflowException) as refusal:
        client.create_experiment(name)
    assert refusal.value.error_code == "RESOURCE_ALREADY_EXISTS"


def test_tags_are_set_and_overwritten(client, experiment_id):
    client.set_experiment_tag(experiment_id, "a", "1")
    client.set_experiment_tag(experiment_id, "a", "2")
    mlflow.set_experiment_tags({"b": "3", "c": "4"})
    assert client.get_experiment(experiment_id).tags == {"a": "2", "b": "3", "c": "4"}


@pytest.mark.mlflow3
def test_tags_are_deleted(client, experiment_id):
    client.set_experiment_tag(experiment_id, "a", "1")
    client.delete_experiment_tag(experiment_id, "a")
    assert client.get_experiment(experiment_id).tags == {}


def test_deleting_takes_runs_along_and_restoring_brings_them_back(client, experiment_id, name):
    run = client.create_run(experiment_id)
    client.delete_experiment(experiment_id)
    assert client.get_experiment(experiment_id).lifecycle_stage == "deleted"
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "deleted"
    with pytest.raises(MlflowException, match="deleted"):
        mlflow.set_experiment(name)
    with pytest.raises(MlflowException, match="must be in the 'active' state"):
        client.create_run(experiment_id)
    client.restore_experiment(experiment_id)
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "active"


def test_set_experiment_takes_the_existing_one(experiment_id, name):
    assert mlflow.set_experiment(name).experiment_id == experiment_id
    assert mlflow.set_experiment(experiment_id=experiment_id).name == name


def test_own_artifact_location_is_kept(client, name):
    created = client.create_experiment(f"{name} s3", artifact_location="s3://bucket/path")
    assert client.get_experiment(created).artifact_location == "s3://bucket/path"
    run = client.create_run(created)
    assert run.info.artifact_uri == f"s3://bucket/path/{run.info.run_id}/artifacts"


def test_unknown_experiment_says_so(client):
    with pytest.raises(MlflowException) as refusal:
        client.get_experiment("987654321")
    assert refusal.value.error_code == "RESOURCE_DOES_NOT_EXIST"
