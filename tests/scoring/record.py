"""Record what MLflow's own scoring server answers, as the oracle of `crates/models`.

    python tests/scoring/record.py

runs the FastAPI application of `mlflow models serve` in this process over the signatures of
`signatures.py`, with models that give back what reached them, so that parsing, casting and
enforcement are visible in the answer. It writes one line per request to
`crates/models/tests/recordings/scoring.jsonl`, and the signatures, as they stand in an `MLmodel`
file, to `signatures.json` beside it.
"""

import asyncio
import base64
import contextlib
import json
import logging
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow.models import Model
from mlflow.pyfunc import PyFuncModel
from mlflow.pyfunc.scoring_server import init

from cases import CASES, JSON
from signatures import SIGNATURES

HERE = Path(__file__).parent
RECORDINGS = HERE / "../../crates/models/tests/recordings"


class Echo:
    """Gives back its input."""

    def predict(self, data, params=None):
        return data


class Types:
    """Tells what it was given: columns with their types, or type and shape."""

    def predict(self, data, params=None):
        return described(data)


class Params:
    """Gives back its parameters."""

    def predict(self, data, params=None):
        return params


def described(data):
    if isinstance(data, pd.DataFrame):
        return [[name, str(data.dtypes.iloc[at])] for at, name in enumerate(data.columns)]
    if isinstance(data, np.ndarray):
        return [str(data.dtype), list(data.shape)]
    if isinstance(data, dict):
        return {name: described(value) for name, value in data.items()}
    return type(data).__name__


MODELS = {"echo": Echo, "types": Types, "params": Params}


def application(signature, model):
    meta = Model(flavors={"python_function": {"loader_module": "echo"}}, signature=signature)
    return init(PyFuncModel(model_meta=meta, model_impl=MODELS[model]()))


async def post(app, content_type, body):
    """One request, without a socket: status and body of the answer."""
    headers = [] if content_type is None else [(b"content-type", content_type.encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/invocations",
        "raw_path": b"/invocations",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("h", 80),
    }
    pending = [{"type": "http.request", "body": body, "more_body": False}]
    sent = []

    async def receive():
        return pending.pop() if pending else await asyncio.Future()

    async def send(message):
        sent.append(message)

    # What starlette answers with 500, it raises again for the server's log.
    with contextlib.suppress(Exception):
        await app(scope, receive, send)
    status = next(m["status"] for m in sent if m["type"] == "http.response.start")
    return status, b"".join(m.get("body", b"") for m in sent)


def last_sentence(message):
    """What a client can act on: the text after the last `Error: `, to the end of its line, or all.

    What stands in a Python set comes in any order, and what is repeated of the input is long.
    """
    _, found, last = message.rpartition("Error: ")
    text = last.split("\n")[0] if found else message
    text = re.sub(
        r"\{('[^{}:]*')\}", lambda m: "{" + ", ".join(sorted(m[1].split(", "))) + "}", text
    )
    return text[:400]


def record(case):
    signature, model, content_type, body = case
    status, answer = asyncio.run(post(APPS[signature, model], content_type, body))
    line = {"signature": signature}
    line |= {"model": model} if model != "echo" else {}
    line |= {"type": content_type} if content_type != JSON else {}
    try:
        line["body"] = body.decode("ascii")
    except UnicodeDecodeError:
        line["base64"] = base64.b64encode(body).decode()
    if status != 200:
        line["status"] = status
    if status == 400:
        error = json.loads(answer)
        line["error"] = [error["error_code"], error["error_class"], error["sqlstate"]]
        line["last"] = last_sentence(error["message"])
    else:
        line["answer"] = answer.decode()
    return line


class Applications(dict):
    def __missing__(self, key):
        signature, model = key
        self[key] = application(SIGNATURES[signature], model)
        return self[key]


APPS = Applications()


def main():
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    RECORDINGS.mkdir(parents=True, exist_ok=True)
    signatures = {name: s and s.to_dict() for name, s in SIGNATURES.items()}
    (RECORDINGS / "signatures.json").write_text(json.dumps(signatures, indent=1) + "\n")
    with open(RECORDINGS / "scoring.jsonl", "w") as out:
        for case in CASES:
            line = record(case)
            # An error is the same whatever the model.
            if "status" not in line or case[1] != "types":
                out.write(json.dumps(line, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
