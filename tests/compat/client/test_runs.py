"""Runs: beginning, nesting, resuming, ending, deleting, and what may be written to them."""

import mlflow
import pytest
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException


def test_run_keeps_what_start_run_was_given(client, experiment_id):
    with mlflow.start_run(run_name="éclair 🦜", tags={"team": "a b"}, description="# note") as run:
        pass
    found = client.get_run(run.info.run_id)
    assert found.info.run_name == "éclair 🦜"
    assert found.info.experiment_id == experiment_id
    assert found.data.tags["team"] == "a b"
    assert found.data.tags["mlflow.note.content"] == "# note"
    assert found.info.artifact_uri.endswith(f"{experiment_id}/{run.info.run_id}/artifacts")


def test_run_without_name_gets_one():
    with mlflow.start_run() as run:
        pass
    assert run.info.run_name
    assert run.data.tags["mlflow.runName"] == run.info.run_name


def test_nested_runs_point_at_their_parent(client):
    with mlflow.start_run() as parent:
        with mlflow.start_run(nested=True) as child:
            with mlflow.start_run(nested=True) as grandchild:
                mlflow.log_param("depth", 2)
            mlflow.log_param("depth", 1)
        mlflow.log_param("depth", 0)
    assert client.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id
    assert client.get_parent_run(grandchild.info.run_id).info.run_id == child.info.run_id
    assert client.get_parent_run(parent.info.run_id) is None
    depths = [client.get_run(run.info.run_id).data.params["depth"] for run in (parent, child)]
    assert depths == ["0", "1"]


def test_resumed_run_goes_on(client):
    with mlflow.start_run() as run:
        mlflow.log_metric("loss", 2.0, step=1)
    ended = client.get_run(run.info.run_id)
    assert ended.info.status == "FINISHED"
    with mlflow.start_run(run_id=run.info.run_id):
        assert client.get_run(run.info.run_id).info.status == "RUNNING"
        mlflow.log_metric("loss", 1.0, step=2)
    found = client.get_run(run.info.run_id)
    assert found.info.status == "FINISHED"
    assert found.info.start_time == ended.info.start_time
    assert found.data.metrics == {"loss": 1.0}
    assert [point.value for point in client.get_metric_history(run.info.run_id, "loss")] == [2, 1]


def test_exception_marks_the_run_as_failed(client):
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        _ = 1 / 0
    assert client.get_run(run.info.run_id).info.status == "FAILED"


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED", "SCHEDULED", "RUNNING"])
def test_every_status_can_be_set(client, experiment_id, status):
    run = client.create_run(experiment_id, start_time=1)
    client.update_run(run.info.run_id, status=status)
    assert client.get_run(run.info.run_id).info.status == status


def test_set_terminated_sets_the_end_time(client, experiment_id):
    run = client.create_run(experiment_id, start_time=1000)
    client.set_terminated(run.info.run_id, status="KILLED", end_time=5000)
    found = client.get_run(run.info.run_id)
    assert (found.info.status, found.info.start_time, found.info.end_time) == ("KILLED", 1000, 5000)


def test_renaming_by_update_and_by_tag(client, experiment_id):
    run = client.create_run(experiment_id, run_name="one")
    client.update_run(run.info.run_id, name="two")
    assert client.get_run(run.info.run_id).data.tags["mlflow.runName"] == "two"
    client.set_tag(run.info.run_id, "mlflow.runName", "three")
    assert client.get_run(run.info.run_id).info.run_name == "three"


def test_deleted_run_is_hidden_refuses_writes_and_comes_back(client, experiment_id):
    run = client.create_run(experiment_id)
    client.log_param(run.info.run_id, "p", 1)
    client.delete_run(run.info.run_id)
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "deleted"
    assert client.search_runs([experiment_id]) == []
    assert len(client.search_runs([experiment_id], run_view_type=ViewType.DELETED_ONLY)) == 1
    with pytest.raises(MlflowException, match="must be in the 'active' state"):
        client.log_metric(run.info.run_id, "m", 1)
    client.restore_run(run.info.run_id)
    client.log_metric(run.info.run_id, "m", 1)
    assert len(client.search_runs([experiment_id])) == 1


def test_parameters_cannot_change(client, experiment_id):
    run = client.create_run(experiment_id)
    client.log_param(run.info.run_id, "p", "1")
    client.log_param(run.info.run_id, "p", "1")
    with pytest.raises(MlflowException, match="Changing param values is not allowed"):
        client.log_param(run.info.run_id, "p", "2")
    assert client.get_run(run.info.run_id).data.params == {"p": "1"}


def test_tags_are_set_overwritten_and_deleted(client, experiment_id):
    run = client.create_run(experiment_id, tags={"a": "1", "b": "2"})
    client.set_tag(run.info.run_id, "a", "3")
    client.delete_tag(run.info.run_id, "b")
    tags = client.get_run(run.info.run_id).data.tags
    assert tags["a"] == "3"
    assert "b" not in tags
    with pytest.raises(MlflowException, match="No tag with name: b"):
        client.delete_tag(run.info.run_id, "b")


def test_unknown_run_says_so(client):
    with pytest.raises(MlflowException, match="Run with id=nope not found") as refusal:
        client.get_run("nope")
    assert refusal.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_last_active_run_can_be_read_again():
    with mlflow.start_run() as run:
        mlflow.log_param("p", 1)
    assert mlflow.last_active_run().info.run_id == run.info.run_id
    assert mlflow.get_run(run.info.run_id).data.params == {"p": "1"}
