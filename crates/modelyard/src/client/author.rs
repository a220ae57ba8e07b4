//! Who makes a change and why: what a Modelyard server keeps in its audit trail. MLflow's server
//! does not look at it.

use ureq::http::{HeaderName, HeaderValue};

use super::{Client, Error};

/// The header that names the caller; a user of basic authentication goes before it.
const ACTOR: HeaderName = HeaderName::from_static("x-modelyard-actor");
/// The header that gives the reason.
const REASON: HeaderName = HeaderName::from_static("x-modelyard-reason");

impl Client {
    /// The same client, saying with each request who makes the change and why.
    ///
    /// # Errors
    /// [`Error::Setting`] for a text that is not one line.
    pub(crate) fn speaking_for(
        &self,
        actor: Option<&str>,
        reason: Option<&str>,
    ) -> Result<Self, Error> {
        let given = [(ACTOR, "actor", actor), (REASON, "reason", reason)];
        let headers = given.into_iter().filter_map(|(header, what, text)| {
            let value = HeaderValue::from_bytes(text?.as_bytes());
            Some(value.map(|value| (header, value)).map_err(|_not_one_line| {
                Error::Setting(format!("the {what} must be one line of text"))
            }))
        });
        Ok(Self { author: headers.collect::<Result<_, _>>()?, ..self.clone() })
    }
}
