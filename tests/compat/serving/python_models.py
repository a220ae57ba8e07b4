"""Models in Python that the tests serve; saved with cloudpickle, by value."""

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, INTERNAL_ERROR


class Weighted(mlflow.pyfunc.PythonModel):
    """The sum of a row, with parameters."""

    def predict(self, context, model_input, params=None):
        params = params or {}
        totals = model_input.sum(axis=1) * params.get("factor", 1.0)
        return [f"{params.get('prefix', '')}{total}" for total in totals]


class Echo(mlflow.pyfunc.PythonModel):
    """Gives back the frame, so that casting is visible."""

    def predict(self, context, model_input, params=None):
        return model_input


class Raising(mlflow.pyfunc.PythonModel):
    """Fails as its input says."""

    def predict(self, context, model_input, params=None):
        how = model_input["how"].iloc[0]
        if how == "value":
            raise ValueError("no such value")
        if how == "key":
            raise KeyError("k")
        if how == "mlflow":
            raise MlflowException("not today", error_code=BAD_REQUEST)
        if how == "internal":
            raise MlflowException("broken", error_code=INTERNAL_ERROR)
        if how == "unserialisable":
            return object()
        return {"fine": how}


class Hinted(mlflow.pyfunc.PythonModel):
    """Type hints instead of a signature."""

    def predict(self, model_input: list[str]) -> list[str]:
        return [text.upper() for text in model_input]
