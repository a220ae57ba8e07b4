"""Record which float `pandas.read_csv` makes of a text.

python tests/scoring/csv_floats.py
"""

import io
import random
import struct
from pathlib import Path

import pandas as pd

OUT = Path(__file__).parent / "../../crates/models/tests/recordings/csv_floats.txt"


def texts():
    pick = random.Random(7)
    for _ in range(60):
        yield repr(pick.uniform(-1000, 1000))
        yield repr(pick.random() * 10 ** pick.randint(-300, 300))
        yield f"{pick.uniform(-1, 1):.{pick.randint(1, 25)}f}"
        yield str(pick.randint(-(10**20), 10**20)) + ".5"
    yield from [
        "0",
        "-0",
        "0.0",
        "1e-320",
        "4.9e-324",
        "1.7976931348623157e308",
        "000.001",
        "1e22",
        "-5e-7",
        "1E5",
        "+1.5",
        "1.",
    ]


def main():
    fields = list(texts())
    values = pd.read_csv(io.StringIO("a\n" + "\n".join(fields) + "\n"), dtype={"a": "float64"})["a"]
    bits = [struct.pack(">d", value).hex() for value in values]
    OUT.write_text("".join(f"{field} {b}\n" for field, b in zip(fields, bits, strict=True)))


if __name__ == "__main__":
    main()
