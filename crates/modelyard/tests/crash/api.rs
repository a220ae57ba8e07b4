//! The requests of the test, over connections that die with the server.

use modelyard_testkit::{Answer, Client, Server};
use serde_json::{Value, json};

pub(crate) const API: &str = "/api/2.0/mlflow";
pub(crate) const PROXY: &str = "/api/2.0/mlflow-artifacts/artifacts";

/// A client of one life of the server.
#[derive(Clone)]
pub(crate) struct Api {
    base: String,
    client: Client,
}

/// No complete answer came: the server died.
#[derive(Debug)]
pub(crate) struct Silence;

impl Api {
    pub(crate) fn new(server: &Server) -> Self {
        Self { base: server.url().to_owned(), client: Client::default() }
    }

    fn send(&self, method: &str, path: &str, body: &[u8]) -> Result<Answer, Silence> {
        let headers: &[_] =
            if method == "POST" { &[("content-type", "application/json")] } else { &[] };
        match self.client.try_send(method, &format!("{}{path}", self.base), headers, body) {
            Ok(answer) => Ok(answer),
            Err(ureq::Error::Timeout(what)) => panic!("{method} {path}: the server hangs ({what})"),
            Err(_) => Err(Silence),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Result<Answer, Silence> {
        self.send("GET", path, b"")
    }

    pub(crate) fn put(&self, path: &str, body: &[u8]) -> Result<Answer, Silence> {
        self.send("PUT", path, body)
    }

    /// Posts to MLflow's API; the answer must be a 2xx.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Silence> {
        let text = body.to_string();
        accept(path, &text, &self.send("POST", &format!("{API}/{path}"), text.as_bytes())?)
    }

    /// Reads from MLflow's API; the answer must be a 2xx.
    pub(crate) fn read_json(&self, path_and_query: &str) -> Result<Value, Silence> {
        accept(path_and_query, "", &self.get(&format!("{API}/{path_and_query}"))?)
    }

    /// All pages of a search; `field` is the name of the list.
    pub(crate) fn search(&self, path: &str, field: &str, mut body: Value) -> Vec<Value> {
        let mut found = Vec::new();
        loop {
            let mut page = self.post(path, &body).expect("the server answers a search");
            if let Some(Value::Array(items)) = page.get_mut(field).map(Value::take) {
                found.extend(items);
            }
            match page["next_page_token"].as_str() {
                Some(token) if !token.is_empty() => body["page_token"] = json!(token),
                _ => return found,
            }
        }
    }
}

fn accept(path: &str, sent: &str, answer: &Answer) -> Result<Value, Silence> {
    let Answer { status, .. } = answer;
    assert!(
        (200..300).contains(status),
        "{path} {sent} was answered with {status}: {}",
        answer.text()
    );
    Ok(answer.json())
}
