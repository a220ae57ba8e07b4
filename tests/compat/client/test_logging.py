"""Metrics, parameters and tags: batches, exact values, asynchronous and system metrics."""

import math
import time

import mlflow
import pytest
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

INT64_MAX = 2**63 - 1


@pytest.fixture
def run_id(client, experiment_id) -> str:
    return client.create_run(experiment_id).info.run_id


def history(client, run_id, key) -> list[tuple]:
    return [
        (point.step, point.timestamp, point.value)
        for point in client.get_metric_history(run_id, key)
    ]


def test_large_batch_is_split_and_arrives_whole(client, run_id):
    metrics = [Metric("m", float(i), 1000 + i, i) for i in range(1100)]
    params = [Param(f"p{i}", str(i)) for i in range(100)]
    tags = [RunTag(f"t{i}", str(i)) for i in range(100)]
    client.log_batch(run_id, metrics=metrics[:800], params=params, tags=tags)
    client.log_batch(run_id, metrics=metrics[800:])
    run = client.get_run(run_id)
    assert run.data.metrics == {"m": 1099.0}
    assert run.data.params == {param.key: param.value for param in params}
    assert {tag.key: tag.value for tag in tags}.items() <= run.data.tags.items()
    assert history(client, run_id, "m") == [(i, 1000 + i, float(i)) for i in range(1100)]


def test_fluent_log_metrics_splits_1100_metrics(client, run_id):
    with mlflow.start_run(run_id=run_id):
        mlflow.log_metrics({f"m{i}": i for i in range(1100)}, step=3)
    assert client.get_run(run_id).data.metrics == {f"m{i}": float(i) for i in range(1100)}


def test_fluent_log_params_and_tags_split_150(client, run_id):
    with mlflow.start_run(run_id=run_id):
        mlflow.log_params({f"p{i}": i for i in range(150)})
        mlflow.set_tags({f"t{i}": i for i in range(150)})
    run = client.get_run(run_id)
    assert run.data.params == {f"p{i}": str(i) for i in range(150)}
    assert {f"t{i}": str(i) for i in range(150)}.items() <= run.data.tags.items()


def test_history_of_more_than_a_page_is_whole(client, run_id):
    count = 25_400
    for start in range(0, count, 1000):
        points = range(start, min(start + 1000, count))
        client.log_batch(run_id, metrics=[Metric("m", i / 7, i, i) for i in points])
    assert history(client, run_id, "m") == [(i, i, i / 7) for i in range(count)]


@pytest.mark.parametrize(
    "value", [0.1, 1 / 3, -0.0, 5e-324, 1.7976931348623157e308, 123456789.123456789, 1e-300]
)
def test_doubles_are_kept_exactly(client, run_id, value):
    client.log_metric(run_id, "m", value)
    [point] = client.get_metric_history(run_id, "m")
    assert point.value == value
    assert client.get_run(run_id).data.metrics["m"] == value


def test_nan_comes_back_as_nan(client, run_id):
    client.log_metric(run_id, "m", math.nan)
    assert math.isnan(client.get_run(run_id).data.metrics["m"])
    assert math.isnan(client.get_metric_history(run_id, "m")[0].value)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinities_come_back_as_large_or_infinite(client, run_id, value):
    """MLflow stores the largest double in their place; both are right for a client."""
    client.log_metric(run_id, "m", value)
    found = client.get_run(run_id).data.metrics["m"]
    assert found in (value, math.copysign(1.7976931348623157e308, value))


def test_steps_and_times_at_their_limits(client, run_id):
    client.log_metric(run_id, "m", 1.0, timestamp=INT64_MAX, step=INT64_MAX)
    client.log_metric(run_id, "m", 2.0, timestamp=0, step=-(2**63))
    assert history(client, run_id, "m") == [(-(2**63), 0, 2.0), (INT64_MAX, INT64_MAX, 1.0)]


def test_latest_metric_is_the_one_of_the_highest_step(client, run_id):
    for value, timestamp, step in [(1, 50, 3), (2, 99, 2), (3, 51, 3), (4, 51, 3), (0, 51, 3)]:
        client.log_metric(run_id, "m", value, timestamp=timestamp, step=step)
    assert client.get_run(run_id).data.metrics["m"] == 4


def test_keys_with_slashes_spaces_and_unicode(client, run_id):
    keys = ["a/b/c", "a b", "val: loss", "손실", "A_z-0.9"]
    for key in keys:
        client.log_metric(run_id, key, 1.5)
        client.log_param(run_id, key, "é 🦜")
    run = client.get_run(run_id)
    assert run.data.metrics == dict.fromkeys(keys, 1.5)
    assert run.data.params == dict.fromkeys(keys, "é 🦜")


@pytest.mark.parametrize("key", ["a#b", "../a", "a//b", "/a", "a" * 251])
def test_keys_that_are_no_names_are_refused(client, run_id, key):
    with pytest.raises(MlflowException) as refusal:
        client.log_metric(run_id, key, 1)
    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


def test_long_parameter_values_are_kept_up_to_6000_characters(client, run_id):
    client.log_param(run_id, "p", "é" * 6000)
    assert client.get_run(run_id).data.params["p"] == "é" * 6000


def test_asynchronous_logging_arrives_after_flush(client, run_id):
    with mlflow.start_run(run_id=run_id):
        operations = [mlflow.log_metric("m", i, step=i, synchronous=False) for i in range(200)]
        operations.append(mlflow.log_params({"p": 1, "q": 2}, synchronous=False))
        operations.append(mlflow.log_metrics({"n": 1.5}, step=7, synchronous=False))
        operations.append(mlflow.set_tag("t", "v", synchronous=False))
        mlflow.flush_async_logging()
        for operation in operations:
            operation.wait()
    run = client.get_run(run_id)
    assert run.data.metrics == {"m": 199.0, "n": 1.5}
    assert run.data.params == {"p": "1", "q": "2"}
    assert run.data.tags["t"] == "v"
    assert [point.step for point in client.get_metric_history(run_id, "m")] == list(range(200))


def test_system_metrics_are_recorded(client):
    mlflow.set_system_metrics_sampling_interval(0.2)
    mlflow.set_system_metrics_samples_before_logging(1)
    with mlflow.start_run(log_system_metrics=True) as run:
        deadline = time.monotonic() + 30
        while "system/disk_usage_percentage" not in client.get_run(run.info.run_id).data.metrics:
            assert time.monotonic() < deadline
            time.sleep(0.3)
    metrics = client.get_run(run.info.run_id).data.metrics
    assert 0 <= metrics["system/cpu_utilization_percentage"] <= 100
    assert metrics["system/system_memory_usage_megabytes"] > 0
    assert client.get_metric_history(run.info.run_id, "system/disk_usage_percentage")
