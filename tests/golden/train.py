"""Trains models with the installed libraries and writes, for each, its files and what it answers.

    python train.py FOLDER [--sample]

FOLDER gets one `cases.json`, the tables of rows (`clean.npy`, `nan.npy`, `inf.npy`, `frame.json`), each model
in the formats its library has, and one `.npy` for each answer. A library's refusal of a table is recorded too.
The test `golden` of the crate `estimators` reads all of it and asks for the same bits.
"""

import argparse
import json
import pathlib
import pickle
import re
import warnings

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import sklearn

ROWS_TRAIN, ROWS_TEST, FEATURES = 300, 1000, 5

warnings.filterwarnings("ignore")


def version(module):
    return tuple(int(part) for part in module.__version__.split(".")[:2])


def tables():
    """Training rows, answers to learn, and tables to predict: with edges, missing and infinite values."""
    random = np.random.RandomState(7)
    train = random.normal(size=(ROWS_TRAIN, FEATURES)) * [1, 10, 0.1, 1, 1]
    train[:, 3] = np.round(train[:, 3])
    train[:, 4] = random.randint(0, 6, ROWS_TRAIN)
    score = train[:, 0] * 2 + np.sin(train[:, 1]) + train[:, 3] ** 2 + 3 * (train[:, 4] % 2)
    clean = random.normal(size=(ROWS_TEST, FEATURES)) * [1.5, 15, 0.2, 2, 1]
    clean[:, 3] = np.round(clean[:, 3])
    clean[:, 4] = random.randint(0, 8, ROWS_TEST)
    # Midpoints of training values are where thresholds are: the last bit decides there.
    ordered = np.sort(train, axis=0)
    middle = (ordered[1:] + ordered[:-1]) / 2
    for column in range(FEATURES):
        clean[:300, column] = random.permutation(np.resize(middle[:, column], 300))
        clean[300:400, column] = random.permutation(train[:100, column])
        clean[400:450, column] = np.nextafter(np.resize(middle[:, column], 50), np.inf)
        clean[450:500, column] = np.float32(np.resize(middle[:, column], 50))
    clean[500:510] = 0.0
    clean[510:520] = -0.0
    clean[520:530] = 1e30
    clean[530:540] = 5e-324
    clean[540:550] = 1e-35
    nan = clean.copy()
    nan[random.random_sample(nan.shape) < 0.2] = np.nan
    nan[-1] = np.nan
    inf = nan.copy()
    inf[random.random_sample(inf.shape) < 0.05] = np.inf
    inf[random.random_sample(inf.shape) < 0.05] = -np.inf
    missing = train.copy()
    missing[random.random_sample(train.shape) < 0.15] = np.nan
    return train, missing, score, {"clean": clean, "nan": nan, "inf": inf}


TRAIN, MISSING, SCORE, TABLES = tables()
BINARY = (SCORE > np.median(SCORE)).astype(int)
CLASSES = np.array(["bird", "cat", "dog"])[np.digitize(SCORE, np.quantile(SCORE, [0.4, 0.7]))]
PROBA = ["predict", "predict_proba"]


def counted():
    """Training rows whose last two columns are categories, some of them missing."""
    table = TRAIN.copy()
    table[:, 3] = np.abs(table[:, 3])
    table[:20, 4] = np.nan
    return table


def frame(rows, seed):
    random = np.random.RandomState(seed)
    colours = np.array(["red", "green", "blue", "grün"])
    table = pd.DataFrame(
        {
            "age": random.normal(40, 12, rows),
            "income": random.lognormal(3, 1, rows),
            "colour": colours[random.randint(0, 4 if seed else 3, rows)].astype(object),
            "size": np.array(["S", "M", "L"])[random.randint(0, 3, rows)].astype(object),
            "rooms": random.randint(1, 7, rows),
        }
    )
    table.loc[random.random_sample(rows) < 0.1, "age"] = np.nan
    return table


# What is checked in and read by every run of the tests.
SAMPLE = """
    tree_classifier forest_regressor forest_balanced extra_regressor boosting_exponential hist_classifier hist_categorical
    linear_ridge xgb_pipeline
    logistic_classes pipeline_ridge columns_forest columns_ordinal xgb_logistic xgb_softprob xgb_categories xgb_stopped
    lgb_multiclass lgb_categories lgb_zero_missing lgb_classes
""".split()


class Writer:
    def __init__(self, folder, sample):
        self.folder, self.sample, self.cases = pathlib.Path(folder), sample, []
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, table in TABLES.items():
            np.save(self.folder / f"{name}.npy", table)
        table = frame(ROWS_TEST, 1)
        columns = []
        for name in table:
            values = [None if value != value else value for value in table[name].tolist()]
            columns.append({"name": name, "values": values})
        (self.folder / "frame.json").write_text(json.dumps(columns))
        self.frame = table

    def wants(self, name):
        return not self.sample or name in SAMPLE

    def answers(self, name, model, methods, inputs):
        answers = []
        for method in methods:
            for given in inputs:
                rows = self.frame if given == "frame" else TABLES[given]
                answer = {"method": method, "input": given}
                try:
                    values = np.asarray(getattr(model, method)(rows))
                except Exception as error:
                    # XGBoost puts the time and the line of its source in front.
                    text = re.sub(r"^\[[\d:]+\] \S+ Check failed: \w+: ", "", str(error))
                    answer["error"] = text.splitlines()[0]
                else:
                    if values.dtype == object:
                        values = values.astype(str)
                    answer["file"] = f"{name}.{method}.{given}.npy"
                    np.save(self.folder / answer["file"], values)
                answers.append(answer)
        return answers

    def add(self, name, files, answers, **more):
        """`more`: `tolerance`, and in `exponential` the methods whose answers come out of exponentials."""
        self.cases.append({"name": name, "files": files, "answers": answers, **more})

    def sklearn(self, name, model, methods=("predict",), inputs=("clean", "nan", "inf"), **more):
        if not self.wants(name):
            return
        files = [f"{name}.cloudpickle.pkl"]
        (self.folder / files[0]).write_bytes(cloudpickle.dumps(model))
        if name in ("forest_regressor", "hist_classifier"):
            for protocol in (0, 2, 4, 5):
                files.append(f"{name}.protocol{protocol}.pkl")
                (self.folder / files[-1]).write_bytes(pickle.dumps(model, protocol=protocol))
            files.append(f"{name}.joblib")
            joblib.dump(model, self.folder / files[-1])
        try:
            import skops.io

            skops.io.dump(model, self.folder / f"{name}.skops")
            files.append(f"{name}.skops")
        except Exception as error:
            print(f"{name}: skops: {error}")
        self.add(name, files, self.answers(name, model, methods, inputs), **more)

    def hostile(self):
        """Small files that would become large: one tree in very many places, a number that lies."""
        from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

        forest = RandomForestRegressor(n_estimators=1, random_state=0).fit(TRAIN, SCORE)
        forest.estimators_ *= 100_000
        self.refused("hostile_shared.pkl", pickle.dumps(forest, protocol=4), "refers to the same data too often")
        boosting = HistGradientBoostingRegressor(max_iter=1).fit(TRAIN, SCORE)
        boosting.n_features_in_ = 10**15
        self.refused("hostile_features.pkl", pickle.dumps(boosting, protocol=4), "not of the size of the model")

    def refused(self, name, contents, why):
        (self.folder / name).write_bytes(contents)
        self.add(name.split(".")[0], [name], [], refused=why)

    def close(self):
        (self.folder / "cases.json").write_text(json.dumps(self.cases, indent=1))
        print(f"{len(self.cases)} models, scikit-learn {sklearn.__version__}")


def trees(writer):
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeRegressor

    small = {"n_estimators": 7, "max_depth": 6, "random_state": 0}
    nan_tree = MISSING if version(sklearn) >= (1, 3) else TRAIN
    nan_forest = MISSING if version(sklearn) >= (1, 4) else TRAIN
    nan_extra = MISSING if version(sklearn) >= (1, 6) else TRAIN
    both = np.column_stack([SCORE, -SCORE + TRAIN[:, 2]])
    writer.sklearn("tree_regressor", DecisionTreeRegressor(max_depth=8, random_state=0).fit(TRAIN, SCORE))
    writer.sklearn("tree_best_first", DecisionTreeRegressor(max_leaf_nodes=20, random_state=0).fit(nan_tree, SCORE))
    writer.sklearn("tree_absolute", DecisionTreeRegressor(criterion="absolute_error", max_depth=4).fit(TRAIN, SCORE))
    writer.sklearn("tree_two_outputs", DecisionTreeRegressor(max_depth=5, random_state=0).fit(TRAIN, both))
    writer.sklearn("tree_classifier", DecisionTreeClassifier(max_depth=6, random_state=0).fit(nan_tree, CLASSES), PROBA)
    writer.sklearn("tree_one_class", DecisionTreeClassifier().fit(TRAIN, np.zeros(ROWS_TRAIN)), PROBA)
    writer.sklearn("tree_random", ExtraTreeRegressor(max_depth=5, random_state=0).fit(nan_extra, SCORE))
    writer.sklearn("forest_regressor", RandomForestRegressor(**small).fit(TRAIN, SCORE))
    writer.sklearn("forest_missing", RandomForestRegressor(**small).fit(nan_forest, SCORE))
    writer.sklearn("forest_two_outputs", RandomForestRegressor(**small).fit(TRAIN, both))
    writer.sklearn("forest_classifier", RandomForestClassifier(**small).fit(TRAIN, CLASSES), PROBA)
    balanced = RandomForestClassifier(**small, class_weight="balanced", criterion="entropy")
    writer.sklearn("forest_balanced", balanced.fit(nan_forest, BINARY > 0), PROBA)
    writer.sklearn("extra_regressor", ExtraTreesRegressor(**small).fit(nan_extra, SCORE))
    writer.sklearn("extra_classifier", ExtraTreesClassifier(**small).fit(TRAIN, BINARY), PROBA)


def boosting(writer):
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    small = {"n_estimators": 12, "max_depth": 3, "random_state": 0}
    raw = ["predict", "decision_function", "predict_proba"]
    curved = {"exponential": ["predict_proba"]}
    writer.sklearn("boosting_regressor", GradientBoostingRegressor(**small).fit(TRAIN, SCORE))
    writer.sklearn("boosting_zero", GradientBoostingRegressor(**small, init="zero").fit(TRAIN, SCORE))
    writer.sklearn("boosting_huber", GradientBoostingRegressor(**small, loss="huber", subsample=0.7).fit(TRAIN, SCORE))
    writer.sklearn("boosting_quantile", GradientBoostingRegressor(**small, loss="quantile").fit(TRAIN, SCORE))
    writer.sklearn("boosting_binary", GradientBoostingClassifier(**small).fit(TRAIN, BINARY), raw, **curved)
    # Its first guess is a logarithm, so the raw scores depend on the machine as well.
    writer.sklearn("boosting_classes", GradientBoostingClassifier(**small).fit(TRAIN, CLASSES), raw, tolerance=1e-15)
    exponential = GradientBoostingClassifier(**small, loss="exponential")
    writer.sklearn("boosting_exponential", exponential.fit(TRAIN, BINARY), raw, **curved)
    small = {"max_iter": 12, "max_depth": 4, "random_state": 0, "min_samples_leaf": 5}
    regressor, classifier = HistGradientBoostingRegressor, HistGradientBoostingClassifier
    writer.sklearn("hist_regressor", regressor(**small).fit(MISSING, SCORE))
    writer.sklearn("hist_clean", regressor(**small).fit(TRAIN, SCORE))
    poisson = regressor(**small, loss="poisson")
    writer.sklearn("hist_poisson", poisson.fit(TRAIN, SCORE - SCORE.min()), exponential=["predict"])
    writer.sklearn("hist_absolute", regressor(**small, loss="absolute_error").fit(TRAIN, SCORE))
    writer.sklearn("hist_quantile", regressor(**small, loss="quantile", quantile=0.2).fit(TRAIN, SCORE))
    if version(sklearn) >= (1, 3):
        gamma = regressor(**small, loss="gamma")
        writer.sklearn("hist_gamma", gamma.fit(TRAIN, SCORE - SCORE.min() + 1), exponential=["predict"])
    writer.sklearn("hist_binary", classifier(**small).fit(MISSING, BINARY), raw, **curved)
    writer.sklearn("hist_classifier", classifier(**small).fit(MISSING, CLASSES), raw, **curved)
    categorical = regressor(**small, categorical_features=[3, 4])
    writer.sklearn("hist_categorical", categorical.fit(counted(), SCORE))
    if version(sklearn) >= (1, 4):
        table = frame(ROWS_TRAIN, 0)
        words = classifier(**small, categorical_features=["colour", "size"])
        words.fit(table, np.digitize(table.income + (table.colour == "red") * 7, [15, 30]))
        writer.sklearn("hist_words", words, raw, inputs=["frame"], **curved)


def linear(writer):
    from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
    from sklearn.linear_model import BayesianRidge, ElasticNetCV, HuberRegressor, LassoCV, RidgeClassifier, RidgeCV
    from sklearn.linear_model import SGDClassifier, SGDRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler, scale
    from sklearn.svm import LinearSVC

    close = {"tolerance": 1e-11}
    raw = ["predict", "decision_function", "predict_proba"]
    both = np.column_stack([SCORE, -SCORE + TRAIN[:, 2]])
    for name, model in [("ordinary", LinearRegression()), ("ridge", Ridge()), ("lasso", Lasso(0.1)),
                        ("ridge_cv", RidgeCV()), ("lasso_cv", LassoCV()), ("elastic_cv", ElasticNetCV()),
                        ("bayes", BayesianRidge()), ("huber", HuberRegressor(max_iter=500)),
                        ("elastic", ElasticNet(0.1)), ("no_intercept", LinearRegression(fit_intercept=False))]:
        writer.sklearn(f"linear_{name}", model.fit(TRAIN, SCORE), **close)
    writer.sklearn("linear_two_outputs", LinearRegression().fit(TRAIN, both), **close)
    writer.sklearn("logistic_binary", LogisticRegression(max_iter=500).fit(TRAIN, BINARY), raw, **close)
    writer.sklearn("logistic_classes", LogisticRegression(max_iter=500).fit(TRAIN, CLASSES), raw, **close)
    liblinear = make_pipeline(StandardScaler(), LogisticRegression(solver="liblinear"))
    writer.sklearn("logistic_liblinear", liblinear.fit(TRAIN, BINARY), raw, **close)
    scaled = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    writer.sklearn("pipeline_logistic", scaled.fit(TRAIN, CLASSES), raw, **close)
    unscaled = make_pipeline(StandardScaler(with_mean=False), MinMaxScaler((-1, 2), clip=True), Ridge())
    writer.sklearn("pipeline_ridge", unscaled.fit(TRAIN, SCORE), **close)
    newton = LogisticRegression(solver="newton-cholesky")
    writer.sklearn("logistic_newton", newton.fit(TRAIN, BINARY), raw, **close)
    writer.sklearn("ridge_classes", RidgeClassifier().fit(TRAIN, CLASSES), raw[:2], **close)
    writer.sklearn("ridge_binary", RidgeClassifier().fit(TRAIN, BINARY), raw[:2], **close)
    if version(sklearn) < (1, 8):
        for name in ("ovr", "multinomial"):
            model = LogisticRegression(multi_class=name, max_iter=500)
            writer.sklearn(f"logistic_{name}", model.fit(TRAIN, CLASSES), raw, **close)
        model = LogisticRegression(multi_class="multinomial", max_iter=500)
        writer.sklearn("logistic_multinomial_binary", model.fit(TRAIN, BINARY), raw, **close)
    writer.sklearn("svc_linear", LinearSVC(random_state=0).fit(TRAIN, CLASSES), raw[:2], **close)
    writer.sklearn("sgd_regressor", SGDRegressor(random_state=0).fit(scale(TRAIN), SCORE), **close)
    writer.sklearn("sgd_log", SGDClassifier(loss="log_loss", random_state=0).fit(TRAIN, CLASSES), raw, **close)
    writer.sklearn("sgd_hinge", SGDClassifier(random_state=0).fit(TRAIN, BINARY), raw[:2], **close)


def columns(writer):
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
    from sklearn.tree import DecisionTreeRegressor

    table = frame(ROWS_TRAIN, 0)
    answer = table.income + table.rooms * 3 + (table.colour == "red") * 7
    forest = {"n_estimators": 7, "max_depth": 5, "random_state": 0}
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    one_hot = ColumnTransformer(
        [("numbers", numbers, ["age", "income"]), ("words", OneHotEncoder(handle_unknown="ignore"), ["colour", "size"])],
        remainder="passthrough",
    )
    model = Pipeline([("columns", one_hot), ("forest", RandomForestRegressor(**forest))])
    writer.sklearn("columns_forest", model.fit(table, answer), inputs=["frame"])
    ordinal = ColumnTransformer(
        [
            ("words", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), [2, 3]),
            ("numbers", SimpleImputer(add_indicator=False), slice(0, 2)),
            ("dropped", "drop", [4]),
        ]
    )
    model = Pipeline([("columns", ordinal), ("tree", DecisionTreeRegressor(max_depth=5, random_state=0))])
    writer.sklearn("columns_ordinal", model.fit(table, answer), inputs=["frame"])
    dense = ColumnTransformer(
        [
            ("words", OneHotEncoder(drop="first", handle_unknown="ignore"), ["colour", "size"]),
            ("numbers", make_pipeline(SimpleImputer(strategy="constant", fill_value=1.5), MinMaxScaler()), ["age"]),
        ],
        sparse_threshold=0,
    )
    model = Pipeline([("columns", dense), ("scale", StandardScaler()), ("forest", RandomForestClassifier(**forest))])
    writer.sklearn("columns_classifier", model.fit(table, answer > 15), PROBA, inputs=["frame"])
    strict = ColumnTransformer([("words", OneHotEncoder(drop="if_binary"), [2, 3]), ("rest", "passthrough", [1, 4])])
    model = Pipeline([("columns", strict), ("tree", DecisionTreeRegressor(max_depth=5, random_state=0))])
    writer.sklearn("columns_strict", model.fit(table, answer), inputs=["frame"])
    sparse = ColumnTransformer([("words", OneHotEncoder(handle_unknown="ignore"), ["colour", "size", "rooms"])])
    scaled = StandardScaler(with_mean=False)
    model = Pipeline([("columns", sparse), ("scale", scaled), ("tree", DecisionTreeRegressor(max_depth=6, random_state=0))])
    writer.sklearn("columns_sparse", model.fit(table, answer), inputs=["frame"])
    codes = make_pipeline(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                          DecisionTreeRegressor(max_depth=5, random_state=0))
    writer.sklearn("pipeline_codes", codes.fit(np.round(TRAIN), SCORE))
    search = GridSearchCV(RandomForestClassifier(**forest), {"max_depth": [2, 4]}, cv=2)
    writer.sklearn("search_forest", search.fit(TRAIN, CLASSES), PROBA)
    imputer = make_pipeline(SimpleImputer(), RandomForestRegressor(**forest))
    writer.sklearn("pipeline_imputer", imputer.fit(MISSING, SCORE))
    writer.sklearn("pipeline_scaled", make_pipeline(StandardScaler(), RandomForestRegressor(**forest)).fit(TRAIN, SCORE))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--sample", action="store_true", help="only what is checked in")
    arguments = parser.parse_args()
    writer = Writer(arguments.folder, arguments.sample)
    trees(writer)
    boosting(writer)
    linear(writer)
    columns(writer)
    try:
        import xgboost  # noqa: F401

        import boosters
    except ImportError:
        pass
    else:
        boosters.xgboost(writer)
    try:
        import lightgbm  # noqa: F401

        import boosters
    except ImportError:
        pass
    else:
        boosters.lightgbm(writer)
    writer.hostile()
    writer.close()


if __name__ == "__main__":
    main()
