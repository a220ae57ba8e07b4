"""Models for the tests: the file beside the `MLmodel` says which."""

import os
import signal
import sys
import time

import numpy as np
import pandas as pd


def described(value):
    """A value with the types of all that is in it."""
    if isinstance(value, pd.DataFrame):
        names = [[type(name).__name__, str(name)] for name in value.columns]
        columns = [described(value.iloc[:, at]) for at in range(value.shape[1])]
        index = [value.columns.dtype.name, list(map(str, value.index))]
        return ["frame", index, names, columns]
    if isinstance(value, pd.Series):
        return [str(value.dtype), [described(cell) for cell in value]]
    if isinstance(value, np.ndarray):
        cells = [described(cell) for cell in value.ravel().tolist()]
        return ["array", value.dtype.str, list(value.shape), cells]
    if isinstance(value, dict):
        return [[key, described(item)] for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, [described(item) for item in value]]
    return [type(value).__name__, repr(value)]


class Cells:
    def predict(self, data, params=None):
        layout = isinstance(data, pd.DataFrame) and data.to_numpy().flags.f_contiguous
        return [described(data), layout, described(params)]


class Echo:
    def predict(self, data, params=None):
        return data


class Sums:
    """One number for each row, after the time that a call takes anyway; some rows are bad."""

    def predict(self, data):
        time.sleep(float(os.environ.get("CALL_SECONDS", "0")))
        values = data.to_numpy(dtype=float)
        if (values == -1).any():
            raise ValueError("minus one")
        return values.sum(axis=1)


class Records(Sums):
    def predict(self, data):
        sums = super().predict(data)
        return pd.DataFrame({"sum": sums, "name": [f"n{value:.0f}" for value in sums]})


class Lists(Sums):
    def predict(self, data):
        return [{"sum": value} for value in super().predict(data)]


class Ranks(Sums):
    """What no model for batches does: it looks at all rows."""

    def predict(self, data):
        return super().predict(data).argsort().argsort()


class Total(Sums):
    """One number for all rows."""

    def predict(self, data):
        return np.array([super().predict(data).sum()])


class Told:
    """Does what the first cell says."""

    def __init__(self):
        self.kept = []

    def predict(self, data, params=None):
        word, _, rest = str(data.iloc[0, 0]).partition(" ")
        return getattr(self, word)(rest)

    def say(self, text):
        return [text]

    def print(self, text):
        print(text)
        print(text, file=sys.stderr)
        os.write(1, b"raw\n")
        os.write(0, b"nothing")
        os.system("echo from a child; cat")
        return sys.stdin.read() + "printed"

    def sleep(self, seconds):
        time.sleep(float(seconds))
        return ["slept"]

    def stuck(self, _):
        """Nothing of Python runs any more, the heartbeat included."""
        os.kill(os.getpid(), signal.SIGSTOP)

    def end(self, code):
        print("about to end", file=sys.stderr)
        os._exit(int(code))

    def orphan(self, _):
        """Ends, and leaves a child behind that holds all that it has open."""
        if os.fork() == 0:
            os.setsid()
            time.sleep(10)
        os._exit(4)

    def leave(self, _):
        sys.exit(3)

    def raises(self, text):
        raise ValueError(text)

    def refuse(self, text):
        from mlflow.exceptions import MlflowException

        raise MlflowException.invalid_parameter_value(text)

    def object(self, _):
        return object()

    def hog(self, mebibytes):
        return [len(bytearray(int(mebibytes) << 20))]

    def keep(self, mebibytes):
        self.kept.append(b"x" * (int(mebibytes) << 20))
        return ["kept"]

    def environment(self, name):
        return [os.environ.get(name), os.getcwd(), sys.argv]

    def child(self, _):
        import subprocess

        child = subprocess.Popen(["sleep", "1000"])
        return [child.pid]

    def many(self, mebibytes):
        return np.zeros(int(mebibytes) << 17)

    def array(self, kind):
        return np.array([[0, 1], [2, 3]]).astype(kind).T


def _load_pyfunc(path):
    with open(path) as file:
        words = file.read().split()
    if words[0] == "Fails":
        print("loading goes wrong", file=sys.stderr)
        raise ValueError("cannot be loaded")
    if words[0] == "Dies":
        print("loading goes very wrong", file=sys.stderr)
        os._exit(7)
    if words[0] == "Late":
        time.sleep(1000)
    return globals()[words[0]]()
