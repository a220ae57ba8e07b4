"""The classic tutorial: only the address of the server is new, and it comes from MLFLOW_TRACKING_URI."""

import mlflow
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import train_test_split

mlflow.sklearn.autolog()

X_train, X_test, y_train, y_test = train_test_split(*load_diabetes(return_X_y=True))
RandomForestRegressor(n_estimators=50, max_depth=10, max_features=5).fit(X_train, y_train).predict(X_test)
