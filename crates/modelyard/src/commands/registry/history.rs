//! `modelyard registry history`: the audit trail.

use std::io::{self, Write};

use jiff::tz::TimeZone;

use super::since;
use crate::client::{self, Client, Event, EventSearch};
use crate::commands::connection::Session;
use crate::exit::Usage;
use crate::output::{Cell, Column, Table, Terminal, csv as lines, time, to_stdout};

/// Events asked for at once: as many as the server gives.
const PAGE: u32 = 1000;

/// Arguments of `history`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only of this registered model, under whatever name; also when it has been deleted.
    #[arg(value_name = "MODEL")]
    model: Option<String>,
    /// Only of this version.
    #[arg(long = "version", value_name = "VERSION", requires = "model")]
    version: Option<String>,
    /// Only of this alias.
    #[arg(long, value_name = "ALIAS", conflicts_with_all = ["key", "action"])]
    alias: Option<String>,
    /// Only of this alias, tag or check.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Only of these kinds, such as VERSION_CREATED,STAGE_CHANGED.
    #[arg(long, value_name = "ACTION,…", value_delimiter = ',')]
    action: Vec<String>,
    /// Only what this person did.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only what happened since: a length of time before now (7d, 12h), a date, or a time.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Show at most so many. Without it, all are shown.
    #[arg(long, value_name = "N")]
    max_results: Option<usize>,
    /// How to write them.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

/// How a history is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Columns for the eye; long texts are cut to the width of a terminal.
    Table,
    /// One JSON object a line, with everything; written as the pages come.
    Jsonl,
    /// Comma-separated values with a header; written as the pages come.
    Csv,
}

impl Args {
    /// Refuses a time that cannot be read, before anything is asked.
    pub(super) fn check(&self) -> Result<(), Usage> {
        self.since_ms(0).map(drop)
    }

    fn since_ms(&self, now_ms: i64) -> Result<Option<i64>, Usage> {
        let text = self.since.as_deref();
        text.map(|text| since::parse(text, now_ms, &TimeZone::system())).transpose()
    }
}

pub(super) fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let actions = match &args.alias {
        Some(_) => Some("ALIAS_SET,ALIAS_DELETED,POLICY_SET".to_owned()),
        None => Some(args.action.join(",")).filter(|actions| !actions.is_empty()),
    };
    let search = EventSearch {
        name: args.model.as_deref(),
        version: args.version.as_deref(),
        key: args.alias.as_deref().or(args.key.as_deref()),
        actions: actions.as_deref(),
        actor: args.actor.as_deref(),
        since_ms: args.since_ms(session.context.now_ms())?,
    };
    let most = args.max_results.unwrap_or(usize::MAX);
    let events = Events::new(&session.client, search, most);
    match args.output {
        Format::Table => {
            let events = events.collect::<Result<Vec<_>, _>>()?;
            to_stdout(|out| table(session, &events).write(out, Terminal::stdout()))
        }
        Format::Jsonl => write(events, json_line),
        Format::Csv => {
            to_stdout(|out| lines::line(out, TITLES))?;
            write(events, csv_line)
        }
    }
}

/// The audit trail, fetched page by page.
struct Events<'a> {
    client: &'a Client,
    search: EventSearch<'a>,
    page: std::vec::IntoIter<Event>,
    /// The next page; `None` when there is no more.
    next: Option<Next>,
    left: usize,
}

/// Where the next page begins.
enum Next {
    First,
    At(String),
}

impl<'a> Events<'a> {
    fn new(client: &'a Client, search: EventSearch<'a>, most: usize) -> Self {
        Self { client, search, page: Vec::new().into_iter(), next: Some(Next::First), left: most }
    }

    fn fetch(&mut self, next: &Next) -> Result<(), client::Error> {
        let token = match next {
            Next::First => None,
            Next::At(token) => Some(token.as_str()),
        };
        let size = u32::try_from(self.left).unwrap_or(PAGE).min(PAGE);
        let (page, token) = self.client.events(&self.search, size, token)?;
        self.page = page.into_iter();
        self.next = token.map(Next::At);
        Ok(())
    }
}

impl Iterator for Events<'_> {
    type Item = Result<Event, client::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        loop {
            if let Some(event) = self.page.next() {
                self.left -= 1;
                return Some(Ok(event));
            }
            let next = self.next.take()?;
            if let Err(error) = self.fetch(&next) {
                return Some(Err(error));
            }
        }
    }
}

/// Writes the events as they come; those before an error too.
fn write(
    events: Events<'_>,
    line: impl Fn(&mut dyn Write, &Event) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut failed = None;
    to_stdout(|out| {
        for event in events {
            match event {
                Ok(event) => line(out, &event)?,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        Ok(())
    })?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn json_line(out: &mut dyn Write, event: &Event) -> io::Result<()> {
    serde_json::to_writer(&mut *out, event)?;
    writeln!(out)
}

const TITLES: [&str; 12] = [
    "event_id",
    "timestamp",
    "actor",
    "action",
    "name",
    "prompt",
    "version",
    "key",
    "from",
    "to",
    "run_id",
    "reason",
];

fn csv_line(out: &mut dyn Write, event: &Event) -> io::Result<()> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let fields: [String; TITLES.len()] = [
        event.event_id.clone(),
        time::for_csv(event.timestamp),
        event.actor.clone(),
        event.action.clone(),
        event.name.clone(),
        event.prompt.to_string(),
        text(&event.version),
        text(&event.key),
        text(&event.from),
        text(&event.to),
        text(&event.run_id),
        text(&event.reason),
    ];
    lines::line(out, fields)
}

fn table(session: &Session, events: &[Event]) -> Table {
    let clock = session.clock();
    let mut table = Table::new(vec![
        Column::whole("When"),
        Column::text("Who"),
        Column::whole("What"),
        Column::text("Model"),
        Column::number("Version"),
        Column::text("Key").droppable(),
        Column::text("From"),
        Column::text("To"),
        Column::text("Why").droppable(),
    ]);
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    for event in events {
        table.push(vec![
            Cell::new(clock.time(event.timestamp)),
            Cell::new(&event.actor),
            Cell::new(&event.action),
            Cell::new(&event.name),
            Cell::new(or_dash(&event.version)),
            Cell::new(or_dash(&event.key)),
            Cell::new(or_dash(&event.from)),
            Cell::new(or_dash(&event.to)),
            Cell::new(or_dash(&event.reason)),
        ]);
    }
    table
}
