"""A model from code: MLflow keeps this file."""

import mlflow


class Scaled(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input * (params or {}).get("factor", 1.0)


mlflow.models.set_model(Scaled())
