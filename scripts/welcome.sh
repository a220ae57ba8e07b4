#!/usr/bin/env bash
# What to do next, printed by `make run` just before the server starts.
set -euo pipefail
url=$1
cat <<TEXT

Modelyard starts at $url and keeps its data in ./modelyard-data; Ctrl-C ends it.

  1. Open $url in a browser.
  2. Log a run with the MLflow client you have (pip install mlflow scikit-learn):

       import mlflow
       from sklearn.datasets import load_diabetes
       from sklearn.ensemble import RandomForestRegressor
       from sklearn.model_selection import train_test_split

       mlflow.set_tracking_uri("$url")
       mlflow.sklearn.autolog()
       X_train, X_test, y_train, y_test = train_test_split(*load_diabetes(return_X_y=True))
       RandomForestRegressor(n_estimators=50, max_depth=10, max_features=5).fit(X_train, y_train).predict(X_test)

  3. Watch it appear on the page, by itself.

TEXT
