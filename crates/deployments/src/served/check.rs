//! Whether the native engine and Python agree about the example that a model was saved with.

use std::time::Duration;

use bytes::Bytes;
use modelyard_models::json::{self, Value};

use super::{Engine, Form, Served, Step};
use crate::workers::{Call, Reply};

/// Floats may differ by so much, relatively: what libraries leave open where sums have no order.
const TOLERANCE: f64 = 1e-9;
/// What is printed of answers that differ, in characters.
const SHOWN_CHARS: usize = 200;

impl Served {
    /// Asks both engines for the example, when an environment of the model is at hand, and switches
    /// the native one off if they differ. The answer says whether they were compared.
    pub async fn check_itself(&self) -> bool {
        let (Some(python), Some(example)) = (&self.0.python, &self.0.example) else { return false };
        if self.engine() != Engine::Native {
            return false;
        }
        let Step::Answer(native) = self.0.step(&Form::json(), example) else { return false };
        let Some(environment) = python.at_hand().await else { return false };
        let pool = match python.start_in(&environment).await {
            Ok(pool) => pool,
            Err(why) => {
                tracing::warn!("the native engine is not compared with Python: {why}");
                return false;
            }
        };
        let content_type = Some("application/json".to_owned());
        let asked = pool.predict(Call::Raw { content_type, body: Bytes::clone(example) }).await;
        pool.stop(Duration::from_secs(1)).await;
        let Ok(Reply::Answer { status, body, .. }) = asked else { return false };
        let agree = match (native.status, status) {
            (200, 200) => agree(&native.body, &body),
            (native, python) => native == python,
        };
        if agree {
            tracing::info!("the native engine and Python give the same for the model's example");
            return true;
        }
        let why = format!(
            "for the model's example Python answers {status} {}, the native engine {} {}",
            shown(&body),
            native.status,
            shown(&native.body)
        );
        tracing::error!("the native engine is switched off: {why}");
        // It is set once: the first difference is the reason.
        let _ = self.0.divergence.set(why);
        true
    }
}

fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(SHOWN_CHARS).collect()
}

fn agree(one: &[u8], other: &[u8]) -> bool {
    match (json::parse(one), json::parse(other)) {
        (Ok(one), Ok(other)) => same(&one, &other),
        _ => false,
    }
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => {
            one == other
                || (one.is_nan() && other.is_nan())
                || (one - other).abs() <= TOLERANCE * one.abs().max(other.abs())
        }
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Dict(one), Value::Dict(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|it| same(value, it)))
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_agree_but_for_the_last_digits() {
        let agree = |one: &str, other: &str| agree(one.as_bytes(), other.as_bytes());
        assert!(agree(
            r#"{"predictions": [0.1, NaN]}"#,
            r#"{"predictions": [0.10000000000001, NaN]}"#
        ));
        assert!(!agree(r#"{"predictions": [0.1]}"#, r#"{"predictions": [0.1001]}"#));
        assert!(!agree(r#"{"predictions": [1]}"#, r#"{"predictions": ["1"]}"#));
        assert!(!agree(r#"{"predictions": [1]}"#, r#"{"predictions": [1, 2]}"#));
        assert!(!agree(r#"{"predictions": [1]}"#, "no JSON"));
    }
}
