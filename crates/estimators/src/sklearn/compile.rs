//! Which class of scikit-learn is compiled by what.

use super::attributes::{Attributes, object};
use super::boosting::GradientBoosting;
use super::columns::Columns;
use super::encode::Encoder;
use super::forest::VotingTrees;
use super::hist::HistBoosting;
use super::impute::Imputer;
use super::linear::Linear;
use super::scale::Scaler;
use super::transform::Transformer;
use crate::error::{Error, Result};
use crate::graph::{Graph, Name, Node, NodeId};
use crate::lightgbm::Wrapper;
use crate::limits::{DEPTH_MAX, STEPS_MAX, within};
use crate::table::{Method, Output, Rows};
use crate::xgboost::Xgboost;

/// An estimator that predicts.
#[derive(Debug)]
pub(crate) enum Estimator {
    Trees(VotingTrees),
    Boosting(GradientBoosting),
    Hist(HistBoosting),
    Linear(Linear),
    Lightgbm(Wrapper),
    Xgboost(Xgboost),
    /// Transformers, and the estimator behind them.
    Pipeline(Vec<Transformer>, Box<Self>),
}

impl Estimator {
    pub(crate) fn compile(graph: &Graph, id: NodeId) -> Result<Self> {
        Compiler { graph, depth: 0, steps: 0, own_checks: false }.estimator(id)
    }

    pub(crate) fn predict<'a>(&self, method: Method, rows: Rows<'a>) -> Result<Output> {
        match self {
            Self::Trees(model) => model.predict(method, &rows),
            Self::Boosting(model) => model.predict(method, &rows),
            Self::Hist(model) => model.predict(method, &rows),
            Self::Linear(model) => model.predict(method, &rows),
            Self::Lightgbm(model) => model.predict(method, &rows),
            Self::Xgboost(model) => model.predict(method, &rows),
            Self::Pipeline(steps, model) => {
                let rows = steps.iter().try_fold(rows, |rows, step| step.apply(rows))?;
                model.predict(method, rows)
            }
        }
    }
}

/// Follows the references between estimators, of which a small file can have very many.
pub(super) struct Compiler<'g> {
    graph: &'g Graph,
    depth: usize,
    steps: usize,
    /// Whether functions that only check rows may stand among the transformers: they do in what
    /// histogram boosting made for itself.
    own_checks: bool,
}

impl<'g> Compiler<'g> {
    fn enter(&mut self, id: NodeId) -> Result<Attributes<'g>> {
        self.steps += 1;
        within("the number of estimators", self.steps, STEPS_MAX)?;
        let class = &object(self.graph, id)?.class;
        if let Some(reason) = python_code(class) {
            return Err(Error::python(reason));
        }
        let model = Attributes::of(self.graph, id)?;
        if !model.is_none("_sklearn_output_config") {
            pandas_output(&model)?;
        }
        Ok(model)
    }

    fn estimator(&mut self, id: NodeId) -> Result<Estimator> {
        let model = self.enter(id)?;
        let class = model.class;
        match (&*class.module, &*class.name) {
            (
                "sklearn.tree._classes",
                "DecisionTreeClassifier"
                | "DecisionTreeRegressor"
                | "ExtraTreeClassifier"
                | "ExtraTreeRegressor",
            )
            | (
                "sklearn.ensemble._forest",
                "RandomForestClassifier"
                | "RandomForestRegressor"
                | "ExtraTreesClassifier"
                | "ExtraTreesRegressor",
            ) => Ok(Estimator::Trees(VotingTrees::compile(&model)?)),
            (
                "sklearn.ensemble._gb",
                "GradientBoostingClassifier" | "GradientBoostingRegressor",
            ) => Ok(Estimator::Boosting(GradientBoosting::compile(&model)?)),
            (
                "sklearn.ensemble._hist_gradient_boosting.gradient_boosting",
                "HistGradientBoostingClassifier" | "HistGradientBoostingRegressor",
            ) => Ok(Estimator::Hist(HistBoosting::compile(self, &model)?)),
            ("sklearn.linear_model._base", "LinearRegression")
            | ("sklearn.linear_model._ridge", "Ridge" | "RidgeCV")
            | (
                "sklearn.linear_model._coordinate_descent",
                "Lasso" | "LassoCV" | "ElasticNet" | "ElasticNetCV",
            )
            | ("sklearn.linear_model._bayes", "BayesianRidge")
            | ("sklearn.linear_model._huber", "HuberRegressor")
            | ("sklearn.linear_model._stochastic_gradient", "SGDRegressor") => {
                Ok(Estimator::Linear(Linear::compile(&model, false)?))
            }
            ("sklearn.linear_model._logistic", "LogisticRegression")
            | ("sklearn.linear_model._ridge", "RidgeClassifier")
            | ("sklearn.linear_model._stochastic_gradient", "SGDClassifier")
            | ("sklearn.svm._classes", "LinearSVC") => {
                Ok(Estimator::Linear(Linear::compile(&model, true)?))
            }
            ("lightgbm.sklearn", "LGBMClassifier" | "LGBMRegressor") => {
                Ok(Estimator::Lightgbm(Wrapper::compile(&model)?))
            }
            ("xgboost.sklearn" | "xgboost.core", _) => {
                Ok(Estimator::Xgboost(Xgboost::from_object(&model)?))
            }
            ("sklearn.model_selection._search", "GridSearchCV" | "RandomizedSearchCV") => {
                let best = model.id("best_estimator_")?;
                self.inside(|inner| inner.estimator(best))
            }
            ("sklearn.pipeline", "Pipeline") => {
                let steps = steps(&model)?;
                let Some((last, steps)) = steps.split_last() else {
                    return Err(model.error("it has no steps"));
                };
                let steps = self.inside(|inner| inner.all(steps))?;
                let last = self.inside(|inner| inner.estimator(*last))?;
                Ok(Estimator::Pipeline(steps, Box::new(last)))
            }
            _ => Err(Error::python(format!("{class} is not built in"))),
        }
    }

    fn all(&mut self, steps: &[NodeId]) -> Result<Vec<Transformer>> {
        steps.iter().map(|step| self.transformer(*step)).collect()
    }

    pub(super) fn transformer(&mut self, id: NodeId) -> Result<Transformer> {
        match self.graph.node(id) {
            Node::None => return Ok(Transformer::Identity),
            Node::Text(text) if &**text == "passthrough" => return Ok(Transformer::Identity),
            _ => {}
        }
        let model = self.enter(id)?;
        let class = model.class;
        match (&*class.module, &*class.name) {
            ("sklearn.preprocessing._data", "StandardScaler") => {
                Ok(Transformer::Scaler(Scaler::standard(&model)?))
            }
            ("sklearn.preprocessing._data", "MinMaxScaler") => {
                Ok(Transformer::Scaler(Scaler::min_max(&model)?))
            }
            ("sklearn.impute._base", "SimpleImputer") => {
                Ok(Transformer::Imputer(Imputer::compile(&model)?))
            }
            ("sklearn.preprocessing._encoders", "OneHotEncoder") => {
                Ok(Transformer::Encoder(Encoder::one_hot(&model)?))
            }
            ("sklearn.preprocessing._encoders", "OrdinalEncoder") => {
                Ok(Transformer::Encoder(Encoder::ordinal(&model)?))
            }
            ("sklearn.preprocessing._function_transformer", "FunctionTransformer")
                if (self.own_checks || model.is_none("func")) && !model.bool("validate")? =>
            {
                Ok(Transformer::Identity)
            }
            ("sklearn.compose._column_transformer", "ColumnTransformer") => {
                self.inside(|inner| Columns::compile(inner, &model)).map(Transformer::Columns)
            }
            ("sklearn.pipeline", "Pipeline") => {
                let steps = steps(&model)?;
                self.inside(|inner| inner.all(&steps)).map(Transformer::Pipeline)
            }
            _ => Err(Error::python(format!("{class} is not built in"))),
        }
    }

    /// Compiles what histogram boosting sends its rows through.
    pub(super) fn preprocessor(&mut self, id: NodeId) -> Result<Columns> {
        let model = self.enter(id)?;
        self.inside(|inner| {
            inner.own_checks = true;
            let columns = Columns::compile(inner, &model);
            inner.own_checks = false;
            columns
        })
    }

    /// Compiles what is inside of an estimator.
    fn inside<T>(&mut self, compile: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        within("the depth of estimators", self.depth + 1, DEPTH_MAX)?;
        self.depth += 1;
        let compiled = compile(self)?;
        self.depth -= 1;
        Ok(compiled)
    }
}

/// The estimators of a pipeline, which are named by pairs.
fn steps(pipeline: &Attributes<'_>) -> Result<Vec<NodeId>> {
    pipeline.version()?;
    let step = |pair: &NodeId| match pipeline.graph.node(*pair) {
        Node::Tuple(pair) | Node::List(pair) if pair.len() == 2 => Ok(pair[1]),
        _ => Err(pipeline.error("'steps' is not as it should be")),
    };
    pipeline.list("steps")?.iter().map(step).collect()
}

/// Refuses estimators that hand on tables instead of numbers.
fn pandas_output(model: &Attributes<'_>) -> Result<()> {
    let Node::Dict(entries) = model.node("_sklearn_output_config")? else {
        return Err(model.error("'set_output' is not as it should be"));
    };
    let default =
        |id: NodeId| matches!(model.graph.node(id), Node::Text(text) if &**text == "default");
    if entries.iter().all(|(_, value)| default(*value)) {
        return Ok(());
    }
    Err(model.error("'set_output' is not built in"))
}

/// Why a class is code of the user's.
fn python_code(class: &Name) -> Option<String> {
    if class.is_of("cloudpickle") {
        return Some("the pickle carries Python code of its own".to_owned());
    }
    if class.is_of("__main__") {
        return Some(format!("{class} was defined in a notebook or script"));
    }
    None
}
