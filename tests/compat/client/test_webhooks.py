"""Webhooks through the unchanged client, to a receiver that checks the signature with MLflow's own code."""

import hmac
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from harness.servers import LOCAL_STORES, start

pytestmark = pytest.mark.mlflow3

SECRET = "s3cret é"
# The receivers are on this machine.
LOOSE = {
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http",
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    # MLflow's own server looks for new webhooks only so often.
    "MLFLOW_WEBHOOK_CACHE_TTL": "0",
}
PATIENCE_S = 60


class Receiver:
    """Takes what is sent to it, and keeps headers and bodies."""

    def __init__(self):
        received = self.received = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                received.append((dict(self.headers.items()), body))
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def wait_for(self, count: int) -> list:
        deadline = time.monotonic() + PATIENCE_S
        while len(self.received) < count:
            assert time.monotonic() < deadline, f"only {len(self.received)} of {count} came"
            time.sleep(0.01)
        return self.received


@pytest.fixture(scope="module")
def loose_url(request, tmp_path_factory):
    """A server whose webhooks may reach this machine."""
    kind = request.config.getoption("--server")
    server = start(kind, tmp_path_factory.mktemp("loose") / kind, LOCAL_STORES, LOOSE)
    yield server.url
    server.stop()


@pytest.fixture
def loose(loose_url) -> MlflowClient:
    return MlflowClient(loose_url, loose_url)


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"told-{os.urandom(4).hex()}"


def is_signed(headers: dict, body: bytes) -> bool:
    """Whether MLflow would sign it so."""
    from mlflow.webhooks.delivery import _generate_hmac_signature

    headers = {name.lower(): value for name, value in headers.items()}
    expected = _generate_hmac_signature(
        SECRET, headers["x-mlflow-delivery-id"], headers["x-mlflow-timestamp"], body.decode()
    )
    return hmac.compare_digest(expected, headers["x-mlflow-signature"])


def test_a_webhook_from_creation_to_deletion(loose, receiver):
    made = loose.create_webhook(
        name="ci", url=receiver.url, events=["model_version.created"], description="starts it"
    )
    assert str(made.status) == "ACTIVE"
    assert [str(event) for event in made.events] == ["model_version.created"]
    assert loose.get_webhook(made.webhook_id).description == "starts it"
    changed = loose.update_webhook(made.webhook_id, name="cd", status="DISABLED")
    assert (changed.name, str(changed.status)) == ("cd", "DISABLED")
    assert made.webhook_id in [webhook.webhook_id for webhook in loose.list_webhooks()]
    result = loose.test_webhook(made.webhook_id)
    assert (result.success, result.response_status, result.response_body) == (True, 200, "ok")
    loose.delete_webhook(made.webhook_id)
    with pytest.raises(MlflowException, match="not found"):
        loose.get_webhook(made.webhook_id)


def test_every_change_arrives_signed(loose, receiver, name):
    webhook = loose.create_webhook(
        name="all",
        url=receiver.url,
        secret=SECRET,
        events=[
            "registered_model.created",
            "model_version.created",
            "model_version_tag.set",
            "model_version_tag.deleted",
            "model_version_alias.created",
            "model_version_alias.deleted",
        ],
    )
    # MLflow sends side by side, so each has to arrive before the next is made.
    expected = []

    def told(event: str, data: dict):
        expected.append((event, data))
        receiver.wait_for(len(expected))

    loose.create_registered_model(name, tags={"team": "é"}, description="a model")
    data = {"name": name, "tags": {"team": "é"}, "description": "a model"}
    told("registered_model.created", data)
    source = "s3://bucket/model"
    loose.create_model_version(name, source, tags={"a": "b"})
    data = {"name": name, "version": "1", "source": source, "run_id": None, "tags": {"a": "b"}}
    told("model_version.created", data | {"description": None})
    loose.set_model_version_tag(name, "1", "stage", "green")
    data = {"name": name, "version": "1", "key": "stage"}
    told("model_version_tag.set", data | {"value": "green"})
    loose.delete_model_version_tag(name, "1", "stage")
    told("model_version_tag.deleted", data)
    loose.set_registered_model_alias(name, "champion", "1")
    data = {"name": name, "alias": "champion"}
    told("model_version_alias.created", data | {"version": "1"})
    loose.delete_registered_model_alias(name, "champion")
    told("model_version_alias.deleted", data)

    bodies = [json.loads(body) for _, body in receiver.received]
    assert [(f"{it['entity']}.{it['action']}", it["data"]) for it in bodies] == expected
    assert all(list(it) == ["entity", "action", "timestamp", "data"] for it in bodies)
    assert all(is_signed(headers, body) for headers, body in receiver.received)
    loose.delete_webhook(webhook.webhook_id)


def test_prompts_arrive_as_prompts(loose_url, loose, receiver, name):
    webhook = loose.create_webhook(
        name="prompts",
        url=receiver.url,
        events=["prompt.created", "prompt_version.created", "prompt_alias.created"],
    )
    loose.register_prompt(name, "Hello {{name}}!", tags={"lang": "en"})
    received = receiver.wait_for(2)
    kinds = {json.loads(body)["entity"]: json.loads(body)["data"] for _, body in received}
    assert kinds["prompt"]["name"] == name
    assert kinds["prompt_version"]["template"] == "Hello {{name}}!"
    assert kinds["prompt_version"]["tags"]["lang"] == "en"
    assert not any(key.startswith("mlflow.prompt.") for key in kinds["prompt"]["tags"])
    loose.set_prompt_alias(name, "best", 1)
    alias = json.loads(receiver.wait_for(3)[2][1])
    assert alias["data"] == {"name": name, "alias": "best", "version": "1"}
    loose.delete_webhook(webhook.webhook_id)


def test_a_private_address_is_refused(client):
    """By the server of the session, which has its default settings."""
    for url in ("https://127.0.0.1/", "https://169.254.169.254/", "http://8.8.8.8/"):
        with pytest.raises(MlflowException, match="Webhook URL|webhook URL"):
            client.create_webhook(name="w", url=url, events=["prompt.created"])
