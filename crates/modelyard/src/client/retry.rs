//! When a request is made again, and after which pause.

use std::time::Duration;

use jiff::fmt::rfc2822;

/// The first pause of the doubling series.
const FIRST: Duration = Duration::from_millis(200);
/// The longest pause of our own choosing.
const LONGEST: Duration = Duration::from_secs(20);
/// The longest pause a server may ask for; a person waits at the other end.
const RETRY_AFTER_LONGEST: Duration = Duration::from_secs(120);
/// Attempts to connect to a server that is not there: enough for one that restarts, short enough
/// for a wrong address.
const CONNECTION_ATTEMPTS: u32 = 4;

/// Why a request did not succeed, as far as repeating it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// No connection came about; the server has seen nothing.
    Unreachable,
    /// The connection broke; the server may have done what was asked.
    Broken,
    /// The server declined for now (429, 503), perhaps saying for how long; it has done nothing.
    Declined(Option<Duration>),
    /// A proxy in front of the server gave up (502, 504); the server may have done it.
    Gateway,
}

/// How often and how patiently.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    /// Repetitions after the first request.
    pub(crate) retries: u32,
}

impl Policy {
    /// The pause before the next attempt, or `None` when there must be none.
    ///
    /// `attempts` have been made. `repeatable` says that doing the thing twice is doing it once.
    /// `jitter` in 0..=255 spreads clients that failed together.
    pub(crate) fn pause(
        self,
        cause: Cause,
        attempts: u32,
        repeatable: bool,
        jitter: u8,
    ) -> Option<Duration> {
        let most = match cause {
            Cause::Unreachable => (self.retries + 1).min(CONNECTION_ATTEMPTS),
            Cause::Declined(_) => self.retries + 1,
            Cause::Broken | Cause::Gateway if repeatable => self.retries + 1,
            Cause::Broken | Cause::Gateway => 1,
        };
        if attempts >= most {
            return None;
        }
        match cause {
            Cause::Declined(Some(asked)) if asked > RETRY_AFTER_LONGEST => None,
            Cause::Declined(Some(asked)) => Some(asked),
            _ => {
                let doubled = FIRST.saturating_mul(1 << (attempts - 1).min(16)).min(LONGEST);
                Some(doubled + doubled.mul_f64(f64::from(jitter) / 512.0))
            }
        }
    }
}

/// The pause a `Retry-After` header asks for: seconds, or a date as seen from `now_ms`.
pub(crate) fn retry_after(header: &str, now_ms: i64) -> Option<Duration> {
    if let Ok(seconds) = header.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(header.trim()).ok()?;
    let pause_ms = date.as_millisecond().saturating_sub(now_ms).max(0);
    Some(Duration::from_millis(pause_ms.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { retries: 7 };

    fn all(cause: Cause, repeatable: bool) -> Vec<u128> {
        let pauses = (1..).map_while(|attempts| POLICY.pause(cause, attempts, repeatable, 0));
        pauses.map(|pause| pause.as_millis()).collect()
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        let series = [200, 400, 800, 1600, 3200, 6400, 12_800];
        assert_eq!(all(Cause::Declined(None), false), series);
        let patient = Policy { retries: 30 };
        let late = patient.pause(Cause::Broken, 25, true, 0).expect("a pause");
        assert_eq!(late, LONGEST);
    }

    #[test]
    fn a_server_that_is_not_there_is_given_up_soon() {
        assert_eq!(all(Cause::Unreachable, false), [200, 400, 800]);
        assert_eq!(Policy { retries: 0 }.pause(Cause::Unreachable, 1, true, 0), None);
    }

    #[test]
    fn what_may_have_happened_is_not_done_twice() {
        assert_eq!(all(Cause::Broken, false), [] as [u128; 0]);
        assert_eq!(all(Cause::Gateway, false), [] as [u128; 0]);
        assert_eq!(all(Cause::Broken, true).len(), 7);
    }

    #[test]
    fn the_servers_own_pause_is_kept_unless_it_is_absurd() {
        let asked = Duration::from_secs(3);
        assert_eq!(POLICY.pause(Cause::Declined(Some(asked)), 1, false, 255), Some(asked));
        let absurd = Duration::from_secs(3600);
        assert_eq!(POLICY.pause(Cause::Declined(Some(absurd)), 1, false, 0), None);
    }

    #[test]
    fn jitter_adds_at_most_half() {
        let longest = POLICY.pause(Cause::Broken, 1, true, 255).expect("a pause");
        assert!(longest > FIRST && longest < FIRST * 3 / 2);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let seconds = |text, now_ms| retry_after(text, now_ms).map(|pause| pause.as_secs());
        assert_eq!(seconds(" 7 ", 0), Some(7));
        assert_eq!(seconds("Thu, 01 Jan 1970 00:01:00 GMT", 15_000), Some(45));
        assert_eq!(seconds("Thu, 01 Jan 1970 00:01:00 GMT", 90_000), Some(0));
        assert_eq!(seconds("soon", 0), None);
    }
}
