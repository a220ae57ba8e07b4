"""Requests that nobody thought of, the same each time."""

import json
import random

from signatures import TYPES


def chance_cell(pick):
    kind = pick.randrange(14)
    if kind < 4:
        known = [0, 1, -1, 7, 300, 2**31, -(2**31) - 1, 2**53 + 1]
        return str(pick.choice([*known, pick.randrange(-1000, 1000)]))
    if kind < 8:
        return repr(
            pick.choice(
                [
                    0.5,
                    -2.25,
                    1e-7,
                    3.0,
                    pick.uniform(-1e3, 1e3),
                    pick.random() * 10 ** pick.randint(-30, 30),
                ]
            )
        )
    return pick.choice(
        [
            "null",
            "true",
            "false",
            "NaN",
            '"x"',
            '"12"',
            '" 1.5 "',
            '""',
            "[1, 2]",
            '{"k": 1}',
            "Infinity",
        ]
    )


def chance_column(pick, rows):
    """Mostly of one kind, as columns are."""
    cells = [chance_cell(pick) for _ in range(rows)]
    if pick.random() < 0.6:
        cells = [pick.choice(cells[:2]) for _ in cells]
    return cells


def chance_record(pick, names, line):
    """Of an object, a member may be missing."""
    members = (f'"{n}": {c}' for n, c in zip(names, line, strict=True) if pick.random() < 0.95)
    return "{" + ", ".join(members) + "}"


def of_chance(seed=20261124, count=900):
    """Requests that nobody thought of, the same each time."""
    pick = random.Random(seed)
    signatures = [
        "none",
        "two",
        "mixed",
        "narrow",
        "unnamed",
        *TYPES,
        "optional_long",
        "array",
        "map",
        "tensor",
        "tensors",
        "tensor_int",
        "tensor_bool",
        "tensor_named",
    ]
    for _ in range(count):
        signature = pick.choice(signatures)
        rows = pick.choice([1, 1, 2, 3])
        pool = ["x", "y"] if signature in ("tensors", "tensor_named") else ["a", "b", "c", "d"]
        names = pool[: pick.randint(1, len(pool))]
        if pick.random() < 0.2:
            pick.shuffle(names)
        columns = {name: chance_column(pick, rows) for name in names}
        head = json.dumps(names)
        lines = [[columns[name][row] for name in names] for row in range(rows)]
        records = ", ".join(chance_record(pick, names, line) for line in lines)
        listed = ", ".join("[" + ", ".join(line) + "]" for line in lines)
        by_name = ", ".join(f'"{n}": [{", ".join(cells)}]' for n, cells in columns.items())
        one = ", ".join(f'"{n}": {cells[0]}' for n, cells in columns.items())
        form = pick.choice(
            ["split", "split", "records", "inputs", "rows", "lists", "instances", "one", "bare"]
        )
        body = {
            "split": f'{{"dataframe_split": {{"columns": {head}, "data": [{listed}]}}}}',
            "records": f'{{"dataframe_records": [{records}]}}',
            "inputs": f'{{"inputs": {{{by_name}}}}}',
            "rows": f'{{"inputs": [{records}]}}',
            "lists": f'{{"inputs": [{listed}]}}',
            "instances": f'{{"instances": [{records}]}}',
            "one": f'{{"inputs": {{{one}}}}}',
            "bare": f'{{"instances": [{listed}]}}',
        }[form]
        yield signature, body, pick.choice(["echo", "echo", "types"])
