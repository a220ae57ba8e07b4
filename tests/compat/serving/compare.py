"""What of two answers has to be the same."""

import json
import math
import re

from serving.servers import Answer

RELATIVE = 1e-12


def last_sentence(message: str) -> str:
    """What a client can act on, as tests/scoring/record.py cuts it; sets of Python in order."""
    _, found, last = message.rpartition("Error: ")
    text = last.split("\n")[0] if found else message
    text = re.sub(
        r"\{('[^{}:]*')\}", lambda m: "{" + ", ".join(sorted(m[1].split(", "))) + "}", text
    )
    text = re.sub(
        r"(extra inputs: \[)(.*)\]",
        lambda m: m[1] + ", ".join(sorted(m[2].split(", "))) + "]",
        text,
    )
    return text[:400]


def error(answer: Answer) -> object:
    """The parts of an error's JSON that are compared; the text of another one."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return answer.body.decode(errors="replace")
    if not isinstance(body, dict) or "message" not in body:
        return body
    kept = {key: body.get(key) for key in ("error_code", "error_class", "sqlstate")}
    return kept | {"last": last_sentence(body["message"])}


def close(one: object, other: object) -> bool:
    """Equal, numbers within the tolerance."""
    if isinstance(one, float) and isinstance(other, float):
        same = math.isclose(one, other, rel_tol=RELATIVE)
        return same or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list) and isinstance(other, list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(close(*pair) for pair in pairs)
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(close(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def difference(expected: Answer, actual: Answer, linear: bool) -> str | None:
    """How ours differs from MLflow's answer, or None."""
    both = f"\nMLflow: {shown(expected)}\nours:   {shown(actual)}"
    if expected.status != actual.status:
        return f"status{both}"
    if expected.status != 200:
        return None if error(expected) == error(actual) else f"error{both}"
    if expected.headers.get("content-type") != actual.headers.get("content-type"):
        return f"content type {expected.headers} {actual.headers}"
    if expected.body == actual.body:
        return None
    if linear and close(json.loads(expected.body), json.loads(actual.body)):
        return None
    return f"body{both}"


def shown(answer: Answer) -> str:
    return f"{answer.status} {answer.body.decode(errors='replace')[:3000]}"
