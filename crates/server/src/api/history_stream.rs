//! A history too long to hold: written piece by piece, while the next piece is read.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use modelyard_store::{HistoryPage, SeriesPoint};
use tokio::sync::mpsc;

use super::metrics::Point;
use crate::admission::{Lane, Permit};
use crate::{ApiError, AppState, answer, body};

/// Points in one piece, about 1 MiB of JSON. Up to this many are answered whole.
pub(super) const PIECE_POINTS: usize = 10_000;

/// The pause before it asks again for its turn, when the server is busy.
const PAUSE: Duration = Duration::from_millis(100);

/// Pieces that wait for a slow client; beyond them reading pauses.
const PIECES_AHEAD: usize = 2;

/// What one such answer may hold, in bytes: the pieces that wait, the one being written and what the
/// connection has taken over.
const HELD_BYTES: usize = 4 << 20;

/// What is left to read of a history.
pub(super) struct Rest {
    pub(super) run_id: String,
    pub(super) key: String,
    /// How many points the client wants after the first piece.
    pub(super) points: usize,
}

/// Answers with `first` and what follows it. `token` makes the token of the page after a point.
///
/// # Errors
/// When too many clients have not taken their large answers yet.
pub(super) async fn answer(
    app: AppState,
    first: HistoryPage,
    rest: Rest,
    token: impl Fn(SeriesPoint) -> String + Send + 'static,
) -> Result<Response, ApiError> {
    let memory = app.admission.hold_answer(HELD_BYTES).await?;
    let (pieces, ahead) = mpsc::channel(PIECES_AHEAD);
    tokio::spawn(async move {
        // Fails when the client is gone; then nobody waits for the rest.
        let _ = write(&app, first, rest, token, &pieces).await;
    });
    let stream = futures_util::stream::unfold(ahead, |mut ahead| async {
        ahead.recv().await.map(|piece| (piece, ahead))
    });
    let body = body::hold_memory(Body::from_stream(stream), memory);
    Ok(answer::json_bytes(StatusCode::OK, body))
}

/// The client has closed the connection.
struct Gone;

type Pieces = mpsc::Sender<Result<Bytes, std::io::Error>>;

async fn write(
    app: &AppState,
    mut page: HistoryPage,
    mut rest: Rest,
    token: impl Fn(SeriesPoint) -> String,
    pieces: &Pieces,
) -> Result<(), Gone> {
    let mut piece = b"{\"metrics\":[".to_vec();
    let mut separator: &[u8] = b"";
    loop {
        for point in &page.points {
            piece.extend_from_slice(separator);
            separator = b",";
            if let Err(error) = serde_json::to_writer(&mut piece, &Point::new(&rest.key, *point)) {
                return send(pieces, Err(error.into())).await;
            }
        }
        let last = page.points.last().copied();
        if rest.points == 0 || !page.more {
            piece.push(b']');
            if let Some(last) = last.filter(|_| page.more) {
                // A token is letters, digits, `-` and `_`.
                let token = format!(",\"next_page_token\":\"{}\"", token(last));
                piece.extend_from_slice(token.as_bytes());
            }
            piece.push(b'}');
            return send(pieces, Ok(piece.into())).await;
        }
        send(pieces, Ok(std::mem::take(&mut piece).into())).await?;
        let wanted = rest.points.min(PIECE_POINTS);
        let _turn = turn(app, pieces).await?;
        let next = app.store.metric_history(rest.run_id.clone(), rest.key.clone(), last, wanted);
        page = match next.await {
            Ok(page) => page,
            // The head of the answer is out: breaking the connection is the only way left to say so.
            Err(error) => return send(pieces, Err(std::io::Error::other(error))).await,
        };
        rest.points -= page.points.len();
    }
}

/// Waits for the turn to read on. The answer has begun, so it waits for as long as it takes.
async fn turn(app: &AppState, pieces: &Pieces) -> Result<Permit, Gone> {
    loop {
        if pieces.is_closed() {
            return Err(Gone);
        }
        match app.admission.enter(Lane::Read).await {
            Ok(permit) => return Ok(permit),
            Err(_busy) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn send(pieces: &Pieces, piece: Result<Bytes, std::io::Error>) -> Result<(), Gone> {
    if let Err(error) = &piece {
        tracing::error!("a metric's history was cut short: {error}");
    }
    pieces.send(piece).await.map_err(|_closed| Gone)
}
