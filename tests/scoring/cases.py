"""The requests that `record.py` sends."""

import json

from chance import of_chance
from signatures import TYPES

JSON = "application/json"
CSV = "text/csv"
# One column each: what a client may send for any type.
VALUES = [
    "[]",
    "[1]",
    "[1, 2, 3]",
    "[1.5, -2.5]",
    "[1, 2.5]",
    "[1, null]",
    "[1.5, null]",
    "[null]",
    "[null, null]",
    "[true, false]",
    "[true, null]",
    "[true, 1]",
    "[false, 2.5]",
    '["1.25", "2"]',
    '["a", "b"]',
    '["a", null]',
    '["a", 1]',
    '["1", 2, null]',
    '["", " 3 "]',
    '["1_000"]',
    '["nan", "Inf", "-infinity"]',
    '["True"]',
    "[NaN, 1.0]",
    "[NaN]",
    "[Infinity, -Infinity]",
    "[0, 1]",
    "[1099511627776]",
    "[9007199254740993]",
    "[9007199254740993, 0.5]",
    "[9223372036854775807, -9223372036854775808]",
    "[9223372036854775808]",
    "[18446744073709551616]",
    "[1000000000000000000000000000000]",
    "[1e300]",
    "[3e9, -3e9]",
    "[-0.0, 0.1, 1e16, 1e-5, 0.0001, 123456789.123]",
    "[1e22, 5e-324, 1.7976931348623157e308, 9007199254740993.0]",
    "[1E400]",
    "[[1, 2]]",
    '[{"k": 1}]',
    '["\\u00e9\\u0000\\ud83d\\ude00\\"\\\\/\\b\\f\\n\\r\\t\\u007f"]',
]
TIMES = [
    '["2026-11-24"]',
    '["2026-11-24T10:11:12"]',
    '["2026-11-24 10:11:12.123456"]',
    '["2026-11-24T10:11:12.123456789", null]',
    '["2026-11-24T10:11:12Z"]',
    '["2026-11-24T10:11:12+02:00"]',
    '["2026-11-24", "2026-11-25T01:02:03"]',
    '["2026-13-01"]',
    '["2026-02-30"]',
    '["24.11.2026"]',
    '["20261124"]',
    "[1700000000000000000]",
    "[1700000000000000000, null]",
    "[1.5]",
    "[0]",
    '["NaT"]',
    '["1600-01-01"]',
    '["3000-01-01"]',
    '["2026-11-24T10:11"]',
    '["2026-11"]',
    '["2026"]',
]
BYTES = [
    '["aGk="]',
    '["aGk"]',
    '["a"]',
    '["aGk=", "aGVsbG8="]',
    '["not base64!"]',
    '["aG k=\\n"]',
    '["aGk=aGk="]',
    '["\\u00e9"]',
    '["QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODk="]',
]


def cell_forms(values):
    """The same column in every form a request can have it."""
    cells = json.loads(
        values,
        parse_float=lambda t: Raw(t),
        parse_int=lambda t: Raw(t),
        parse_constant=lambda t: Raw(t),
    )
    texts = [raw(cell) for cell in cells]
    rows = ", ".join(f"[{t}]" for t in texts)
    records = ", ".join(f'{{"a": {t}}}' for t in texts)
    yield "split", f'{{"dataframe_split": {{"columns": ["a"], "data": [{rows}]}}}}'
    yield "records", f'{{"dataframe_records": [{records}]}}'
    yield "inputs", f'{{"inputs": {{"a": {values}}}}}'
    yield "inputs_list", f'{{"inputs": {values}}}'
    yield "inputs_records", f'{{"inputs": [{records}]}}'
    yield "instances", f'{{"instances": [{records}]}}'


class Raw(str):
    pass


def raw(cell):
    if isinstance(cell, Raw):
        return str(cell)
    if isinstance(cell, list):
        return "[" + ", ".join(map(raw, cell)) + "]"
    if isinstance(cell, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {raw(v)}" for k, v in cell.items()) + "}"
    return json.dumps(cell)


def case(signature, body, model="echo", content_type=JSON):
    return signature, model, content_type, body if isinstance(body, bytes) else body.encode()


def of_types():
    for signature in [*TYPES, "none"]:
        extra = {"datetime": TIMES, "binary": BYTES, "string": TIMES[:4] + BYTES[:2]}
        for values in VALUES + extra.get(signature, []):
            for form, body in cell_forms(values):
                yield case(signature, body)
                if form in ("split", "inputs", "inputs_records"):
                    yield case(signature, body, "types")


SPLITS = [
    '{"columns": ["a", "b"], "data": [[1, 2], [3.5, 4]]}',
    '{"columns": ["b", "a"], "data": [[1, 2], [3.5, 4]]}',
    '{"columns": ["a", "b", "z"], "data": [[1, 2, "x"]]}',
    '{"columns": ["a"], "data": [[1]]}',
    '{"columns": ["b"], "data": [[1]]}',
    '{"columns": ["x", "y"], "data": [[1, 2]]}',
    '{"data": [[1, 2], [3, 4]]}',
    '{"data": [[1], [3]]}',
    '{"data": [[1, 2, 3]]}',
    '{"data": []}',
    '{"data": [1, 2]}',
    '{"data": 5}',
    '{"data": null}',
    '{"data": "x"}',
    '{"columns": ["a", "b"], "data": []}',
    '{"columns": ["a", "b"], "data": [[]]}',
    '{"columns": ["a", "b"], "data": [[1, 2], [3]]}',
    '{"columns": ["a", "b"], "data": [[1]]}',
    '{"columns": ["a", "b"], "data": [[1, 2, 3]]}',
    '{"columns": ["a", "b"], "data": [[1, 2], [3, 4]], "index": [7, 8]}',
    '{"columns": ["a", "b"], "data": [[1, 2], [3, 4]], "index": ["u", "v"]}',
    '{"columns": ["a", "b"], "data": [[1, 2], [3, 4]], "index": [7]}',
    '{"columns": ["a", "b"], "data": [[1, 2]], "index": []}',
    '{"columns": ["a", "b"], "data": [[1, 2]], "index": null}',
    '{"columns": ["a", "b"], "data": [[1, 2]], "other": 1}',
    '{"columns": ["a", "b"]}',
    '{"columns": [0, 1], "data": [[1, 2]]}',
    '{"columns": [1.5, true], "data": [[1, 2]]}',
    '{"columns": null, "data": [[1, 2]]}',
    '{"columns": "ab", "data": [[1, 2]]}',
    '{"columns": [], "data": [[1, 2]]}',
    '{"columns": ["a", "b"], "data": [[null, 2], [3, null]]}',
    '{"columns": ["a", "b"], "data": [[NaN, -0.0], [Infinity, 1e5]]}',
    '{"columns": ["a", "b"], "data": [[true, false], [1, 0]]}',
    '{"columns": ["a", "b"], "data": [["x", 1]]}',
    '{"columns": ["a", "b"], "data": [[1, "x"]]}',
    '{"columns": ["a", "b"], "data": [["1", "2"]]}',
    '{"columns": ["b", "a"], "data": [["x", "y"]]}',
    '{"data": [[1, 2]], "columns": ["a", "b"]}',
    '{"columns": ["a", "b"], "data": [[1, 2]], "data": [[3, 4]]}',
    '{"columns": ["a", "b", "c", "d"], "data": [[1, 2, "x", true], [2.5, 3, "y", false]]}',
    '{"columns": ["a", "b", "c", "d"], "data": [[1, 2.7, null, 0], [null, 3, "y", 7]]}',
    '{"columns": ["a", "b", "c", "d"], "data": [[1, null, "x", true]]}',
    '{"columns": ["d", "c", "b", "a"], "data": [[null, 5, 6, 7], [true, "x", 1, 2]]}',
    "[]",
    "5",
    '"x"',
    "null",
    "{}",
]
RECORDS = [
    '[{"a": 1, "b": 2}, {"a": 3.5, "b": 4}]',
    '[{"b": 1, "a": 2}]',
    '[{"a": 1}, {"b": 2}]',
    '[{"a": 1, "b": 2, "z": "x"}]',
    '[{"a": 1}]',
    '[{"z": 1}]',
    "[]",
    "[{}]",
    "[{}, {}]",
    '[{"a": 1, "b": 2}, {}]',
    '[{"a": 1, "b": 2}, null]',
    '[{"a": 1, "b": 2}, 5]',
    "[1, 2]",
    "[[1, 2], [3, 4]]",
    "[null]",
    '["x"]',
    '{"a": [1], "b": [2]}',
    "5",
    "null",
    '[{"a": 1, "a": 2, "b": 3}]',
    '[{"a": null, "b": 2}]',
    '[{"a": "x", "b": 2}]',
    '[{"a": 1, "b": 2, "c": "x", "d": true}]',
    '[{"a": 1, "b": 2, "c": "x", "d": true}, {"a": 1, "b": 2, "c": null, "d": null}]',
    '[{"a": 1, "b": 2, "c": "x", "d": true}, {"a": 1, "c": "y"}]',
]
INPUTS = [
    '{"a": [1, 2], "b": [3, 4.5]}',
    '{"a": [1.5, 2], "b": [3, 4]}',
    '{"b": [1], "a": [2]}',
    '{"a": [1]}',
    '{"a": 1, "b": 2}',
    '{"a": 1.5, "b": 2}',
    '{"a": [1, 2], "b": [3]}',
    '{"a": [1, 2], "b": 3}',
    '{"a": [], "b": []}',
    '{"a": [1], "b": [2], "z": [3]}',
    '{"a": [1], "b": [2], "z": ["x"]}',
    '{"a": ["x"], "b": [2]}',
    '{"a": [null], "b": [2]}',
    '{"a": null, "b": 2}',
    '{"a": "x", "b": "y"}',
    '{"a": [[1, 2]], "b": [[3, 4]]}',
    '{"a": [1, 2.5], "b": [3, 4], "c": ["x", "y"], "d": [true, false]}',
    '{"a": [1], "b": [2], "c": ["x"], "d": [1]}',
    '{"a": 1.0, "b": 2, "c": "x", "d": true}',
    "{}",
    "[[1, 2], [3, 4]]",
    "[[1, 2]]",
    "[1, 2]",
    "[[1], [2]]",
    "[[1, 2], [3]]",
    "[]",
    "[[]]",
    '[{"a": 1, "b": 2}, {"a": 3.5, "b": 4}]',
    '[{"a": 1, "b": 2}, {"a": 3}]',
    '[{"b": 1, "a": 2}]',
    '[{"a": 1}]',
    '[{"a": 1, "b": 2, "c": "x", "d": true}]',
    '[{"a": 1, "b": "x"}]',
    '[{"a": 1, "b": 2}, 5]',
    "5",
    "5.5",
    '"x"',
    '["x", "y"]',
    "null",
    "true",
    "[true, false]",
    "[1.5, 2]",
    "[null, 1]",
    '[1, "x"]',
    "[[[1, 2], [3, 4]]]",
    "[[1, 2, 3]]",
    "[[1, 2, 3], [4, 5, 6.5]]",
    "[[1, 2, null]]",
    '[["a", "b", "c"]]',
    "[[[1, 2], [3, 4]], [[5, 6], [7, 8.25]]]",
    "[300, -1]",
    "[[300, -1]]",
    "[[1, 2], [3, 4.7]]",
    "[[0.1, 1e-7], [16777217, 3]]",
    "[9223372036854775808]",
    '{"x": [[1, 2], [3, 4]], "y": [1, 2]}',
    '{"x": [[1, 2]], "y": [1.5]}',
    '{"x": [[1, 2]], "y": [1099511627776]}',
    '{"x": [[1, 2]]}',
    '{"x": [[1], [2]]}',
    '{"x": [1, 2]}',
    '{"x": [[1, 2, 3]], "y": [1]}',
    '{"x": 1, "y": 2}',
    '{"y": [1], "x": [[1, 2]], "z": [1]}',
]
WIDE = ["two", "mixed", "narrow", "unnamed", "unnamed_one", "none", "optional_double"]
TENSORS = [
    "tensor",
    "tensor32",
    "tensor_int",
    "tensor_uint8",
    "tensor_bool",
    "tensor_str",
    "tensors",
    "tensor_named",
]


def of_shapes():
    for signature in WIDE:
        for split in SPLITS:
            yield case(signature, f'{{"dataframe_split": {split}}}')
        for records in RECORDS:
            yield case(signature, f'{{"dataframe_records": {records}}}')
    for signature in [*WIDE, *TENSORS, "unnamed_string"]:
        for inputs in INPUTS:
            yield case(signature, f'{{"inputs": {inputs}}}')
            yield case(signature, f'{{"instances": {inputs}}}')
    for signature in ["two", "mixed", "narrow", "unnamed", "none"]:
        for split in SPLITS[:8] + SPLITS[-9:-5]:
            yield case(signature, f'{{"dataframe_split": {split}}}', "types")
    for signature in TENSORS:
        for inputs in INPUTS[20:26] + INPUTS[-24:]:
            yield case(signature, f'{{"inputs": {inputs}}}', "types")
        for split in [
            '{"columns": ["x"], "data": [[1], [2]]}',
            '{"columns": ["x", "y"], "data": [[[1, 2], 1], [[3, 4], 2]]}',
            '{"columns": ["a", "b", "c"], "data": [[1, 2, 3], [4.5, 5, 6]]}',
            '{"data": [[1, 2, 3]]}',
            '{"data": [[1, 2]]}',
            '{"data": [[[1, 2, 3]]]}',
            '{"data": [["x"]]}',
            '{"data": []}',
        ]:
            yield case(signature, f'{{"dataframe_split": {split}}}')
    for kind in TYPES:
        for cells in ["[[1]]", "[[null]]", "[[2.5], [null]]"]:
            yield case(
                f"optional_{kind}", f'{{"dataframe_split": {{"columns": ["b"], "data": {cells}}}}}'
            )
        for cells in ["[[null, 1]]", "[[null, 1], [1, 2]]", '[["x", 1]]', "[[true, 2]]"]:
            body = f'{{"dataframe_split": {{"columns": ["a", "b"], "data": {cells}}}}}'
            yield case(f"optional_{kind}", body)


NESTED = {
    "array": [
        "[1, 2.5]",
        "[1, 2]",
        "[]",
        "null",
        "1",
        '["x"]',
        "[null]",
        "[true]",
        "[[1]]",
        "[1, null]",
    ],
    "array_string": ['["x", "y"]', "[]", "null", '"x"', "[1]", '["x", null]'],
    "array_array": ["[[1], [2, 3]]", "[[1.5]]", "[]", "[1]", '[["x"]]'],
    "object": [
        '{"x": 1.5, "y": 2}',
        '{"x": 1.5}',
        '{"x": 1}',
        '{"y": 2}',
        '{"x": 1.5, "z": 2}',
        '{"x": "s"}',
        '{"x": null}',
        '{"x": 1.5, "y": null}',
        "{}",
        "null",
        "5",
    ],
    "map": ['{"k": 1}', '{"k": 1, "l": 2}', '{"k": 1.5}', '{"k": "x"}', "{}", "null", "[1]"],
    "any": ["1", '"x"', "null", "[1, null]", '{"k": [1.5, "x"]}', "true", "[]"],
    "objects": ['[{"x": 1.5}]', "[]", '[{"x": 1.5, "y": 2}, {"x": 2.5}]', "[5]", '{"x": 1.5}'],
}


def of_nested():
    for signature, cells in NESTED.items():
        second = signature in ("array_string", "object")
        for cell in cells:
            names, row = ('"a", "b"', f"{cell}, 1") if second else ('"a"', cell)
            record = f'"a": {cell}, "b": 1' if second else f'"a": {cell}'
            yield case(
                signature, f'{{"dataframe_split": {{"columns": [{names}], "data": [[{row}]]}}}}'
            )
            yield case(signature, f'{{"dataframe_records": [{{{record}}}]}}')
            yield case(signature, f'{{"inputs": [{{{record}}}]}}')
            yield case(signature, f'{{"inputs": {{{record}}}}}')
    yield case(
        "array",
        '{"dataframe_split": {"columns": ["a"], "data": [[[1, 2]], [[3]], [[4.5]]]}}',
    )
    for cells in ["[1, 2], [3]", "[1], null", "[1.5], [2]"]:
        yield case("array", f'{{"inputs": {{"a": [{cells}]}}}}')
    for cell in ["[1, 2]", '{"k": 1}', '[{"k": null}]', '"x"', "null"]:
        yield case("none", f'{{"dataframe_split": {{"columns": ["a"], "data": [[{cell}]]}}}}')


WELL = '{"inputs": {"a": [1]}, "params": %s}'


def of_hints():
    """A model with type hints takes what stands under `inputs` as it is."""
    for body in [
        '{"inputs": ["a", 1, null, {"k": [1.50]}]}',
        '{"inputs": {"a": 1}, "params": {"x": 1}}',
        '{"inputs": null}',
        '{"instances": [1]}',
        '{"dataframe_split": {"columns": ["a"], "data": [["x"]]}}',
        '{"inputs": [1], "instances": [2]}',
        '{"other": 1}',
        "{}",
        '{"messages": [1]}',
    ]:
        yield case("hinted", body)


def of_chats():
    """Payloads of language models: nothing is cast, and the answer is not wrapped."""
    for signature in ["chat", "embed", "prompt", "hinted", "double"]:
        for body in [
            '{"messages": [{"role": "user", "content": "hi"}]}',
            '{"messages": [{"role": "user", "content": null}], "heat": 0.5, "top": 2}',
            '{"messages": [{"role": "user"}], "heat": 1, "temperature": "x"}',
            '{"messages": [{"text": "hi"}]}',
            '{"messages": [], "other": 1}',
            '{"messages": "hi"}',
            '{"messages": null, "inputs": [1]}',
            '{"input": "x"}',
            '{"input": ["x", "y"]}',
            '{"input": [1, 2]}',
            '{"input": ["x", null]}',
            '{"input": null}',
            '{"input": 5, "model": "m"}',
            '{"prompt": "x"}',
            '{"prompt": "x", "n": 2}',
            '{"prompt": ["x", "y"], "n": 2.5}',
            '{"prompt": "x", "n": null}',
            '{"prompt": {"a": 1}}',
        ]:
            yield case(signature, body)
            yield case(signature, body, "types")


def of_params():
    for params in [
        "{}",
        "null",
        "[]",
        "5",
        '"x"',
        '{"temperature": 1}',
        '{"temperature": 1.5, "top": 2}',
        '{"temperature": "x"}',
        '{"top": 1.5}',
        '{"top": true}',
        '{"flag": 1}',
        '{"flag": false}',
        '{"name": 5}',
        '{"name": "y"}',
        '{"name": null}',
        '{"weights": [1, 2.5]}',
        '{"weights": []}',
        '{"weights": 1.5}',
        '{"weights": [[1]]}',
        '{"weights": ["x"]}',
        '{"weights": [null]}',
        '{"names": ["x", "y"]}',
        '{"names": [1]}',
        '{"unknown": 1}',
        '{"big": 1099511627776}',
        '{"ratio": 1}',
        '{"ratio": 0.1}',
        '{"temperature": true}',
        '{"temperature": NaN}',
        '{"big": 1.0}',
        '{"nothing": "z"}',
        '{"temperature": {"a": 1}}',
        '{"top": [1]}',
        '{"flag": null, "top": null}',
        '{"top": 99999999999}',
        '{"temperature": [1.5]}',
        '{"weights": [1, true]}',
        '{"names": "x"}',
        '{"big": "7"}',
        '{"flag": "true"}',
    ]:
        yield case("params", WELL % params, "params")
        yield case("double", WELL % params, "params")
    yield case("params", '{"inputs": {"a": [1]}}', "params")
    yield case("params", "a\n1\n", "params", CSV)
    yield case("params_only", '{"inputs": [1], "params": {"top": 9}}', "params")


def of_envelopes():
    good = '{"dataframe_split": {"columns": ["a"], "data": [[1]]}}'
    for content_type in [
        JSON,
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json; charset=latin-1",
        "application/json; charset",
        "application/json; x=1",
        "application/json; charset=utf-8; x=1",
        "application/json;",
        "Application/JSON",
        "text/plain",
        "",
        " application/json ",
        "application/json ; charset = utf-8",
        "text/csv; header=present",
        'application/json; charset="utf-8"',
        "application/xml; charset=latin-1",
        "multipart/form-data",
    ]:
        yield case("double", good, content_type=content_type)
    for body in [
        "",
        " ",
        "{",
        "}",
        "[]",
        "5",
        "null",
        '"x"',
        "{}",
        '{"a": 1}',
        "[1, 2",
        "{'a': 1}",
        '{"a" 1}',
        '{"a": }',
        '{"a": 1,}',
        '{"a": 1 "b": 2}',
        "{a: 1}",
        '{"a": 1} x',
        "nul",
        "NaN",
        "-Infinity",
        "-",
        "01",
        "1.",
        ".5",
        "1e",
        "+1",
        '{"a": "\\x"}',
        '{"a": "\\u12"}',
        '{"a": "\\u12g4"}',
        '{"a": "x',
        '{"a": "\n"}',
        '{"a": [1, 2, ]}',
        "[,]",
        "// c",
        '{\n  "a": 1,\n  b\n}',
        '{"é": }',
        "\ufeff{}",
        "true false",
        '{"inputs": [1], "instances": [1]}',
        '{"inputs": [1], "dataframe_split": {"data": [[1]]}}',
        '{"inputs": [1], "signature_name": "x"}',
        '{"inputs": {"a": [1]}, "other": 5}',
        '{"inputs": {"a": [1]}, "inputs": {"a": [2]}}',
        '{"columns": ["a"], "data": [[1]]}',
        '{"dataframe_split": null}',
        '{"inputs": null}',
    ]:
        yield case("double", body)
        yield case("none", body)
    for raw_body in [
        good.encode("utf-16"),
        good.encode("utf-16-le"),
        good.encode("utf-16-be"),
        good.encode("utf-32"),
        good.encode("utf-32-le"),
        good.encode("utf-32-be"),
        good.encode("utf-8-sig"),
        b"\xff\xfe",
        b"\xff",
        b'{"a": "\xff"}',
        b'{"a": "\xc3\x28"}',
        b"\x00",
        b'{"inputs": {"a": ["\xe2\x82"]}}',
        '{"inputs": {"é😀": [1]}}'.encode(),
        '{"inputs": ["é😀"]}'.encode(),
    ]:
        yield case("double", raw_body)
        yield case("none", raw_body)
    for body in [
        '{"messages": [{"role": "user", "content": "hi"}]}',
        '{"prompt": "x", "n": 1}',
        '{"input": ["x"], "inputs": [1]}',
        '{"messages": null, "temperature": 1.5, "top": 2, "other": 1.50}',
    ]:
        for signature in ["none", "params_only"]:
            yield case(signature, body)
            yield case(signature, body, "params")


CSVS = [
    ",a\n0,1\n1,2\n",
    "a,\n1,2\n",
    ",a,b,c,d\n7,1.5,2,x,True\n",
    "a,a,a\n1,2,3\n",
    "a,a.1,a\n1,2,3\n",
    "a,b,a\n1,2,x\n",
    "a\n1\n",
    "a\n1\n2.5\n",
    "a,b\n1,2\n3,4\n",
    "b,a\n1,2\n",
    "a\n",
    "",
    "a,b\n1\n",
    "a\n1,2\n",
    "a,b\n1,2,3\n",
    "a\n\n1\n",
    "a\r\n1\r\n",
    'a\n"1"\n',
    'a\n"x,y"\n',
    "a\nx\n",
    "a\nNaN\n",
    "a\nNA\n1\n",
    "a\nnull\n",
    'a\n""\n1\n',
    "a\ntrue\nFalse\n",
    "a\nTRUE\n",
    "a\n0.1\n1e-7\n1e22\n",
    "a\n1e5\n",
    "a\n9223372036854775808\n",
    "a\n1099511627776\n",
    "a\n 1\n",
    "a\n1 \n",
    "a\ninf\n-Infinity\n",
    "z\n1\n",
    "a,a\n1,2\n",
    "a\n0.30000000000000004\n123456789.123456789\n",
    "a\n1.7976931348623157e308\n",
    "a,b\n1,\n,2\n",
    'a,b,c,d\n1,2,x,True\n2.5,3,"q""t",False\n',
    "a,b,c,d\n1,2,,True\n",
    "a,b,c,d\n,,,\n",
    "0,1\n5,6\n",
    "a\n2026-11-24\n",
    "a\naGk=\n",
    "a\n1_000\n",
    '"a"\n1\n',
    "a\n'x'\n",
    "a\n1\n\n2\n\n",
    "a\n-0.0\n",
    "a\n+5\n",
    "a\n0x10\n",
    "a\n1.5\n",
    "a\n\u00e9\n",
    "a\nyes\n",
    "a\n1\n0\n",
]


def of_csv():
    for signature in [
        *TYPES,
        "two",
        "mixed",
        "narrow",
        "unnamed",
        "optional_double",
        "none",
        "tensor",
        "array",
    ]:
        for body in CSVS:
            yield case(signature, body, content_type=CSV)
    for signature in ["double", "mixed", "string", "none"]:
        for body in CSVS:
            yield case(signature, body, "types", CSV)
    yield case("double", b"a\n\xff\n", content_type=CSV)


def unique(cases):
    return list(dict.fromkeys(cases))


CASES = unique(
    [
        *of_types(),
        *of_shapes(),
        *of_nested(),
        *of_params(),
        *of_hints(),
        *of_chats(),
        *of_envelopes(),
        *of_csv(),
        *(case(*request) for request in of_chance()),
    ]
)
