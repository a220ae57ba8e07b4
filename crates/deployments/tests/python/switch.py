"""Runs the worker's program over models for all signatures of the recordings, one at a time.

Started as the interpreter would be, with the program as the third argument. A request whose content
type is `switch/SIGNATURE/MODEL` chooses; all others are answered by the program as it is.
"""

import importlib.util
import json
import os
import sys

worker = {"__name__": "modelyard_worker"}
exec(compile(sys.argv[3], "worker.py", "exec"), worker)

spec = importlib.util.spec_from_file_location("fixture", os.environ["FIXTURE"])
fixture = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixture)


class Types:
    def predict(self, data, params=None):
        return types(data)


class Params:
    def predict(self, data, params=None):
        return params


def types(data):
    """As `tests/scoring/record.py` has it."""
    if hasattr(data, "columns"):
        return [[name, str(data.dtypes.iloc[at])] for at, name in enumerate(data.columns)]
    if hasattr(data, "dtype"):
        return [str(data.dtype), list(data.shape)]
    if isinstance(data, dict):
        return {name: types(value) for name, value in data.items()}
    return type(data).__name__


MODELS = {"echo": fixture.Echo, "cells": fixture.Cells, "types": Types, "params": Params}


def model_of(name, model):
    from mlflow.models import Model, ModelSignature
    from mlflow.pyfunc import PyFuncModel

    with open(os.environ["SIGNATURES"]) as file:
        parts = json.load(file)[name]
    signature = parts and ModelSignature.from_dict(parts)
    if name == "hinted":
        signature._is_signature_from_type_hint = True
    flavors = {"python_function": {"loader_module": "fixture"}}
    return PyFuncModel(Model(flavors=flavors, signature=signature), MODELS[model]())


class Switch(worker["Server"]):
    def raw(self, content_type, body):
        if content_type.startswith("switch/"):
            try:
                self.__init__(model_of(*content_type.split("/")[1:]))
            except Exception as error:
                return self.text(200, "text/plain", "unknown: %r" % error)
            return self.text(200, "text/plain", str(self.enforces))
        return super().raw(content_type, body)


def load_model(path):
    return model_of("none", "echo")


worker["Server"] = Switch
worker["load_model"] = load_model
worker["main"]()
