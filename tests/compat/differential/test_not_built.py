"""What is not built answers as a server that never heard of it: 404, not JSON, naming the path.

MLflow's clients take a 404 that is not JSON for "this server has no such endpoint" and fall back to
an older way, or do without; a 404 in JSON means to them that an object does not exist.
"""

import http.client
from pathlib import Path

import pytest

from harness.servers import start

LINES = Path(__file__).with_name("not-built.txt").read_text().splitlines()
ENDPOINTS = [
    (method, path.replace("{p}", prefix).replace("*", "x"))
    for method, path in (line.split() for line in LINES if not line.startswith("#"))
    for prefix in (("/api", "/ajax-api") if "{p}" in path else ("",))
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = start("modelyard", tmp_path_factory.mktemp("not-built") / "server")
    yield server
    server.stop()


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_endpoint_is_not_known(server, method, path):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(method, path, "{}", {"content-type": "application/json"})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    assert answer.status == 404
    assert answer.headers.get_content_type() == "text/plain"
    assert path in body
