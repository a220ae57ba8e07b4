"""Requests that cost much are refused soon, and the server answers the next one."""

import json
import time

import pytest

from serving import models
from serving.cases import GOOD
from serving.servers import Case, modelyard_process

MIB = 1 << 20
# Wide of what any of these takes, far below what working on them would.
LIMIT_S = 30


@pytest.fixture(scope="module")
def narrow(served):
    """A server that takes 1 MiB."""
    log = served.folder / "narrow.log"
    server = modelyard_process(served.folder / "forest", log, "--max-body", "1")
    yield server.wait()
    server.stop()


def answers(server) -> bool:
    answer = server.send(Case("forest", "good", GOOD.encode()))
    return answer.status == 200 and len(json.loads(answer.body)["predictions"]) == 1


def timed(server, body, content_type="application/json", path="/invocations"):
    begun = time.monotonic()
    answer = server.send(Case("forest", "much", body, content_type, path=path))
    assert time.monotonic() - begun < LIMIT_S
    return answer


@pytest.mark.parametrize(
    "path", ["/invocations", "/v2/models/forest/infer", "/v1/models/forest:predict"]
)
def test_a_body_above_the_limit_is_413(narrow, path):
    answer = timed(narrow, b"[" * (100 * MIB), path=path)
    assert answer.status == 413
    assert json.loads(answer.body)
    assert answers(narrow)


def test_a_body_at_the_limit_is_read(narrow):
    body = GOOD.encode()
    assert timed(narrow, body + b" " * (MIB - len(body))).status == 200
    assert timed(narrow, body + b" " * (MIB - len(body) + 1)).status == 413


DEEP = {
    "lists": b"[" * 2000 + b"]" * 2000,
    "lists without end": b"[" * 100_000,
    "objects": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "below inputs": b'{"inputs": ' + b"[" * 2000 + b"]" * 2000 + b"}",
    "below params": GOOD[:-1].encode() + b', "params": ' + b"[" * 2000 + b"]" * 2000 + b"}",
}


@pytest.mark.parametrize("label", DEEP)
def test_deep_json_is_refused(narrow, label):
    answer = timed(narrow, DEEP[label])
    assert answer.status == 400
    assert json.loads(answer.body)["error_code"]
    assert answers(narrow)


ROWS = 1_000_000
NAMES = [f"c{n}" for n in range(1000)]
FULL = json.dumps([1] * 1000)
RECORD = json.dumps(dict.fromkeys(NAMES, 1))
# Small bodies that are frames of 10^9 cells once every row is filled up.
GROWING = {
    "rows of nothing": f'{{"dataframe_split": {{"columns": ["a"], "data": [{"[]," * ROWS}[]]}}}}',
    "rows shorter than the columns": (
        f'{{"dataframe_split": {{"columns": {json.dumps(NAMES)}, "data": [{FULL}{",[]" * ROWS}]}}}}'
    ),
    "rows shorter than the first": (
        f'{{"dataframe_split": {{"data": [{FULL}{",[]" * ROWS}]}}}}'
    ),
    "records of nothing": f'{{"dataframe_records": [{"{}," * ROWS}{{}}]}}',
    "records after a wide one": f'{{"dataframe_records": [{RECORD}{",{}" * ROWS}]}}',
    "inputs after a wide one": f'{{"inputs": [{RECORD}{",{}" * ROWS}]}}',
    "instances after a wide one": f'{{"instances": [{RECORD}{",{}" * ROWS}]}}',
    "a column for each record": (
        '{"dataframe_records": [%s]}' % ",".join(f'{{"c{n}": 1}}' for n in range(50_000))
    ),
    "a digit too many": '{"inputs": {"a": [%s]}}' % ("9" * 1_000_000),
}


@pytest.mark.parametrize("label", GROWING)
def test_what_grows_is_refused(served, label):
    answer = timed(served.ours("forest"), GROWING[label].encode())
    assert answer.status == 400
    assert answers(served.ours("forest"))


def test_kserves_records_that_grow_are_refused(served):
    body = GROWING["instances after a wide one"].encode()
    answer = timed(served.ours("forest"), body, path="/v1/models/forest:predict")
    assert answer.status == 400
    assert answers(served.ours("forest"))


def test_a_csv_that_grows_is_refused(served):
    body = (",".join(NAMES) + "\n" + "1\n" * 20_000).encode()
    assert timed(served.ours("forest"), body, "text/csv").status == 400
    assert answers(served.ours("forest"))


@pytest.mark.parametrize("cell", ["1,", "1.5,"])
def test_one_column_of_many_cells_and_scalars_is_answered(served, cell):
    body = f'{{"inputs": {{"a": [{cell * 200_000}1], "b": 1, "c": 2}}}}'
    assert timed(served.ours("forest"), body.encode()).status == 200


def test_a_large_request_is_answered(served):
    rows = models.NUMBERS.to_numpy().tolist() * 500
    body = {"dataframe_split": {"columns": ["a", "b", "c"], "data": rows}}
    answer = timed(served.ours("forest"), json.dumps(body).encode())
    assert answer.status == 200
    expected = served.estimators["forest"].predict(models.NUMBERS).tolist() * 500
    assert json.loads(answer.body)["predictions"] == expected
