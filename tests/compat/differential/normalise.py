"""Makes two servers' answers comparable: what must differ becomes a token, by its value.

Nothing is deleted. Ids, times and random names are recognised by what they are (a value the
script saved, an id's shape, a time at which the script ran) and replaced by a token that says so;
everything else stays as it came.
"""

import json
import re
from typing import Any

from differential.corpus import Step
from differential.replay import Answer, Recording

ID = re.compile(r"\b(m-|d-|tr-)?([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
RANDOM_NAME = re.compile(r"^[a-z]+-[a-z]+-\d{1,4}$")
RANDOM_NAME_IN_PROSE = re.compile(r"(?<=')[a-z]+-[a-z]+-\d{1,4}(?=')")
EPOCH_MS = re.compile(r"(?<!\d)\d{13}(?!\d)")
EXPERIMENT_PROSE = re.compile(r"(?i)(experiment[ _](?:with )?(?:ids?)?[ ='\"\[]*)(\d+)")
EXPERIMENT_PATH = re.compile(r"\b(\d+)(?=/[0-9a-f]{32}\b|/models/m-)")
EXPERIMENT_URI = re.compile(r"(mlflow-artifacts:/)(\d+)\b")
# Clocks are read before a request is sent and after it is answered, by another process.
CLOCK_SLACK_MS = 2000

# Fields that hold an experiment id, which is a short number: it is replaced there and in the two
# kinds of text below, not wherever the digit appears.
EXPERIMENT_FIELDS = ("experiment_id", "experiment_ids", "experimentId")
PROSE_FIELDS = ("message", "detail")
TOKEN_FIELDS = ("next_page_token", "nextPageToken")
RANDOM_NAME_FIELDS = ("run_name", "name", "value")

# MLflow reads these lists from the database without an order, and its clients make maps of them.
# (`metrics` is such a list only inside `data`; a metric's history has an order.)
UNORDERED = ("tags", "params", "data.metrics")

# The same, but of random ids or of whole objects: these are ordered by their tokens.
UNORDERED_IDS = ("model_inputs", "model_outputs", "dataset_summaries")

# Sent only where the answer is an artifact, and compared there.
VOLATILE_HEADERS = {"etag": "<etag>", "last-modified": "<date>"}


class Normaliser:
    """Tokens of one scenario on one server.

    What the script saved is called by the variable's name in all later answers; the rest is
    numbered within each answer, so that one object too many does not rename all that follow.
    """

    def __init__(self, recording: Recording):
        self.recording = recording
        self.earliest_ms = recording.started_ms - CLOCK_SLACK_MS
        self.latest_ms = recording.ended_ms + CLOCK_SLACK_MS
        self._learn({})

    def answer(self, step: Step) -> dict:
        """Status, media type and body of the step's answer, and the headers that it names."""
        answer = self.recording.answers[step.name]
        self._learn(self.recording.variables[step.name])
        return {
            "status": answer.status,
            "type": _media_type(answer),
            "headers": {name: self._header(answer, name) for name in step.check_headers},
            "body": self._body(answer),
        }

    def _learn(self, variables: dict[str, str]) -> None:
        """Takes over the variables' values as they are at this step, and nothing else."""
        self.ids: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.experiments: dict[str, str] = {}
        for name, value in variables.items():
            if ID.fullmatch(value):
                self.ids[value] = f"<{name}>"
            elif value.isdigit():
                self.experiments[value] = f"<{name}>"
            elif RANDOM_NAME.match(value):
                self.names[value] = f"<{name}>"

    def _header(self, answer: Answer, name: str) -> str | None:
        value = answer.headers.get(name)
        if value is not None and name in VOLATILE_HEADERS:
            return VOLATILE_HEADERS[name]
        if name == "content-length" and _is_json(answer):
            # MLflow prints some JSON compact and some indented.
            return "<length of the JSON>"
        return value and self._text("", value)

    def _body(self, answer: Answer) -> Any:
        if not answer.body:
            return ""
        if _is_json(answer):
            try:
                return self.value("", json.loads(answer.body))
            except ValueError:
                pass
        try:
            return self._text("message", answer.body.decode())
        except UnicodeDecodeError:
            return answer.body.hex()

    def value(self, field: str, value: Any) -> Any:
        """The value with its tokens; `field` is the name it stands under."""
        if isinstance(value, dict):
            return self._object(field, value)
        if isinstance(value, list):
            # Before the tokens are numbered, or their numbers would depend on the order.
            items = sorted(value, key=_sort_key) if field in UNORDERED else value
            items = [self.value(field, item) for item in items]
            return sorted(items, key=str) if field in UNORDERED_IDS else items
        if isinstance(value, str):
            return self._text(field, value)
        if isinstance(value, int) and not isinstance(value, bool):
            return self._number(field, value)
        return value

    def _object(self, field: str, fields: dict) -> dict:
        result = {
            key: self.value("data.metrics" if (field, key) == ("data", "metrics") else key, value)
            for key, value in sorted(fields.items())
        }
        # Whether an object was changed after its creation is part of the answer.
        for created, changed in CHANGE_TIMES:
            if result.get(changed) == "<now>" and result.get(created) == "<now>":
                later = fields[changed] > fields[created]
                result[changed] = f"<now, after {created}>" if later else f"<{created}>"
        return result

    def _number(self, field: str, value: int) -> Any:
        if self._is_now(value):
            return "<now>"
        if field in EXPERIMENT_FIELDS:
            return self._experiment(str(value))
        return value

    def _is_now(self, epoch_ms: int) -> bool:
        return self.earliest_ms <= epoch_ms <= self.latest_ms

    def _text(self, field: str, text: str) -> str:
        if field in TOKEN_FIELDS:
            return "<token>" if text else ""
        if field in EXPERIMENT_FIELDS and text.isdigit():
            return self._experiment(text)
        if EPOCH_MS.fullmatch(text) and self._is_now(int(text)):
            return "<now>"
        if field in RANDOM_NAME_FIELDS and RANDOM_NAME.match(text):
            return self.names.setdefault(text, f"<name {len(self.names) + 1}>")
        text = EXPERIMENT_PATH.sub(lambda m: self.experiments.get(m[1], m[1]), text)
        text = ID.sub(lambda match: self._id(match[0]), text)
        text = EXPERIMENT_URI.sub(lambda m: m[1] + self._experiment(m[2]), text)
        if field in PROSE_FIELDS:
            text = EPOCH_MS.sub(lambda m: "<now>" if self._is_now(int(m[0])) else m[0], text)
            text = EXPERIMENT_PROSE.sub(lambda m: m[1] + self.experiments.get(m[2], m[2]), text)
            text = RANDOM_NAME_IN_PROSE.sub("<name>", text)
        return text

    def _experiment(self, value: str) -> str:
        """The default experiment is 0 everywhere; the others are numbered by the database."""
        if value == "0":
            return value
        return self.experiments.setdefault(value, f"<experiment {len(self.experiments) + 1}>")

    def _id(self, value: str) -> str:
        return self.ids.setdefault(value, f"<id {len(self.ids) + 1}>")


CHANGE_TIMES = (
    ("creation_time", "last_update_time"),
    ("creation_timestamp_ms", "last_updated_timestamp_ms"),
)


def _media_type(answer: Answer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_json(answer: Answer) -> bool:
    """Whether the body is an answer in JSON, and not an artifact that happens to be JSON."""
    attached = answer.headers.get("content-disposition", "").startswith("attachment")
    return _media_type(answer) == "application/json" and not attached


def _sort_key(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    # A logged model may hold one metric several times, once for each dataset.
    fields = ("key", "dataset_name", "dataset_digest", "step", "value")
    return str([item.get(field) for field in fields])
