"""Plays a scenario's steps against one server and records the answers as they came."""

import http.client
import json
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from differential.corpus import Int, Scenario, Step
from harness.servers import Server

VARIABLE = re.compile(r"\$\{(\w+)\}")
TIMEOUT_S = 60
# Two changes of one object must never fall into the same millisecond, or "changed later" and
# "changed at creation" look alike.
PAUSE_S = 0.002


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; bare `NaN` is read as Python reads it."""
        return json.loads(self.body)


@dataclass
class Recording:
    """The answers of one scenario by step name, and the variables as they were after each step.

    The time begins with the server's start, for the default experiment is as old as that.
    """

    answers: dict[str, Answer]
    variables: dict[str, dict[str, str]]
    started_ms: int
    ended_ms: int


class ScriptError(Exception):
    """The script cannot go on: a variable it needs was not in an answer."""


def play(scenario: Scenario, server: Server) -> Recording:
    """Sends every step in order over one connection."""
    # The constants every script can use beside what it saves itself.
    variables = {"prefix": scenario.prefix, "twin": scenario.prefix.strip("/")}
    saved: dict[str, str] = {}
    answers, history = {}, {}
    for step in scenario.steps:
        if step.sort is not None:
            _sort(step.sort, saved)
            continue
        answer = _send(server, scenario, step, variables | saved)
        answers[step.name] = answer
        _save(scenario, step, answer, saved)
        history[step.name] = dict(saved)
        time.sleep(PAUSE_S)
    return Recording(answers, history, server.started_ms, time.time_ns() // 1_000_000)


def fill(value: Any, variables: dict[str, str]) -> Any:
    """The value with every `${name}` replaced, in keys too."""
    if isinstance(value, Int):
        return int(fill(value.text, variables))
    if isinstance(value, str):
        return VARIABLE.sub(lambda match: variables[match[1]], value)
    if isinstance(value, list):
        return [fill(item, variables) for item in value]
    if isinstance(value, dict):
        return {fill(key, variables): fill(item, variables) for key, item in value.items()}
    return value


def dig(value: Any, path: str) -> Any:
    """Follows a path such as `runs.0.info.run_id`; None when there is nothing at its end."""
    for part in path.split("."):
        if isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value


def _sort(names: list[str], saved: dict[str, str]) -> None:
    """Gives the named variables their own values in ascending order.

    Ids are random, so a script that checks a tie-break by id first sorts the ids it was given.
    """
    for name, value in zip(names, sorted(saved[name] for name in names), strict=True):
        saved[name] = value


def _save(scenario: Scenario, step: Step, answer: Answer, saved: dict[str, str]) -> None:
    for name, path in step.save.items():
        try:
            value = dig(answer.json(), path)
        except ValueError:
            value = None
        if value is None:
            raise ScriptError(
                f"{scenario.case_id(step)}: no {path} in the answer "
                f"({answer.status} {answer.body[:400]!r})"
            )
        saved[name] = str(value)


def _send(server: Server, scenario: Scenario, step: Step, variables: dict) -> Answer:
    """One request on a connection of its own: no step may disturb the next one's framing."""
    path = fill(step.path, variables)
    if not path.startswith("/"):
        path = f"{scenario.prefix}/2.0/mlflow/{path}"
    if step.query is not None:
        path += "?" + _query(fill(step.query, variables))
    body, headers = _body(step, variables)
    headers |= {"host": f"127.0.0.1:{server.port}", "accept": "*/*"}
    headers |= {
        name.lower(): value and fill(value, variables).replace("{port}", str(server.port))
        for name, value in step.headers.items()
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
    try:
        connection.putrequest(step.method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, fields, response.read())
    finally:
        connection.close()


def _query(query: Any) -> str:
    """A query string; text goes out as written, a list value as repeated parameters."""
    if isinstance(query, str):
        return quote(query, safe="=&%+,:;/'\"!()*[]{}~$@?")
    return urlencode(query, doseq=True)


def _body(step: Step, variables: dict) -> tuple[bytes | None, dict]:
    if step.raw is not None:
        content = fill(step.raw, variables).encode()
        headers = {}
    elif step.body is not None:
        content = json.dumps(fill(step.body, variables)).encode()
        headers = {"content-type": "application/json"}
    else:
        return None, {"content-length": "0"} if step.method in ("POST", "PUT") else {}
    return content, headers | {"content-length": str(len(content))}
