//! Which file of a model the native engine reads, and which method it stands for.

use modelyard_estimators::{Method, XgboostClass};

use crate::mlmodel::{Flavor, MlModel, PyFunc};

/// How the model's file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// pickle, cloudpickle or joblib.
    Pickle,
    /// skops.
    Skops,
    /// XGBoost's UBJSON or JSON.
    Xgboost(XgboostClass),
    /// LightGBM's text.
    Lightgbm,
}

/// What the native engine needs of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The file, relative to the model's folder. It is as the `MLmodel` file says it: not checked.
    pub file: String,
    /// What it is.
    pub format: Format,
    /// What a request asks for.
    pub method: Method,
    /// The flavor that saved the model.
    pub flavor: &'static str,
}

impl Recipe {
    /// The recipe of a model.
    ///
    /// # Errors
    /// The reason why this model is one for Python.
    pub fn of(model: &MlModel) -> Result<Self, String> {
        let pyfunc = model.pyfunc().ok_or("the model has no python_function flavor")?;
        if model.is_signature_from_type_hint() || model.is_type_hint_from_example() {
            return Err("the model's own code converts its input, by its type hints".into());
        }
        let loader = pyfunc.loader_module().unwrap_or_default();
        match loader {
            "mlflow.sklearn" => Self::sklearn(model, pyfunc),
            "mlflow.xgboost" => Self::xgboost(model, pyfunc),
            "mlflow.lightgbm" => Self::lightgbm(model, pyfunc),
            "" => Err("the model does not say what loads it".into()),
            _ => Err(format!("models that {loader} loads are served by Python")),
        }
    }

    fn sklearn(model: &MlModel, pyfunc: PyFunc<'_>) -> Result<Self, String> {
        let method = pyfunc.predict_method();
        // What the wrapper offers; `decision_function` is not among it.
        let method = Method::parse(method)
            .filter(|method| matches!(method, Method::Predict | Method::PredictProba))
            .ok_or_else(|| format!("the method {method} is served by Python"))?;
        let flavor = model.flavor("sklearn");
        let file = pyfunc.data().or_else(|| flavor?.text("pickled_model"));
        let format = format(flavor.and_then(Flavor::serialization_format))?;
        Self::new(file, format, method, "sklearn")
    }

    fn xgboost(model: &MlModel, pyfunc: PyFunc<'_>) -> Result<Self, String> {
        only_predict(pyfunc)?;
        let flavor = model.flavor("xgboost").ok_or("the model has no xgboost flavor")?;
        let class = flavor.text("model_class").unwrap_or("xgboost.core.Booster");
        let class = XgboostClass::parse(class)
            .ok_or_else(|| format!("the class {class} is served by Python"))?;
        let file = flavor.text("data").or_else(|| pyfunc.data());
        Self::new(file, Format::Xgboost(class), Method::Predict, "xgboost")
    }

    fn lightgbm(model: &MlModel, pyfunc: PyFunc<'_>) -> Result<Self, String> {
        only_predict(pyfunc)?;
        let flavor = model.flavor("lightgbm").ok_or("the model has no lightgbm flavor")?;
        let class = flavor.text("model_class").unwrap_or("lightgbm.basic.Booster");
        let format = match class {
            "lightgbm.basic.Booster" => Format::Lightgbm,
            _ => format(flavor.serialization_format())?,
        };
        let file = flavor.text("data").or_else(|| pyfunc.data());
        Self::new(file, format, Method::Predict, "lightgbm")
    }

    fn new(
        file: Option<&str>,
        format: Format,
        method: Method,
        flavor: &'static str,
    ) -> Result<Self, String> {
        let file = file.ok_or("the model does not say in which file it is")?.to_owned();
        Ok(Self { file, format, method, flavor })
    }
}

fn only_predict(pyfunc: PyFunc<'_>) -> Result<(), String> {
    match pyfunc.predict_method() {
        "predict" => Ok(()),
        other => Err(format!("the method {other} is served by Python")),
    }
}

/// The format by MLflow's name; a model that says nothing is a pickle.
fn format(name: Option<&str>) -> Result<Format, String> {
    match name {
        None | Some("pickle" | "cloudpickle") => Ok(Format::Pickle),
        Some("skops") => Ok(Format::Skops),
        Some(other) => Err(format!("the serialization format {other} is served by Python")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(flavors: &str) -> Result<Recipe, String> {
        Recipe::of(&MlModel::read(&format!("flavors:\n{flavors}")).expect("a model"))
    }

    #[test]
    fn the_file_and_the_method_are_those_of_the_flavor() {
        let found = recipe(
            "  python_function: {loader_module: mlflow.sklearn, model_path: model.skops, \
             predict_fn: predict_proba}\n  sklearn: {serialization_format: skops}\n",
        );
        let wanted = Recipe {
            file: "model.skops".into(),
            format: Format::Skops,
            method: Method::PredictProba,
            flavor: "sklearn",
        };
        assert_eq!(found, Ok(wanted));
        let found = recipe(
            "  python_function: {loader_module: mlflow.xgboost, data: x}\n  \
             xgboost: {data: model.ubj, model_class: xgboost.sklearn.XGBClassifier}\n",
        )
        .expect("native");
        assert_eq!(found.file, "model.ubj");
        assert_eq!(found.format, Format::Xgboost(XgboostClass::Classifier));
    }

    #[test]
    fn models_of_old_have_fewer_keys() {
        let old = "  python_function: {loader_module: mlflow.sklearn, data: model.pkl}\n";
        assert_eq!(recipe(old).expect("native").format, Format::Pickle);
        let old = "  python_function: {loader_module: mlflow.lightgbm, data: model.lgb}\n  \
                   lightgbm: {data: model.lgb}\n";
        assert_eq!(recipe(old).expect("native").format, Format::Lightgbm);
    }

    #[test]
    fn python_serves_the_rest_and_the_reason_names_it() {
        let why = |flavors: &str| recipe(flavors).expect_err("for Python");
        assert!(why("  keras: {data: x}\n").contains("python_function"));
        let keras = "  python_function: {loader_module: mlflow.keras}\n";
        assert!(why(keras).contains("mlflow.keras"));
        let log_proba = "  python_function: {loader_module: mlflow.sklearn, model_path: m, \
                         predict_fn: predict_log_proba}\n";
        assert!(why(log_proba).contains("predict_log_proba"));
        let ranker = "  python_function: {loader_module: mlflow.xgboost}\n  \
                      xgboost: {data: m, model_class: xgboost.sklearn.XGBRanker}\n";
        assert!(why(ranker).contains("XGBRanker"));
    }
}
