//! A page of runs. MLflow lets a client ask for 50,000 of them, so it is read and written in
//! portions, and ends early when it becomes too large.

use axum::http::StatusCode;
use axum::response::Response;
use modelyard_store::{Run, RunQuery};

use super::paging::Paging;
use super::render;
use crate::{ApiError, AppState, answer};

/// Runs in the first portion; MLflow's page, unless a request says otherwise.
const FIRST_RUNS: usize = 1000;
/// Bytes of JSON that the portions after it aim at; what was read for them is about as large.
const PORTION_BYTES: usize = 8 << 20;
/// A page that has this many bytes ends; the rest follows with its token, as clients expect.
const PAGE_BYTES: usize = 64 << 20;
/// More runs than this are written where they hold up no other request.
const FEW_RUNS: usize = 50;

/// Answers with the page that a query finds.
pub(super) async fn answer(
    app: &AppState,
    query: RunQuery,
    paging: &Paging,
) -> Result<Response, ApiError> {
    let mut left = query.limit;
    let mut query = RunQuery { limit: left.min(FIRST_RUNS), ..query };
    let mut page = Page { json: b"{".to_vec(), runs: 0 };
    loop {
        let found = app.store.search_runs(query.clone()).await?;
        left = left.saturating_sub(found.rows.len());
        page = page.with(found.rows).await?;
        match found.next {
            Some(next) if left > 0 && page.json.len() < PAGE_BYTES => {
                query.after = Some(next);
                query.limit = left.min(page.next_portion());
            }
            next => {
                let json = page.finish(next.map(|after| paging.token(after)).as_deref());
                return Ok(answer::json_bytes(StatusCode::OK, json));
            }
        }
    }
}

/// The part of the answer that is written.
struct Page {
    json: Vec<u8>,
    runs: usize,
}

impl Page {
    async fn with(self, runs: Vec<Run>) -> Result<Self, ApiError> {
        if runs.len() <= FEW_RUNS {
            return self.write(runs).map_err(ApiError::internal);
        }
        let written = tokio::task::spawn_blocking(move || self.write(runs)).await;
        written.map_err(ApiError::internal)?.map_err(ApiError::internal)
    }

    fn write(mut self, runs: Vec<Run>) -> serde_json::Result<Self> {
        for run in runs {
            let before: &[u8] = if self.runs == 0 { b"\"runs\":[" } else { b"," };
            self.json.extend_from_slice(before);
            serde_json::to_writer(&mut self.json, &render::run(run))?;
            self.runs += 1;
        }
        Ok(self)
    }

    /// How many runs to read next, as large as those so far.
    fn next_portion(&self) -> usize {
        let run_bytes = (self.json.len() / self.runs.max(1)).max(1);
        (PORTION_BYTES / run_bytes).max(1)
    }

    /// A token is letters, digits, `-` and `_`.
    fn finish(mut self, token: Option<&str>) -> Vec<u8> {
        if self.runs > 0 {
            self.json.push(b']');
        }
        if let Some(token) = token {
            let before = if self.runs > 0 { "," } else { "" };
            self.json
                .extend_from_slice(format!("{before}\"next_page_token\":\"{token}\"").as_bytes());
        }
        self.json.push(b'}');
        self.json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use axum::body::to_bytes;
    use futures_util::future::try_join_all;
    use modelyard_protocol::ViewType;
    use modelyard_protocol::page_token::{Fingerprint, ListKind};
    use modelyard_protocol::search::parse_run_order;
    use modelyard_store::NewRun;
    use serde_json::Value;

    use crate::testing;

    #[tokio::test]
    async fn a_page_of_several_portions_is_one_list() {
        let (app, _router, _folder) = testing::app(|_| {}).await;
        let new = |number: i64| NewRun {
            experiment_id: 0,
            name: format!("run {number}"),
            user_id: String::new(),
            start_ms: number,
            tags: Vec::new(),
        };
        let made = try_join_all((0..1100).map(|number| app.store.create_run(new(number)))).await;
        made.expect("made");
        let order = parse_run_order(&[]).expect("the usual order");
        let paging = Paging::new(ListKind::Runs, &Fingerprint::new(), order.len());
        let page = async |limit, after| {
            let (experiments, view, filter) = (vec![0], ViewType::ActiveOnly, None);
            let query = RunQuery { experiments, view, filter, order: order.clone(), limit, after };
            let answer = answer(&app, query, &paging).await.expect("an answer");
            let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
            serde_json::from_slice::<Value>(&body).expect("JSON")
        };
        let names = |page: &Value| {
            let runs = page["runs"].as_array().expect("runs").iter();
            runs.map(|run| run["info"]["run_name"].to_string()).collect::<Vec<_>>()
        };
        let all = page(50_000, None).await;
        let expected: Vec<_> = (0..1100).rev().map(|number| format!("\"run {number}\"")).collect();
        assert_eq!(names(&all), expected);
        assert!(all.get("next_page_token").is_none());
        let most = page(1050, None).await;
        assert_eq!(names(&most), expected[..1050]);
        let token = most["next_page_token"].as_str().expect("a token");
        let rest = page(1050, paging.after(token).expect("its own token")).await;
        assert_eq!(names(&rest), expected[1050..]);
    }

    #[test]
    fn an_answer_is_json_whatever_it_holds() {
        let page = || Page { json: b"{".to_vec(), runs: 0 };
        assert_eq!(page().finish(None), b"{}");
        assert_eq!(page().finish(Some("t")), br#"{"next_page_token":"t"}"#);
        let one = || Page { json: br#"{"runs":[{}"#.to_vec(), runs: 1 };
        assert_eq!(one().finish(None), br#"{"runs":[{}]}"#);
        assert_eq!(one().finish(Some("t")), br#"{"runs":[{}],"next_page_token":"t"}"#);
    }
}
