"""The models of XGBoost and LightGBM."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from train import BINARY, CLASSES, MISSING, ROWS_TRAIN, SCORE, TRAIN, counted, frame, version

ALL = ("clean", "nan", "inf")
NUMBERS = np.digitize(SCORE, np.quantile(SCORE, [0.4, 0.7]))
COUNTS = np.round(SCORE - SCORE.min())
POSITIVE = SCORE - SCORE.min() + 0.5


def sparse_columns(model):
    """A pipeline in which the model gets a sparse matrix, and the answers that go with the table of training."""
    columns = ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="ignore"), ["colour", "size"]),
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"]),
            ("rooms", "passthrough", ["rooms"]),
        ],
        sparse_threshold=1.0,
    )
    table = frame(ROWS_TRAIN, 0)
    table["rooms"] -= 2
    return make_pipeline(columns, model), table, table.income + table.rooms * 3 + (table.colour == "red") * 7


class Probabilities:
    """A booster under the names that scikit-learn has for what it answers."""

    def __init__(self, predict, decision=None):
        self.predict = predict
        if decision:
            self.decision_function = decision


def xgboost(writer):
    import xgboost as xgb

    small = {"max_depth": 4, "eta": 0.4, "seed": 0, "nthread": 1}

    def saved(name, model):
        files = [f"{name}.ubj", f"{name}.json"]
        for file in files:
            model.save_model(writer.folder / file)
        return files

    def booster(name, label, params, rounds=8, rows=MISSING, types=None, **more):
        if not writer.wants(name):
            return
        data = xgb.DMatrix(rows, label, feature_types=types, enable_categorical=types is not None)
        model = xgb.train({**small, **params}, data, rounds)
        files = saved(name, model)

        def table(given):
            return xgb.DMatrix(given, feature_types=types, enable_categorical=types is not None)

        answers = Probabilities(
            lambda given: model.predict(table(given)),
            lambda given: model.predict(table(given), output_margin=True),
        )
        answers = writer.answers(name, answers, ["predict", "decision_function"], ALL)
        writer.add(name, files, answers, **more)

    rank = {"objective": "rank:pairwise"}
    booster("xgb_squared", SCORE, {})
    booster("xgb_base_score", SCORE, {"base_score": 0.3, "lambda": 3})
    booster("xgb_logistic", BINARY, {"objective": "binary:logistic"})
    honest = (writer.folder / "xgb_logistic.json").read_bytes()
    lie = honest.replace(b'"num_class":"0"', b'"num_class":"90000000"')
    writer.refused("hostile_classes.json", lie, "outputs without trees")
    booster("xgb_logitraw", BINARY, {"objective": "binary:logitraw"})
    booster("xgb_reg_logistic", BINARY * 0.7, {"objective": "reg:logistic"})
    booster("xgb_softprob", NUMBERS, {"objective": "multi:softprob", "num_class": 3})
    booster("xgb_softmax", NUMBERS, {"objective": "multi:softmax", "num_class": 3})
    booster("xgb_poisson", COUNTS, {"objective": "count:poisson"})
    booster("xgb_gamma", POSITIVE, {"objective": "reg:gamma"})
    booster("xgb_tweedie", POSITIVE, {"objective": "reg:tweedie"})
    booster("xgb_absolute", SCORE, {"objective": "reg:absoluteerror"})
    booster("xgb_pseudohuber", SCORE, {"objective": "reg:pseudohubererror"})
    booster("xgb_hinge", BINARY, {"objective": "binary:hinge"})
    booster("xgb_lossguide", SCORE, {"grow_policy": "lossguide", "max_leaves": 9, "tree_method": "hist"})
    booster("xgb_forest", SCORE, {"num_parallel_tree": 3, "subsample": 0.7, "tree_method": "exact"}, 4)
    booster("xgb_dart", SCORE, {"booster": "dart", "rate_drop": 0.4})
    booster("xgb_linear", SCORE, {"booster": "gblinear"})
    booster("xgb_rank", NUMBERS, rank)
    types = ["q", "q", "q", "c", "c"]
    booster("xgb_categories", SCORE, {"tree_method": "hist", "max_cat_to_onehot": 1}, rows=counted(), types=types)
    booster("xgb_one_hot", SCORE, {"tree_method": "hist", "max_cat_to_onehot": 9}, rows=counted(), types=types)
    if version(xgb) >= (2, 0):
        booster("xgb_quantile", SCORE, {"objective": "reg:quantileerror", "quantile_alpha": 0.7})

    def estimator(name, model, label, methods, **more):
        if not writer.wants(name):
            return
        model.fit(MISSING, label, **more)
        files = saved(name, model)
        answers = writer.answers(name, model, methods, ALL)
        writer.add(name, files, answers, wrapper=type(model).__name__)

    both = ["predict", "predict_proba"]
    small = {"n_estimators": 8, "max_depth": 4, "n_jobs": 1}
    estimator("xgb_regressor", xgb.XGBRegressor(**small), SCORE, both[:1])
    estimator("xgb_classifier", xgb.XGBClassifier(**small), BINARY, both)
    estimator("xgb_classes", xgb.XGBClassifier(**small), NUMBERS, both)
    inner = make_pipeline(StandardScaler(), xgb.XGBRegressor(**small))
    writer.sklearn("xgb_pipeline", inner.fit(MISSING, SCORE), both[:1])
    inner = make_pipeline(StandardScaler(), xgb.XGBClassifier(**small))
    writer.sklearn("xgb_pipeline_classes", inner.fit(MISSING, NUMBERS), both)
    model, table, label = sparse_columns(xgb.XGBRegressor(**small))
    writer.sklearn("xgb_sparse", model.fit(table, label), both[:1], inputs=["frame"])
    stopped = xgb.XGBRegressor(**{**small, "n_estimators": 40}, early_stopping_rounds=2)
    estimator("xgb_stopped", stopped, SCORE, both[:1], eval_set=[(TRAIN + 1, SCORE)], verbose=False)


def lightgbm(writer):
    import lightgbm as lgb

    small = {"num_leaves": 9, "min_data_in_leaf": 5, "verbose": -1, "seed": 0, "num_threads": 1}

    def booster(name, label, params, rounds=8, rows=MISSING, categories=(), group=None, **more):
        if not writer.wants(name):
            return
        data = lgb.Dataset(rows, label, group=group, categorical_feature=list(categories))
        model = lgb.train({**small, **params}, data, rounds)
        model.save_model(writer.folder / f"{name}.lgb")
        answers = Probabilities(model.predict, lambda given: model.predict(given, raw_score=True))
        answers = writer.answers(name, answers, ["predict", "decision_function"], ALL)
        writer.add(name, [f"{name}.lgb"], answers, **more)

    booster("lgb_regression", SCORE, {})
    booster("lgb_sqrt", POSITIVE, {"reg_sqrt": True})
    booster("lgb_binary", BINARY, {"objective": "binary", "sigmoid": 0.7})
    booster("lgb_multiclass", NUMBERS, {"objective": "multiclass", "num_class": 3})
    booster("lgb_ova", NUMBERS, {"objective": "multiclassova", "num_class": 3})
    booster("lgb_l1", SCORE, {"objective": "regression_l1"})
    booster("lgb_huber", SCORE, {"objective": "huber"})
    booster("lgb_fair", SCORE, {"objective": "fair"})
    booster("lgb_quantile", SCORE, {"objective": "quantile", "alpha": 0.3})
    booster("lgb_mape", POSITIVE, {"objective": "mape"})
    booster("lgb_poisson", COUNTS, {"objective": "poisson"})
    booster("lgb_gamma", POSITIVE, {"objective": "gamma"})
    booster("lgb_tweedie", POSITIVE, {"objective": "tweedie"})
    booster("lgb_entropy", BINARY * 0.8, {"objective": "cross_entropy"})
    booster("lgb_entropy_lambda", BINARY * 0.8, {"objective": "cross_entropy_lambda"})
    booster("lgb_zero_missing", SCORE, {"zero_as_missing": True})
    booster("lgb_no_missing", SCORE, {"use_missing": False})
    booster("lgb_clean", SCORE, {}, rows=TRAIN)
    booster("lgb_dart", SCORE, {"boosting": "dart", "drop_rate": 0.5})
    booster("lgb_forest", SCORE, {"boosting": "rf", "bagging_fraction": 0.6, "bagging_freq": 1})
    booster("lgb_forest_binary", BINARY, {"objective": "binary", "boosting": "rf", "bagging_fraction": 0.6,
                                          "bagging_freq": 1})
    booster("lgb_linear", SCORE, {"linear_tree": True}, rows=TRAIN)
    booster("lgb_categories", SCORE, {"cat_smooth": 1, "min_data_per_group": 5}, rows=counted(), categories=[3, 4])
    booster("lgb_one_hot", SCORE, {"max_cat_to_onehot": 20}, rows=counted(), categories=[3, 4])
    for name in ("lambdarank", "rank_xendcg"):
        booster(f"lgb_{name}", NUMBERS, {"objective": name}, group=[30] * (ROWS_TRAIN // 30))
    booster("lgb_constant", np.full(ROWS_TRAIN, 2.5), {})

    tiny = {"n_estimators": 8, "num_leaves": 9, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}
    both = ["predict", "predict_proba"]
    inner = make_pipeline(StandardScaler(), lgb.LGBMClassifier(**tiny))
    writer.sklearn("lgb_pipeline", inner.fit(MISSING, CLASSES), both)
    model, table, label = sparse_columns(lgb.LGBMRegressor(**tiny))
    writer.sklearn("lgb_sparse", model.fit(table, label), both[:1], inputs=["frame"])
    writer.sklearn("lgb_regressor", lgb.LGBMRegressor(**tiny).fit(MISSING, SCORE), both[:1])
    writer.sklearn("lgb_classifier", lgb.LGBMClassifier(**tiny).fit(MISSING, BINARY), both)
    writer.sklearn("lgb_classes", lgb.LGBMClassifier(**tiny).fit(MISSING, CLASSES), both)
    stopped = lgb.LGBMRegressor(**{**tiny, "n_estimators": 60})
    stopped.fit(MISSING, SCORE, eval_set=[(TRAIN + 1, SCORE)], callbacks=[lgb.early_stopping(2, verbose=False)])
    writer.sklearn("lgb_stopped", stopped, both[:1])
