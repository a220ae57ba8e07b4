//! When an attempt that failed is made again.

use std::time::UNIX_EPOCH;

use modelyard_store::Verdict;

/// The statuses after which MLflow tries again.
const RETRIED: [u16; 5] = [429, 500, 502, 503, 504];
/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE_MS: i64 = 1000;
/// The longest pause, whoever asks for it.
const MAX_PAUSE_MS: i64 = 60 * 60 * 1000;
/// How long a delivery is tried at most. Later ones of its model wait for it, and would each take as long
/// again if only attempts were counted.
const WINDOW_MS: i64 = 24 * 60 * 60 * 1000;

/// Whether a status is worth another attempt.
pub(crate) fn is_retried(status: u16) -> bool {
    RETRIED.contains(&status)
}

/// How often and how long something was tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct History {
    /// Attempts, this one included.
    pub(crate) attempts: i64,
    /// When it came into the outbox.
    pub(crate) queued_ms: i64,
    /// When this attempt ended.
    pub(crate) now_ms: i64,
}

/// What follows from a failure that may pass. `asked_ms` is the pause that the receiver asks for, `chance` decides
/// how much is added to a pause, so that those that failed together do not come back together.
pub(crate) fn after_failure(
    history: History,
    retries: u32,
    asked_ms: Option<i64>,
    chance: u8,
) -> Verdict {
    let History { attempts, queued_ms, now_ms } = history;
    if attempts > i64::from(retries) || now_ms.saturating_sub(queued_ms) >= WINDOW_MS {
        return Verdict::Failed;
    }
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(30);
    let pause_ms = (FIRST_PAUSE_MS << doublings).min(MAX_PAUSE_MS);
    let pause_ms = pause_ms + pause_ms * i64::from(chance) / 1024;
    let asked_ms = asked_ms.unwrap_or(0).clamp(0, MAX_PAUSE_MS);
    Verdict::Again(now_ms.saturating_add(pause_ms.max(asked_ms)))
}

/// The pause in a header `Retry-After`: seconds, or a date.
pub(crate) fn asked_ms(header: &str, now_ms: i64) -> Option<i64> {
    if let Ok(seconds) = header.trim().parse::<u32>() {
        return Some(i64::from(seconds) * 1000);
    }
    let date = httpdate::parse_http_date(header.trim()).ok()?;
    let at_ms = i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()?;
    Some(at_ms.saturating_sub(now_ms).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 24 * 60 * 60 * 1000;

    fn failed(attempts: i64, age_ms: i64, asked_ms: Option<i64>) -> Verdict {
        let history = History { attempts, queued_ms: 0, now_ms: age_ms };
        after_failure(history, crate::DEFAULT_RETRIES, asked_ms, 0)
    }

    #[test]
    fn pauses_double_up_to_an_hour() {
        assert_eq!(failed(1, 0, None), Verdict::Again(1000));
        assert_eq!(failed(4, 10, None), Verdict::Again(8010));
        assert_eq!(failed(30, 0, None), Verdict::Again(3_600_000));
        let jittered =
            after_failure(History { attempts: 1, queued_ms: 0, now_ms: 0 }, 1, None, u8::MAX);
        assert_eq!(jittered, Verdict::Again(1249));
    }

    #[test]
    fn a_delivery_is_tried_for_about_a_day() {
        let (mut now_ms, mut attempts) = (0, 1);
        while let Verdict::Again(at_ms) = failed(attempts, now_ms, None) {
            assert!(at_ms > now_ms);
            (now_ms, attempts) = (at_ms, attempts + 1);
        }
        assert!((DAY_MS * 9 / 10..DAY_MS * 11 / 10).contains(&now_ms), "{now_ms}");
        // Those that waited behind it are not given a day each.
        assert_eq!(failed(1, DAY_MS, None), Verdict::Failed);
    }

    #[test]
    fn a_receiver_may_ask_for_a_pause_but_not_for_any() {
        assert_eq!(failed(1, 0, Some(5000)), Verdict::Again(5000));
        assert_eq!(failed(1, 0, Some(10)), Verdict::Again(1000));
        assert_eq!(failed(1, 0, Some(i64::MAX)), Verdict::Again(3_600_000));
        assert_eq!(asked_ms("120", 0), Some(120_000));
        assert_eq!(asked_ms("Thu, 01 Jan 1970 00:01:00 GMT", 10_000), Some(50_000));
        assert_eq!(asked_ms("Thu, 01 Jan 1970 00:01:00 GMT", 90_000), Some(0));
        assert_eq!(asked_ms("soon", 0), None);
    }
}
