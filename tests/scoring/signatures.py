"""The signatures that `cases.py` sends requests to."""

import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType, Array, Map, Object, Property

TYPES = ["double", "float", "long", "integer", "boolean", "string", "binary", "datetime"]


def columns(*specs, params=None):
    inputs = Schema([ColSpec(*spec) for spec in specs])
    return ModelSignature(inputs=inputs, params=params)


def tensors(*specs):
    return ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(t), shape, *n) for t, shape, *n in specs])
    )


POINT = Object([Property("x", DataType.double), Property("y", DataType.long, required=False)])
MESSAGE = Object(
    [Property("role", DataType.string), Property("content", DataType.string, required=False)]
)
PARAMS = ParamSchema(
    [
        ParamSpec("temperature", "double", 0.5),
        ParamSpec("top", "integer", 3),
        ParamSpec("big", "long", 4),
        ParamSpec("ratio", "float", 0.25),
        ParamSpec("name", "string", "x"),
        ParamSpec("flag", "boolean", True),
        ParamSpec("weights", "double", [1.0, 2.0], (-1,)),
        ParamSpec("names", "string", ["a"], (-1,)),
        ParamSpec("nothing", "string", None),
    ]
)

SIGNATURES = {
    "none": None,
    **{name: columns((name, "a")) for name in TYPES},
    **{f"optional_{name}": columns((name, "a", False), ("double", "b")) for name in TYPES},
    "two": columns(("double", "a"), ("double", "b")),
    "mixed": columns(("double", "a"), ("long", "b"), ("string", "c"), ("boolean", "d")),
    "narrow": columns(("float", "a"), ("integer", "b")),
    "unnamed": columns(("double",), ("long",)),
    "unnamed_one": columns(("double",)),
    "unnamed_string": columns(("string",)),
    "array": columns((Array(DataType.double), "a")),
    "array_string": columns((Array(DataType.string), "a"), ("double", "b")),
    "array_array": columns((Array(Array(DataType.long)), "a")),
    "object": columns((POINT, "a"), ("double", "b")),
    "map": columns((Map(DataType.long), "a")),
    "any": columns((AnyType(), "a")),
    "objects": columns((Array(POINT), "a")),
    "chat": columns((Array(MESSAGE), "messages"), ("double", "heat", False), params=PARAMS),
    "embed": columns(("string", "input")),
    "prompt": columns(("string", "prompt"), ("long", "n", False)),
    "tensor": tensors(("float64", (-1, 3))),
    "tensor32": tensors(("float32", (-1, 2, 2))),
    "tensor_int": tensors(("int64", (-1,))),
    "tensor_uint8": tensors(("uint8", (-1, 2))),
    "tensor_bool": tensors(("bool", (-1,))),
    "tensor_str": tensors(("str", (-1,))),
    "tensors": tensors(("float64", (-1, 2), "x"), ("int32", (-1,), "y")),
    "tensor_named": tensors(("float64", (-1, 1), "x")),
    "params": columns(("double", "a"), params=PARAMS),
    "params_only": ModelSignature(params=PARAMS),
}
SIGNATURES["hinted"] = columns(("string", "a"))
SIGNATURES["hinted"]._is_signature_from_type_hint = True
