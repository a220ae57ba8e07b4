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


def many(row: str, rows: int, columns: str) -> bytes:
    data = ",".join([row] * rows)
    return f'{{"dataframe_split": {{"columns": {columns}, "data": [{data}]}}}}'.encode()


def test_rows_of_nothing_are_refused(served):
    wide = json.dumps([f"c{n}" for n in range(1000)])
    for columns in ('["a"]', wide):
        answer = timed(served.ours("forest"), many("[]", 5_000_000, columns))
        assert answer.status == 400
    assert answers(served.ours("forest"))


def test_records_of_nothing_are_refused(served):
    body = b'{"dataframe_records": [' + b",".join([b"{}"] * 3_000_000) + b"]}"
    assert timed(served.ours("forest"), body).status == 400
    assert answers(served.ours("forest"))


def test_records_with_a_column_each_are_refused(served):
    rows = ",".join(f'{{"c{n}": 1}}' for n in range(20_000))
    answer = timed(served.ours("forest"), f'{{"dataframe_records": [{rows}]}}'.encode())
    assert answer.status == 400
    assert answers(served.ours("forest"))


def test_a_frame_of_too_many_cells_is_refused(served):
    answer = timed(served.ours("forest"), many("[0]", 17_000_000, '["a"]'))
    assert answer.status == 400
    assert answers(served.ours("forest"))


def test_a_csv_of_empty_columns_is_refused(served):
    body = b"," * 50_000 + b"\n" + (b"\n" * 100) + b"1\n" * 5_000
    assert timed(served.ours("forest"), body, "text/csv").status == 400
    assert answers(served.ours("forest"))


def test_a_large_request_is_answered(served):
    rows = models.NUMBERS.to_numpy().tolist() * 500
    body = {"dataframe_split": {"columns": ["a", "b", "c"], "data": rows}}
    answer = timed(served.ours("forest"), json.dumps(body).encode())
    assert answer.status == 200
    expected = served.estimators["forest"].predict(models.NUMBERS).tolist() * 500
    assert json.loads(answer.body)["predictions"] == expected
