//! What the searching commands have in common.

use crate::client::{self, ViewType};
use crate::output::Console;

/// Objects asked for at once: large enough that the number of requests does not matter, small
/// enough that an answer stays in the megabytes.
const PAGE: u32 = 1000;

/// Arguments of every search.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    /// Which to show: active ones, deleted ones, or all.
    #[arg(long, short, value_enum, default_value_t = View::ActiveOnly, ignore_case = true)]
    pub(crate) view: View,
    #[command(flatten)]
    pub(crate) list: List,
}

/// What is searched for, and how much of it is shown.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
pub(crate) struct List {
    /// Show only what matches this filter; MLflow's search language with OR, NOT, IN, BETWEEN and
    /// parentheses (those on a Modelyard server).
    #[arg(long, short, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// Sort by this, for example "start_time DESC"; may be repeated for ties.
    #[arg(long, value_name = "KEY [ASC|DESC]")]
    pub(crate) order_by: Vec<String>,
    /// Show at most so many. Without it, all are shown.
    #[arg(long, value_name = "N")]
    pub(crate) max_results: Option<u32>,
    /// Go on where a search with --max-results stopped; the other arguments must be the same.
    #[arg(long, value_name = "TOKEN")]
    pub(crate) page_token: Option<String>,
}

/// Which objects to show, in MLflow's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum View {
    /// Those not deleted.
    #[value(name = "active_only", alias = "active-only")]
    ActiveOnly,
    /// Those marked deleted.
    #[value(name = "deleted_only", alias = "deleted-only")]
    DeletedOnly,
    /// Both.
    All,
}

impl From<View> for ViewType {
    fn from(view: View) -> Self {
        match view {
            View::ActiveOnly => Self::ActiveOnly,
            View::DeletedOnly => Self::DeletedOnly,
            View::All => Self::All,
        }
    }
}

/// What a search found.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) items: Vec<T>,
    /// Where to go on, if there is more.
    pub(crate) next_page_token: Option<String>,
}

/// One page and the token of the next.
type Page<T> = (Vec<T>, Option<String>);

impl List {
    /// Fetches page after page until there is no more, or `--max-results` is reached.
    pub(crate) fn pages<T>(
        &self,
        mut fetch: impl FnMut(u32, Option<String>) -> Result<Page<T>, client::Error>,
    ) -> anyhow::Result<Found<T>> {
        let mut items = Vec::new();
        let mut token = self.page_token.clone();
        loop {
            let have = u32::try_from(items.len()).unwrap_or(u32::MAX);
            let wanted = self.max_results.map_or(PAGE, |most| most.saturating_sub(have).min(PAGE));
            if wanted == 0 {
                return Ok(Found { items, next_page_token: token });
            }
            let (page, next) = fetch(wanted, token.clone())?;
            items.extend(page);
            if next.is_none() {
                return Ok(Found { items, next_page_token: None });
            }
            if next == token {
                anyhow::bail!("the server gives the same page over and over");
            }
            token = next;
        }
    }
}

impl<T> Found<T> {
    /// Tells the person when there is more than was asked for.
    pub(crate) fn tell_of_more(&self, console: &Console) {
        if let Some(token) = &self.next_page_token {
            console.say(&format!("There are more. The next ones: --page-token {token}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(max_results: Option<u32>) -> List {
        List { max_results, ..List::default() }
    }

    /// A server of 2,500 numbers whose tokens are positions.
    fn numbers(wanted: u32, token: Option<String>) -> Result<Page<u32>, client::Error> {
        let start = token.map_or(0, |token| token.parse::<u32>().expect("our own token"));
        let end = (start + wanted).min(2500);
        Ok(((start..end).collect(), (end < 2500).then(|| end.to_string())))
    }

    #[test]
    fn all_pages_are_read() {
        let found = args(None).pages(numbers).expect("no error");
        assert_eq!(found.items, (0..2500).collect::<Vec<_>>());
        assert_eq!(found.next_page_token, None);
    }

    #[test]
    fn a_limit_stops_exactly_and_says_where_to_go_on() {
        let found = args(Some(1100)).pages(numbers).expect("no error");
        assert_eq!(found.items.len(), 1100);
        let mut rest = args(None);
        rest.page_token = found.next_page_token;
        let rest = rest.pages(numbers).expect("no error");
        assert_eq!(rest.items, (1100..2500).collect::<Vec<_>>());
        assert_eq!(args(Some(0)).pages(numbers).expect("no error").items, [0; 0]);
    }

    #[test]
    fn a_server_that_goes_in_circles_is_left() {
        let circle = |_, _| Ok((vec![1], Some("a".to_owned())));
        assert!(args(None).pages(circle).is_err());
    }
}
