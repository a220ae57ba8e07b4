"""Many threads writing at once: nothing is lost, doubled or refused."""

from concurrent.futures import ThreadPoolExecutor

import mlflow
from mlflow.entities import Metric, Param, RunTag

THREADS = 8


def together(function, count):
    """Calls `function(0)` … `function(count - 1)` on several threads; the results in order."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(function, range(count)))


def test_runs_created_and_filled_by_threads(client, experiment_id):
    def one(i):
        run = client.create_run(experiment_id, run_name=f"r{i}", start_time=i + 1)
        client.log_batch(
            run.info.run_id,
            metrics=[Metric("m", float(i), step, step) for step in range(20)],
            params=[Param("i", str(i))],
            tags=[RunTag("t", str(i))],
        )
        client.set_terminated(run.info.run_id)
        return run.info.run_id

    ids = together(one, 40)
    assert len(set(ids)) == 40
    found = client.search_runs([experiment_id], order_by=["start_time ASC"])
    assert [run.info.run_id for run in found] == ids
    assert [run.data.metrics["m"] for run in found] == [float(i) for i in range(40)]
    assert [run.data.params["i"] for run in found] == [str(i) for i in range(40)]
    assert {run.info.status for run in found} == {"FINISHED"}


def test_one_run_written_by_threads(client, experiment_id):
    run_id = client.create_run(experiment_id).info.run_id

    def write(i):
        client.log_metric(run_id, "shared", i, timestamp=i, step=i)
        client.log_metric(run_id, f"own{i % 4}", i, timestamp=i, step=i)
        client.log_param(run_id, f"p{i}", i)
        client.set_tag(run_id, "last", str(i))

    together(write, 60)
    run = client.get_run(run_id)
    assert run.data.metrics["shared"] == 59
    assert [run.data.metrics[f"own{k}"] for k in range(4)] == [56, 57, 58, 59]
    assert run.data.params == {f"p{i}": str(i) for i in range(60)}
    assert int(run.data.tags["last"]) in range(60)
    steps = [point.step for point in client.get_metric_history(run_id, "shared")]
    assert steps == list(range(60))


def test_the_same_parameter_from_every_thread_is_no_conflict(client, experiment_id):
    run_id = client.create_run(experiment_id).info.run_id
    together(lambda _: client.log_param(run_id, "p", "same"), 16)
    assert client.get_run(run_id).data.params == {"p": "same"}


def test_only_one_thread_creates_an_experiment(client, experiment_id):
    name = f"race of {experiment_id}"

    def create(_):
        try:
            return client.create_experiment(name)
        except mlflow.exceptions.MlflowException as refusal:
            if refusal.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return None

    created = [found for found in together(create, 8) if found]
    assert [client.get_experiment_by_name(name).experiment_id] == created


def test_artifacts_uploaded_by_threads(client, experiment_id):
    run_id = client.create_run(experiment_id).info.run_id
    together(lambda i: client.log_text(run_id, f"{i}" * 5000, f"files/{i:02}.txt"), 24)
    entries = client.list_artifacts(run_id, "files")
    assert [(entry.path, entry.file_size) for entry in entries] == [
        (f"files/{i:02}.txt", 5000 * len(str(i))) for i in range(24)
    ]
