"""Serves one MLflow model to the server that started this process, over the socket on descriptor 0.

A message is the length of its header (32 bits, little endian), the header in JSON, and as many
bytes as the header says under `body`. The first one from the server says what to load. After that
each one is a request, answered before the next one comes. In between a thread says that the
process is alive, and ends it when the server is gone.

It runs in the model's own environment: Python from 3.8 on, MLflow from 1.30 on.
"""

import copy
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
import traceback

BEAT_SECONDS = 1.0
# Address space for code and threads, which is mapped and hardly used.
ADDRESS_RESERVE = 4 << 30
# The same, for what is still to come after a model was loaded. A worker must be able to grow to its
# memory in full: only then is it replaced, and not merely fails.
MAPPED_LATER = 256 << 20
NUMBERS = {"f8", "f4", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "b1"}
PREDICT_FAILED = (
    "Encountered an unexpected error while evaluating the model. Verify that the serialized input"
    " Dataframe is compatible with the model for inference."
)


class Channel:
    """The socket, with messages on it."""

    def __init__(self, connection):
        self.connection = connection
        self.lock = threading.Lock()

    def send(self, header, *buffers):
        header["body"] = sum(map(len, buffers))
        text = json.dumps(header).encode()
        with self.lock:
            self.connection.sendall(b"".join((struct.pack("<I", len(text)), text) + buffers))

    def receive(self):
        (length,) = struct.unpack("<I", self.take(4))
        header = json.loads(self.take(length))
        return header, self.take(header["body"])

    def take(self, length):
        """So many bytes, which may be written to: models change what they are given."""
        taken = bytearray(length)
        rest = memoryview(taken)
        while rest:
            count = self.connection.recv_into(rest)
            if count == 0:
                os._exit(0)
            rest = rest[count:]
        return taken

    def beat(self):
        """Says that the process lives, while whatever else runs in it; ends it with the server."""
        poll = select.poll()
        poll.register(self.connection.fileno(), 0)
        while True:
            if poll.poll(BEAT_SECONDS * 1000):
                os._exit(0)
            try:
                self.send({"kind": "beat"})
            except OSError:
                os._exit(0)


def take_socket():
    """The socket of descriptor 0, out of the way of what the model reads and starts."""
    connection = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.close(nothing)
    return connection


def die_with_server():
    try:
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    except (ImportError, OSError, AttributeError):
        # Another system: the thread of `Channel.beat` sees it, too.
        pass


def limit_address_space(size):
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        size = min(size, hard)
    resource.setrlimit(resource.RLIMIT_AS, (size, hard))


def own_memory():
    """Bytes of address space, and of memory."""
    with open("/proc/self/statm") as file:
        pages = [int(word) for word in file.read().split()[:2]]
    return [count * os.sysconf("SC_PAGE_SIZE") for count in pages]


def load_model(path):
    import mlflow.pyfunc

    try:
        # Takes the model's configuration from the environment.
        from mlflow.pyfunc.scoring_server import load_model_with_mlflow_config as load
    except ImportError:
        load = mlflow.pyfunc.load_model
    return load(path)


def without_input_schema(model):
    """The same model for data that satisfy its signature: its `predict` does all else it does.

    `None` if this version of MLflow is made in another way.
    """
    try:
        if model.metadata.get_input_schema() is None:
            return model
        signature = copy.copy(model.metadata.signature)
        signature.inputs = None
        metadata = copy.copy(model.metadata)
        metadata.signature = signature
        freed = copy.copy(model)
        freed._model_meta = metadata
        changed = model.metadata.get_input_schema() is None
        if changed or freed.metadata.get_input_schema() is not None:
            return None
        return freed
    except Exception:
        return None


class Reader:
    """Makes of buffers what MLflow would make of a request."""

    def __init__(self, numpy, pandas):
        self.numpy = numpy
        self.pandas = pandas
        self.has_texts = int(pandas.__version__.split(".")[0]) >= 3
        # The names of the last frame, which most often are those of the next one.
        self.names, self.index = None, None

    def input(self, header, body):
        if "frame" in header:
            return self.frame(header, body)
        if "tensor" in header:
            return self.tensor(header["tensor"], body)
        if "tensors" in header:
            return {name: self.tensor(spec, body) for name, spec in header["tensors"]}
        return parsed(body, *header["json"])

    def frame(self, header, body):
        names, rows = header["frame"], header["rows"]
        if "block" in header:
            count = rows * len(names)
            cells = self.numpy.frombuffer(body, "<f8", count, header["block"])
            # By column, as pandas keeps a frame: BLAS sums in another order over the other layout.
            cells = self.numpy.asfortranarray(cells.reshape(rows, len(names)))
            return self.pandas.DataFrame(cells, columns=self.columns(names), copy=False)
        columns = [self.column(spec, rows, body) for spec in header["columns"]]
        index = self.pandas.RangeIndex(rows)
        frame = self.pandas.DataFrame(dict(enumerate(columns)), index=index)
        frame.columns = self.columns(names)
        return frame

    def columns(self, names):
        if self.names != names:
            index = self.pandas.Index(names)
            if not all(type(name) is str for name in names):
                return index
            self.names, self.index = names, index
        # A model may give the index a name, which the next one must not see.
        return self.index.view()

    def column(self, spec, rows, body):
        kind = spec[0]
        if kind == "str" and self.has_texts:
            return self.pandas.Series(parsed(body, *spec[1:]), dtype="str")
        if kind in ("str", "object"):
            return self.pandas.Series(parsed(body, *spec[1:]), dtype=object)
        if kind == "bytes":
            return self.pandas.Series(self.texts_of_bytes(spec, rows, body), dtype=object)
        return self.numpy.frombuffer(body, kind, rows, spec[1])

    def texts_of_bytes(self, spec, count, body):
        at, cells = spec[1] + 8 * count, []
        for length in self.numpy.frombuffer(body, "<u8", count, spec[1]).tolist():
            cells.append(bytes(body[at : at + length]))
            at += length
        return cells

    def tensor(self, spec, body):
        kind, shape = spec[0], spec[3]
        count = 1
        for size in shape:
            count *= size
        if kind == "str":
            return self.numpy.array(parsed(body, *spec[1:3]), dtype=str).reshape(shape)
        if kind == "object":
            array = self.numpy.empty(count, dtype=object)
            for at, value in enumerate(parsed(body, *spec[1:3])):
                array[at] = value
            return array.reshape(shape)
        if kind == "bytes":
            cells = self.texts_of_bytes(spec, count, body)
            return self.numpy.array(cells, dtype=bytes).reshape(shape)
        return self.numpy.frombuffer(body, kind, count, spec[1]).reshape(shape)


def parsed(body, at, length):
    return json.loads(str(memoryview(body)[at : at + length], "utf-8"))


class Server:
    """A loaded model and MLflow's code around it."""

    def __init__(self, model):
        import inspect

        import numpy
        import pandas
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import BAD_REQUEST

        self.bad_request = BAD_REQUEST
        self.numpy, self.pandas = numpy, pandas
        self.MlflowException = MlflowException
        self.reader = Reader(numpy, pandas)
        self.model = model
        free = without_input_schema(model)
        self.enforces = free is None
        self.typed_model = model if free is None else free
        self.takes_params = "params" in inspect.signature(model.predict).parameters
        self.scoring = self.scoring_failure = self.client = None
        try:
            from mlflow.pyfunc import scoring_server

            self.scoring = scoring_server
        except Exception as error:
            self.scoring_failure = "MLflow's scoring server cannot be imported: %r" % error

    def greeting(self):
        import mlflow

        return {
            "kind": "ready",
            "python": "%d.%d.%d" % sys.version_info[:3],
            "mlflow": mlflow.__version__,
            "pandas": self.pandas.__version__,
            "numpy": self.numpy.__version__,
            "enforces": self.enforces,
        }

    def answer(self, header, body):
        """Header and buffers of the answer. Whatever a model raises is an answer, too."""
        try:
            if header["kind"] == "raw":
                parts = [self.raw(header["type"], body)]
            else:
                parts = self.typed(header, body)
        except self.MlflowException as error:
            status, text = error.get_http_status_code(), error.serialize_as_json()
            parts = [self.text(status, "application/json", text, is_error=True)]
        except BaseException:
            traceback.print_exc()
            text = "Internal Server Error"
            parts = [self.text(500, "text/plain; charset=utf-8", text, is_error=True)]
        if parts is None:
            return ({"kind": "answer", "unsplit": True},)
        headers = [header for header, _ in parts]
        return ({"kind": "answer", "parts": headers},) + tuple(buffer for _, buffer in parts)

    @staticmethod
    def text(status, content_type, text, is_error=False):
        buffer = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        header = {"status": status, "type": content_type, "bytes": len(buffer), "error": is_error}
        return header, buffer

    def predict(self, model, data, params):
        if self.takes_params:
            return model.predict(data, params=params)
        return model.predict(data)

    def typed(self, header, body):
        data = self.reader.input(header, body)
        try:
            result = self.predict(self.typed_model, data, header.get("params"))
        except self.MlflowException as error:
            error.message = "Failed to predict data '%s'. \nError: %s" % (data, error.message)
            raise
        except Exception:
            raise self.MlflowException(
                PREDICT_FAILED, error_code=self.bad_request, stack_trace=traceback.format_exc()
            ) from None
        counts = header.get("counts")
        if counts is None:
            return [self.encode(result)]
        pieces = self.split(result, counts)
        return pieces and [self.encode(piece) for piece in pieces]

    def split(self, result, counts):
        """What belongs to each request of a batch; `None` if that cannot be told."""
        total, kind = sum(counts), type(result)
        rows = self.pandas.DataFrame, self.pandas.Series
        if kind is self.numpy.ndarray:
            if result.ndim == 0:
                return None
        elif kind not in rows and kind is not list:
            return None
        if len(result) != total:
            return None
        places = result.iloc if kind in rows else result
        ends = [sum(counts[: at + 1]) for at in range(len(counts))]
        return [places[end - count : end] for count, end in zip(counts, ends)]

    def encode(self, result):
        """Numbers as they lie, all else in the JSON of MLflow."""
        if type(result) is self.numpy.ndarray and result.dtype.str[1:] in NUMBERS:
            kind = result.dtype.newbyteorder("<")
            buffer = result.astype(kind, copy=False).tobytes()
            shape = list(result.shape)
            return {"tensor": kind.str[1:], "shape": shape, "bytes": len(buffer)}, buffer
        buffer = self.json(result).encode("utf-8", "surrogatepass")
        return {"json": True, "bytes": len(buffer)}, buffer

    def json(self, result):
        from mlflow.utils.proto_json_utils import NumpyEncoder, _get_jsonable_obj

        return json.dumps(_get_jsonable_obj(result, pandas_orient="records"), cls=NumpyEncoder)

    def raw(self, content_type, body):
        if self.scoring is None:
            raise self.MlflowException(self.scoring_failure)
        if not hasattr(self.scoring, "invocations"):
            return self.by_flask(content_type, body)
        data = bytes(body)
        if hasattr(self.scoring, "flask"):
            data = data.decode("utf-8")
        schema = self.model.metadata.get_input_schema()
        answer = self.scoring.invocations(data, content_type, self.model, schema)
        mimetype = answer.mimetype
        if mimetype.startswith("text/"):
            mimetype += "; charset=utf-8"
        return self.text(answer.status, mimetype, answer.response)

    def by_flask(self, content_type, body):
        if self.client is None:
            self.client = self.scoring.init(self.model).test_client()
        answer = self.client.post("/invocations", data=bytes(body), content_type=content_type)
        return self.text(answer.status_code, answer.content_type, answer.data)

    def probe(self, path):
        """Why the model cannot be given the rows of several requests at once; `None` if it can.

        By the model's example, if it has one: two of its rows together must be what they are alone.
        Floats may differ as much as sums in another order do.
        """
        example = getattr(self.model, "input_example", None)
        if example is None:
            try:
                example = self.model.metadata.load_input_example(path)
            except Exception:
                return None
        if type(example) is not self.pandas.DataFrame or len(example) == 0:
            return None
        first, second = example.iloc[:1], example.iloc[-1:]
        both = self.pandas.concat([first, second], ignore_index=True)
        try:
            together, *alone = [self.model.predict(data) for data in (both, first, second)]
            pieces = self.split(together, [1, 1])
            if pieces is None or any(self.split(one, [1]) is None for one in alone):
                return "the model does not give one answer for each row of its example"
            for piece, one in zip(pieces, alone):
                if not alike(json.loads(self.json(piece)), json.loads(self.json(one))):
                    return "the model's answer to a row of its example depends on other rows"
            return None
        except Exception as error:
            return "the model fails for its example: %r" % error


def alike(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return one == other or abs(one - other) <= 1e-9 * abs(one) or (one != one and other != other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def prepare(settings):
    """Loads the model, in memory that is limited if the settings say so."""
    memory = settings.get("memory")
    if memory is not None:
        limit_address_space(memory + ADDRESS_RESERVE)
    model = load_model(settings["model"])
    # As MLflow's server does when it has loaded the model.
    os.environ["_MLFLOW_IS_IN_SERVING_ENVIRONMENT"] = "true"
    server = Server(model)
    greeting = server.greeting()
    greeting["unbatched"] = server.probe(settings["model"]) if settings.get("batches") else None
    if memory is not None:
        mapped, resident = own_memory()
        limit_address_space(mapped + max(memory - resident, 0) + MAPPED_LATER)
    return server, greeting


def main():
    channel = Channel(take_socket())
    die_with_server()
    threading.Thread(target=channel.beat, daemon=True).start()
    sys.argv = ["modelyard-worker"]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
    settings, _ = channel.receive()
    try:
        server, greeting = prepare(settings)
    except BaseException as error:
        why = "%s: %s" % (type(error).__name__, error)
        traceback.print_exc()
        channel.send({"kind": "failed"}, why.encode("utf-8", "replace"))
        return
    channel.send(greeting)
    while True:
        channel.send(*server.answer(*channel.receive()))


if __name__ == "__main__":
    main()
