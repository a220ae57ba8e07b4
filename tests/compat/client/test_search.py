"""Searching runs and experiments with the fluent API and the client, page by page."""

import mlflow
import pytest
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException


@pytest.fixture
def runs(client, experiment_id) -> list[str]:
    """25 runs: start time i + 1, metric i % 5 (missing for every seventh), a param, a tag."""
    ids = []
    for i in range(25):
        run = client.create_run(experiment_id, start_time=i + 1, run_name=f"run-{i:02}")
        client.log_batch(
            run.info.run_id,
            metrics=[Metric("m", i % 5, i, 0)] if i % 7 else [],
            params=[Param("p", f"v{i % 3}")],
            tags=[RunTag("even", "yes")] if i % 2 == 0 else [],
        )
        ids.append(run.info.run_id)
    return ids


def names(found) -> list[int]:
    return [int(run.info.run_name.removeprefix("run-")) for run in found]


def test_newest_first_by_default(client, experiment_id, runs):
    assert names(client.search_runs([experiment_id])) == list(range(24, -1, -1))


@pytest.mark.parametrize(
    ("condition", "keeps"),
    [
        ("metrics.m > 2", lambda i: i % 7 and i % 5 > 2),
        ("metrics.m != 2", lambda i: i % 7 and i % 5 != 2),
        ("params.p = 'v1'", lambda i: i % 3 == 1),
        ("params.p LIKE 'v%' AND metrics.m <= 1", lambda i: i % 7 and i % 5 <= 1),
        ("tags.even = 'yes'", lambda i: i % 2 == 0),
        ("tags.even != 'no'", lambda i: i % 2 == 0),
        ("attributes.run_name ILIKE 'RUN-1%'", lambda i: 10 <= i < 20),
        ("start_time > 20 AND start_time <= 23", lambda i: 20 <= i < 23),
        ("status = 'RUNNING' and tags.`even` = \"yes\"", lambda i: i % 2 == 0),
        ("metrics.unknown > 0", lambda i: False),
    ],
)
def test_filters(client, experiment_id, runs, condition, keeps):
    found = client.search_runs([experiment_id], condition, order_by=["start_time ASC"])
    assert names(found) == [i for i in range(25) if keeps(i)]


def test_run_id_in_a_list(client, experiment_id, runs):
    wanted = ", ".join(f"'{run_id}'" for run_id in runs[3:6])
    assert sorted(names(client.search_runs([experiment_id], f"run_id IN ({wanted})"))) == [3, 4, 5]


def test_order_by_metric_puts_missing_last_and_breaks_ties_by_newest(client, experiment_id, runs):
    found = names(client.search_runs([experiment_id], order_by=["metrics.m DESC"]))
    expected = sorted(range(25), key=lambda i: (i % 7 == 0, -(i % 5) if i % 7 else 0, -i))
    assert found == expected


def test_order_by_several_keys(client, experiment_id, runs):
    found = client.search_runs([experiment_id], order_by=["params.p ASC", "start_time ASC"])
    assert names(found) == sorted(range(25), key=lambda i: (i % 3, i))


def test_pages_cover_everything_once(client, experiment_id, runs):
    pages, token = [], None
    while True:
        page = client.search_runs([experiment_id], max_results=10, page_token=token)
        pages.append(names(page))
        token = page.token
        if not token:
            break
    assert [len(page) for page in pages] == [10, 10, 5]
    assert sum(pages, []) == list(range(24, -1, -1))


def test_fluent_search_gives_a_table(experiment_id, runs):
    table = mlflow.search_runs([experiment_id], "metrics.m = 3", order_by=["start_time"])
    expected = [i for i in range(25) if i % 7 and i % 5 == 3]
    assert list(table["tags.mlflow.runName"]) == [f"run-{i:02}" for i in expected]
    assert set(table["metrics.m"]) == {3.0}
    assert set(table["params.p"]) <= {"v0", "v1", "v2"}


def test_fluent_search_by_experiment_name(client, experiment_id, runs):
    name = client.get_experiment(experiment_id).name
    assert len(mlflow.search_runs(experiment_names=[name], max_results=7)) == 7
    assert len(mlflow.search_runs(experiment_names=[name], output_format="list")) == 25


def test_search_over_two_experiments(client, experiment_id, runs):
    other = client.create_experiment(f"other of {experiment_id}")
    client.create_run(other, run_name="run-99", start_time=99)
    assert names(client.search_runs([experiment_id, other]))[:2] == [99, 24]


@pytest.mark.parametrize(
    "condition", ["colour = 'red'", "metrics.m", "metrics.m > 'a'", "params.p > 'a'", "((("]
)
def test_bad_filters_are_the_users_mistake(client, experiment_id, condition):
    with pytest.raises(MlflowException) as refusal:
        client.search_runs([experiment_id], condition)
    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


def test_page_token_that_is_none_is_refused(client, experiment_id):
    with pytest.raises(MlflowException) as refusal:
        client.search_runs([experiment_id], page_token="rubbish")
    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


def test_search_experiments_pages_and_views(client, experiment_id):
    prefix = f"page of {experiment_id} "
    ids = [client.create_experiment(f"{prefix}{i}", tags={"n": str(i)}) for i in range(5)]
    client.delete_experiment(ids[4])

    def found(**kwargs):
        condition = f"name LIKE '{prefix}%'"
        return client.search_experiments(filter_string=condition, order_by=["name"], **kwargs)

    first = found(max_results=3)
    second = found(max_results=3, page_token=first.token)
    assert [e.experiment_id for e in [*first, *second]] == ids[:4]
    assert not second.token
    assert [e.experiment_id for e in found(view_type=ViewType.DELETED_ONLY)] == ids[4:]
    assert [e.experiment_id for e in found(view_type=ViewType.ALL)] == ids
    tagged = client.search_experiments(filter_string=f"tags.n = '2' AND name LIKE '{prefix}%'")
    assert [e.experiment_id for e in tagged] == [ids[2]]
