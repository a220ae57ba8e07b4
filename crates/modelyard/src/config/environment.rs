//! The environment variables of MLflow's server that no flag here stands for: those that would
//! leave a wish unheard are refused, the others are accepted with a line that says so.
//!
//! Variables that only MLflow's clients read are not here, and neither are wishes that are granted
//! anyway, such as `MLFLOW_DISABLE_TELEMETRY`.

use super::refuse;
use crate::client::Variables;
use crate::exit::Usage;

/// A variable that keeps the server down, and why.
const REFUSED: [(&str, &str); 1] = [(
    "MLFLOW_WORKSPACE",
    "only clients read it, and workspaces are not built yet, so nothing would be kept apart. Unset \
     it",
)];

/// Variables without effect, and why.
const IGNORED: [(&[&str], &str); 13] = [
    (
        &[
            "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE",
            "MLFLOW_SQLALCHEMYSTORE_POOL_RECYCLE",
            "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW",
            "MLFLOW_SQLALCHEMYSTORE_POOLCLASS",
        ],
        "the server chooses its database connections itself",
    ),
    (&["MLFLOW_SQLALCHEMYSTORE_ECHO"], "statements are not logged"),
    (
        &["MLFLOW_MYSQL_SSL_CA", "MLFLOW_MYSQL_SSL_CERT", "MLFLOW_MYSQL_SSL_KEY"],
        "there is no MySQL here",
    ),
    (
        &["MLFLOW_TRACKING_DIR", "MLFLOW_REGISTRY_DIR", "MLFLOW_ALLOW_FILE_STORE"],
        "there is no file store here, runs are kept in a database",
    ),
    (
        &[
            "MLFLOW_AUTH_CONFIG_PATH",
            "MLFLOW_AUTH_ADMIN_USERNAME",
            "MLFLOW_AUTH_ADMIN_PASSWORD",
            "MLFLOW_FLASK_SERVER_SECRET_KEY",
        ],
        "there are no accounts yet",
    ),
    (
        &[
            "MLFLOW_GCS_DOWNLOAD_CHUNK_SIZE",
            "MLFLOW_GCS_UPLOAD_CHUNK_SIZE",
            "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT",
            "MLFLOW_KERBEROS_TICKET_CACHE",
            "MLFLOW_KERBEROS_USER",
            "MLFLOW_PYARROW_EXTRA_CONF",
        ],
        "this server's own clients of the stores do not need it; MLflow's clients that go to a store \
         by themselves read it",
    ),
    (
        &["MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS", "MLFLOW_SERVER_GRAPHQL_MAX_ALIASES"],
        "there is no GraphQL here",
    ),
    (
        &[
            "MLFLOW_GATEWAY_URI",
            "MLFLOW_GATEWAY_CONFIG",
            "MLFLOW_DEPLOYMENTS_TARGET",
            "MLFLOW_DEPLOYMENTS_CONFIG",
        ],
        "there is no gateway here",
    ),
    (
        &[
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION",
            "MLFLOW_SERVER_JOB_HUEY_REDIS_URL",
            "MLFLOW_JOB_DEFAULT_EXECUTOR_BACKEND",
            "MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS",
        ],
        "there are no jobs here",
    ),
    (
        &["MLFLOW_SQL_TRACE_ROLLUPS_ENABLED", "MLFLOW_TRACE_ROLLUPS_SCHEDULE"],
        "there are no traces yet",
    ),
    (&["MLFLOW_WEBHOOK_CACHE_TTL"], "a change of a webhook counts at once"),
    (&["MLFLOW_CRYPTO_KEK_PASSPHRASE"], "there is no gateway whose secrets it would protect"),
    (&["MLFLOW_ENABLE_REMOTE_ASSISTANT"], "there is no assistant here"),
];

/// Refuses what would be done otherwise than asked for.
///
/// # Errors
/// [`Usage`] naming the variable.
pub(crate) fn check(variables: Variables<'_>) -> Result<(), Usage> {
    for (name, why) in REFUSED {
        if variables(name).is_some() {
            return refuse(format!("{name}: {why}"));
        }
    }
    Ok(())
}

/// One line for each group of variables that are set and have no effect.
pub(super) fn notes(variables: Variables<'_>) -> Vec<String> {
    let asks = |name: &&&str| {
        let value = variables(name).unwrap_or_default().to_ascii_lowercase();
        // A part that is not here is switched off already.
        !matches!(value.trim(), "" | "false" | "0")
    };
    let groups = IGNORED.iter().map(|(names, why)| {
        let set: Vec<&str> = names.iter().filter(asks).copied().collect();
        (set, why)
    });
    groups
        .filter(|(set, _)| !set.is_empty())
        .map(|(set, why)| format!("{}: ignored, {why}", set.join(", ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_of_the_table_is_named() {
        for (names, _) in IGNORED {
            let notes = notes(&|name| names.contains(&name).then(|| "7".to_owned()));
            assert_eq!(notes.len(), 1, "{notes:?}");
            assert!(names.iter().all(|name| notes[0].contains(name)), "{notes:?}");
        }
        for (name, _) in REFUSED {
            let refused = check(&|asked| (asked == name).then(|| "7".to_owned()));
            assert!(refused.expect_err(name).to_string().starts_with(name));
        }
    }

    #[test]
    fn what_is_switched_off_needs_no_word() {
        let off = |name: &str| (name == "MLFLOW_SQLALCHEMYSTORE_ECHO").then(|| "False".to_owned());
        assert!(notes(&off).is_empty());
    }
}
