"""The requests that go to both servers, in tables."""
# Requests are easier to read on one line.
# ruff: noqa: E501

import io
import json

import pandas as pd

from serving.servers import Case

JSON = "application/json"
SPLIT = '{"dataframe_split": {"columns": ["a", "b", "c"], "data": [[%s]]}}'
GOOD = SPLIT % "0.5, -1.25, 3"


def nested(levels: int) -> bytes:
    return b'{"inputs": ' + b"[" * levels + b"1" + b"]" * levels + b"}"


def parquet() -> bytes:
    out = io.BytesIO()
    pd.DataFrame({"a": [0.5, 1], "b": [2.0, 3], "c": [4.0, 5]}).to_parquet(out)
    return out.getvalue()


# For every model of the columns a, b, c.
NUMBERS = {
    "split": GOOD,
    "split, rows": SPLIT % "1, 2, 3], [4.5, 5, 6], [0.1, 1e-7, 1e300",
    "split, other order": '{"dataframe_split": {"columns": ["c", "a", "b"], "data": [[3, 1, 2]]}}',
    "split, index": '{"dataframe_split": {"columns": ["a", "b", "c"], "index": [7], "data": [[1, 2, 3]]}}',
    "split, no columns": '{"dataframe_split": {"data": [[1, 2, 3]]}}',
    "split, no rows": '{"dataframe_split": {"columns": ["a", "b", "c"], "data": []}}',
    "split, empty row": SPLIT % "",
    "split, ragged": SPLIT % "1, 2, 3], [4, 5",
    "split, too wide": SPLIT % "1, 2, 3, 4",
    "split, no data": '{"dataframe_split": {"columns": ["a", "b", "c"]}}',
    "split, list": '{"dataframe_split": [1]}',
    "split, null": '{"dataframe_split": null}',
    "split, number": '{"dataframe_split": 5}',
    "split, missing": SPLIT % "null, 1, 2",
    "split, NaN": SPLIT % "NaN, 1, 2",
    "split, Infinity": SPLIT % "Infinity, 1, 2",
    "split, -Infinity": SPLIT % "1, -Infinity, 2",
    "split, overflow": SPLIT % "1e400, 1, 2",
    "split, integers": SPLIT % "1, 2, 3",
    "split, huge integer": SPLIT % "1, 2, 18446744073709551616",
    "split, inexact integer": SPLIT % "9007199254740993, 2, 3",
    "split, text": SPLIT % '"x", 2, 3',
    "split, number as text": SPLIT % '"1.5", 2, 3',
    "split, boolean": SPLIT % "true, false, 1",
    "split, list as cell": SPLIT % "[1], 2, 3",
    "split, object as cell": SPLIT % '{"k": 1}, 2, 3',
    "split, negative zero": SPLIT % "-0.0, 0, 0",
    "missing column": '{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}',
    "extra column": '{"dataframe_split": {"columns": ["a", "b", "c", "z"], "data": [[1, 2, 3, "x"]]}}',
    "other columns": '{"dataframe_split": {"columns": ["x", "y", "ü"], "data": [[1, 2, 3]]}}',
    "double column": '{"dataframe_split": {"columns": ["a", "a", "b", "c"], "data": [[1, 2, 3, 4]]}}',
    "records": '{"dataframe_records": [{"a": 1, "b": 2, "c": 3}, {"c": 1.5, "b": 2, "a": 0}]}',
    "records, missing cell": '{"dataframe_records": [{"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}]}',
    "records, missing column": '{"dataframe_records": [{"a": 1}]}',
    "records, none": '{"dataframe_records": []}',
    "records, empty": '{"dataframe_records": [{}]}',
    "records, lists": '{"dataframe_records": [[1, 2, 3]]}',
    "records, object": '{"dataframe_records": {"a": [1], "b": [2], "c": [3]}}',
    "records, null": '{"dataframe_records": null}',
    "inputs, columns": '{"inputs": {"a": [1.5, 2], "b": [3.5, 4], "c": [5.5, 6]}}',
    "inputs, integers": '{"inputs": {"a": [1, 2], "b": [3, 4], "c": [5, 6]}}',
    "inputs, scalars": '{"inputs": {"a": 1.5, "b": 2.5, "c": 3.5}}',
    "inputs, unequal": '{"inputs": {"a": [1.5, 2], "b": [3.5], "c": [5.5, 6]}}',
    "inputs, rows": '{"inputs": [[1.5, 2.5, 3.5]]}',
    "inputs, records": '{"inputs": [{"a": 1.5, "b": 2, "c": 3}]}',
    "inputs, empty": '{"inputs": []}',
    "inputs, null": '{"inputs": null}',
    "inputs, text": '{"inputs": "x"}',
    "instances, records": '{"instances": [{"a": 1.5, "b": 2.5, "c": 3.5}]}',
    "instances, rows": '{"instances": [[1.5, 2.5, 3.5]]}',
    "instances, ragged": '{"instances": [[1.5, 2.5, 3.5], [1]]}',
    "params unknown": GOOD[:-1] + ', "params": {"x": 1}}',
    "params null": GOOD[:-1] + ', "params": null}',
    "params list": GOOD[:-1] + ', "params": [1]}',
    "two forms": GOOD[:-1] + ', "inputs": [1]}',
    "unknown form": '{"rows": [[1, 2, 3]]}',
    "no form": "{}",
    "a list": "[[1, 2, 3]]",
    "a number": "5",
    "null": "null",
    "empty": "",
    "space": " \n",
    "no JSON": "a,b,c",
    "cut off": GOOD[:-2],
    "trailing": GOOD + "x",
    "trailing comma": SPLIT % "1, 2, 3,",
    "single quotes": GOOD.replace('"', "'"),
    "byte order mark": "\ufeff" + GOOD,
    "deep list": '{"inputs": ' + "[" * 40 + "1" + "]" * 40 + "}",
    "key twice": GOOD[:-1] + ", " + GOOD[1:],
    "unicode in keys": '{"dataframe_split": {"columns": ["a", "b", "c", "é😀\\u0000"], "data": [[1, 2, 3, 4]]}}',
}
CSVS = {
    "csv": "a,b,c\n1,2,3\n4.5,5,6\n",
    "csv, other order": "c,b,a\n1,2.5,3\n",
    "csv, crlf": "a,b,c\r\n1,2,3\r\n",
    "csv, quoted": 'a,b,c\n"1","2.5",3\n',
    "csv, missing cell": "a,b,c\n1,,3\n",
    "csv, missing column": "a,b\n1,2\n",
    "csv, text": "a,b,c\nx,2,3\n",
    "csv, no rows": "a,b,c\n",
    "csv, empty": "",
    "csv, ragged": "a,b,c\n1,2,3,4,5\n1\n",
    "csv, exponents": "a,b,c\n1e5,-2E-3,+7\n",
}
# Content types with the body that goes with them.
TYPES = {
    "charset": ("application/json; charset=utf-8", GOOD),
    "other charset": ("application/json; charset=utf-16", GOOD),
    "pandas-split": ("application/json; format=pandas-split", GOOD),
    "capitals": ("Application/JSON", GOOD),
    "other parameter": ("application/json; q=1", GOOD),
    "plain text": ("text/plain", GOOD),
    "form": ("application/x-www-form-urlencoded", "a=1"),
    "octets": ("application/octet-stream", GOOD),
    "empty type": ("", GOOD),
    "two types": ("application/json, text/csv", GOOD),
    "csv with charset": ("text/csv; charset=utf-8", "a,b,c\n1,2,3\n"),
    "csv with capitals": ("TEXT/CSV", "a,b,c\n1,2,3\n"),
    "json as csv": ("text/csv", GOOD),
    "csv as json": (JSON, "a,b,c\n1,2,3\n"),
    "ld+json": ("application/ld+json", GOOD),
}
TOWNS = {
    "split": '{"dataframe_split": {"columns": ["town", "area", "rooms"], "data": [["Ulm", 1.5, 3], ["Köln", null, 2]]}}',
    "escaped": '{"dataframe_split": {"columns": ["town", "area", "rooms"], "data": [["K\\u00f6ln", 1.5, 3]]}}',
    "unknown town": '{"dataframe_records": [{"town": "Paris 😀", "area": 1.5, "rooms": 3}]}',
    "town missing": '{"dataframe_records": [{"town": null, "area": 1.5, "rooms": 3}]}',
    "town a number": '{"dataframe_records": [{"town": 5, "area": 1.5, "rooms": 3}]}',
    "rooms a fraction": '{"dataframe_records": [{"town": "Ulm", "area": 1.5, "rooms": 3.5}]}',
    "rooms missing": '{"dataframe_records": [{"town": "Ulm", "area": 1.5, "rooms": null}]}',
    "rooms as text": '{"dataframe_records": [{"town": "Ulm", "area": 1.5, "rooms": "3"}]}',
    "rooms too large": '{"dataframe_records": [{"town": "Ulm", "area": 1.5, "rooms": 9223372036854775808}]}',
    "area a text": '{"dataframe_records": [{"town": "Ulm", "area": "big", "rooms": 3}]}',
    "area NaN": '{"dataframe_records": [{"town": "Ulm", "area": NaN, "rooms": 3}]}',
    "area Infinity": '{"dataframe_records": [{"town": "Ulm", "area": Infinity, "rooms": 3}]}',
    "all areas missing": '{"inputs": {"town": ["Ulm", "Bonn"], "area": [null, null], "rooms": [1, 2]}}',
    "inputs": '{"inputs": {"town": ["Ulm", "Bonn"], "area": [1.5, 2.5], "rooms": [1, 2]}}',
    "instances": '{"instances": [{"town": "Ulm", "area": 1.5, "rooms": 1}]}',
    "extra": '{"instances": [{"town": "Ulm", "area": 1.5, "rooms": 1, "roof": [1]}]}',
    "missing": '{"instances": [{"town": "Ulm"}]}',
}
GRID = {
    "inputs": '{"inputs": [[1, 2, 3], [0.5, 1e-3, -7]]}',
    "inputs, fractions": '{"inputs": [[1.5, 2.5, 3.5]]}',
    "instances": '{"instances": [[1.5, 2.5, 3.5]]}',
    "flat": '{"inputs": [1.5, 2.5, 3.5]}',
    "too narrow": '{"inputs": [[1.5, 2.5]]}',
    "too deep": '{"inputs": [[[1.5, 2.5, 3.5]]]}',
    "ragged": '{"inputs": [[1.5, 2.5, 3.5], [1]]}',
    "text": '{"inputs": [["x", "y", "z"]]}',
    "null": '{"inputs": [[null, 1, 2]]}',
    "NaN": '{"inputs": [[NaN, 1, 2]]}',
    "Infinity": '{"inputs": [[Infinity, 1, 2]]}',
    "booleans": '{"inputs": [[true, false, true]]}',
    "empty": '{"inputs": []}',
    "empty row": '{"inputs": [[]]}',
    "object": '{"inputs": {"a": [[1.5, 2.5, 3.5]]}}',
    "split": '{"dataframe_split": {"data": [[1.5, 2.5, 3.5]]}}',
    "split, columns": GOOD,
    "records": '{"dataframe_records": [{"a": 1.5, "b": 2, "c": 3}]}',
    "scalar": '{"inputs": 5}',
    "huge integer": '{"inputs": [[18446744073709551616, 1, 2]]}',
}
WITH = GOOD[:-1] + ', "params": %s}'
WEIGHTED = {
    "no params": GOOD,
    "params": WITH % '{"factor": 2.5, "prefix": "ö"}',
    "integer for a double": WITH % '{"factor": 2}',
    "text for a double": WITH % '{"factor": "x"}',
    "number for a text": WITH % '{"prefix": 5}',
    "null": WITH % '{"prefix": null}',
    "unknown": WITH % '{"other": 1}',
    "list": WITH % '{"weights": [1, 2.5]}',
    "list of texts": WITH % '{"weights": ["x"]}',
    "no list": WITH % '{"weights": 1.5}',
    "no object": WITH % "[1]",
    "none": WITH % "{}",
    "NaN": WITH % '{"factor": NaN}',
    "rows missing": '{"dataframe_split": {"columns": ["a", "b", "c"], "data": []}}',
    "column missing": '{"dataframe_records": [{"a": 1}]}',
}
SCRIPT = {
    "no params": GOOD,
    "params": WITH % '{"factor": 0.1}',
    "NaN": SPLIT % "NaN, 1.5, 2",
    "Infinity": SPLIT % "Infinity, 1.5, 2",
    "wrong": SPLIT % '"x", 1, 2',
}
ROW = '{"n": 1, "i": 2, "x": 1.5, "f": 0.1, "s": "é", "t": true, "d": "2026-01-02"}'
ECHO = {
    "row": f'{{"dataframe_records": [{ROW}]}}',
    "rows": f'{{"dataframe_records": [{ROW}, {ROW}]}}',
    "integer for a double": f'{{"dataframe_records": [{ROW.replace("1.5", "1")}]}}',
    "integer too large": f'{{"dataframe_records": [{ROW.replace(": 2,", ": 2147483648,")}]}}',
    "double for a float": f'{{"dataframe_records": [{ROW.replace("0.1", "1e300")}]}}',
    "text missing": f'{{"dataframe_records": [{ROW.replace("é", "").replace(chr(34) * 2, "null")}]}}',
    "number for a boolean": f'{{"dataframe_records": [{ROW.replace("true", "1")}]}}',
    "time": f'{{"dataframe_records": [{ROW.replace("2026-01-02", "2026-01-02T03:04:05.123456")}]}}',
    "time zone": f'{{"dataframe_records": [{ROW.replace("2026-01-02", "2026-01-02T03:04:05Z")}]}}',
    "time of its own": f'{{"dataframe_records": [{ROW.replace("2026-01-02", "2. Jan 2026")}]}}',
    "no time": f'{{"dataframe_records": [{ROW.replace("2026-01-02", "soon")}]}}',
    "inputs": f'{{"inputs": [{ROW}]}}',
    "instances": f'{{"instances": [{ROW}]}}',
    "no rows": '{"dataframe_records": []}',
}
RAISING = {
    how: f'{{"dataframe_records": [{{"how": "{how}"}}]}}'
    for how in ("value", "key", "mlflow", "internal", "fine")
}
HINTED = {
    "texts": '{"inputs": ["a", "ß"]}',
    "number": '{"inputs": ["a", 1]}',
    "no list": '{"inputs": "a"}',
    "null": '{"inputs": null}',
    "none": '{"inputs": []}',
    "object": '{"inputs": {"a": 1}}',
    "split": '{"dataframe_split": {"columns": ["a"], "data": [["x"]]}}',
    "instances": '{"instances": ["a"]}',
    "no form": "{}",
}


def named(model: str, table: dict, content_type: str = JSON) -> list[Case]:
    return [Case(model, label, body.encode(), content_type) for label, body in table.items()]


def native() -> list[Case]:
    cases = [case for model in ("forest", "labels") for case in named(model, NUMBERS)]
    # The same parsing as for forest: what differs is the estimator.
    some = [label for label in NUMBERS if label.startswith(("split, ", "records", "inputs, "))]
    for model in ("ridge", "proba"):
        cases += named(model, {label: NUMBERS[label] for label in ["split", *some]})
    for model in ("forest", "ridge"):
        cases += named(model, CSVS, "text/csv")
    cases += [Case("forest", f"type: {k}", b.encode(), t) for k, (t, b) in TYPES.items()]
    cases += named("towns", TOWNS) + named("grid", GRID)
    cases += [
        Case("forest", "bytes that are no UTF-8", b'{"inputs": "\xff"}'),
        Case("forest", "UTF-16", GOOD.encode("utf-16")),
        Case("forest", "a zero byte", b"\x00"),
        Case("towns", "csv", "town,area,rooms\nKöln,1.5,2\n,,3\n".encode(), "text/csv"),
        Case("towns", "csv, no UTF-8", b"town,area,rooms\n\xff,1.5,2\n", "text/csv"),
        # numpy has at most 64 dimensions, our reader of JSON at most 128 levels: other messages.
        Case("forest", "deeper than numpy's arrays", nested(70), statuses=(400, 400)),
        Case("forest", "deeper than our JSON", nested(200), statuses=(400, 400)),
        # docs/serving.md, "What differs": no type is 415 and not a crash.
        Case("forest", "no type", GOOD.encode(), None, statuses=(500, 415)),
    ]
    return cases + of_paths()


def of_paths() -> list[Case]:
    asked = [
        ("GET", "/ping"),
        ("GET", "/health"),
        ("GET", "/version"),
        ("POST", "/ping"),
        ("GET", "/invocations"),
        ("PUT", "/invocations"),
        ("DELETE", "/invocations"),
        ("PATCH", "/invocations"),
        ("POST", "/"),
        ("GET", "/"),
        ("POST", "/predict"),
        ("POST", "/invocations/x"),
        ("GET", "/Ping"),
        ("POST", "//invocations"),
    ]
    return [
        Case("forest", f"{method} {path}", b"{}" if method == "POST" else b"", JSON, method, path)
        for method, path in asked
    ]


def python() -> list[Case]:
    tables = {
        "weighted": WEIGHTED,
        "script": SCRIPT,
        "echo": ECHO,
        "raising": RAISING,
        "hinted": HINTED,
    }
    cases = [case for model, table in tables.items() for case in named(model, table)]
    body = parquet()
    for kind in ("application/vnd.apache.parquet", "application/parquet"):
        cases += [Case("forest", f"Parquet as {kind}", body, kind)]
    return cases


NATIVE_CASES = native()
PYTHON_CASES = python()
