//! What a collection removes: by the rules of `mlflow gc`, and by how long experiments want things kept.

use modelyard_protocol::names::RETENTION_TAG;
use modelyard_store::{Store, TrashItem, TrashKind, TrashQuery, TrashScope};

use super::age;
use crate::exit::Usage;

/// How many things are listed at once.
const PAGE: usize = 500;
/// A retention without an end.
const FOREVER: &str = "forever";

/// What the flags ask for.
#[derive(Debug)]
pub(super) struct Wishes<'a> {
    pub(super) now_ms: i64,
    /// `--older-than`, as written and in milliseconds.
    pub(super) older_than: Option<(&'a str, i64)>,
    pub(super) run_ids: Option<Vec<&'a str>>,
    pub(super) experiment_ids: Option<Vec<&'a str>>,
    pub(super) model_ids: Option<Vec<&'a str>>,
    pub(super) ignore_retention: bool,
}

/// What is to go, experiments with all that is in them.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Runs and logged models to be removed by themselves.
    pub(super) single: Vec<TrashItem>,
    pub(super) experiments: Vec<TrashItem>,
    /// What stays because its experiment wants it kept, and a sentence about each such experiment whose
    /// wish cannot be read.
    pub(super) retained: usize,
    pub(super) remarks: Vec<String>,
}

impl Plan {
    /// What is of a kind of which the flags name some.
    pub(super) fn named(&self, wishes: &Wishes<'_>) -> impl Iterator<Item = &TrashItem> {
        let named = [
            (TrashKind::Run, wishes.run_ids.is_some()),
            (TrashKind::Experiment, wishes.experiment_ids.is_some()),
            (TrashKind::LoggedModel, wishes.model_ids.is_some()),
        ];
        let all = self.single.iter().chain(&self.experiments);
        all.filter(move |item| named.contains(&(item.kind, true)))
    }
}

/// Decides what goes.
///
/// # Errors
/// [`Usage`] if something named is in use, too young, or wanted by its experiment; faults of the database.
pub(super) async fn plan(store: &Store, wishes: &Wishes<'_>) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    plan.experiments =
        choose(store, wishes, TrashKind::Experiment, &wishes.experiment_ids, &mut plan).await?;
    for (kind, ids) in
        [(TrashKind::Run, &wishes.run_ids), (TrashKind::LoggedModel, &wishes.model_ids)]
    {
        let chosen = choose(store, wishes, kind, ids, &mut plan).await?;
        let goes_with = |item: &TrashItem| {
            plan.experiments.iter().any(|it| it.experiment_id == item.experiment_id)
        };
        let alone = chosen.into_iter().filter(|item| !goes_with(item)).collect::<Vec<_>>();
        plan.single.extend(alone);
    }
    Ok(plan)
}

/// The things of one kind: those named, or all in the trash.
async fn choose(
    store: &Store,
    wishes: &Wishes<'_>,
    kind: TrashKind,
    ids: &Option<Vec<&str>>,
    plan: &mut Plan,
) -> anyhow::Result<Vec<TrashItem>> {
    let mut chosen = Vec::new();
    let all = everything(store, kind).await?;
    let Some(ids) = ids else {
        for item in all {
            match wishes.objection(&item) {
                None => chosen.push(item),
                Some(Objection::Young) => {}
                Some(Objection::Retained) => plan.retained += 1,
                Some(Objection::Unread(remark)) => {
                    plan.retained += 1;
                    if !plan.remarks.contains(&remark) {
                        plan.remarks.push(remark);
                    }
                }
            }
        }
        return Ok(chosen);
    };
    for id in ids {
        let item = store.trash_item(kind, (*id).to_owned()).await?;
        wishes.check_named(&item)?;
        if !chosen.contains(&item) {
            chosen.push(item);
        }
    }
    // What another collection has begun is finished, whatever is asked for: it is lost anyway.
    let begun = all.into_iter().filter(|item| item.purging);
    let begun: Vec<_> = begun.filter(|item| !chosen.contains(item)).collect();
    chosen.extend(begun);
    Ok(chosen)
}

async fn everything(store: &Store, kind: TrashKind) -> anyhow::Result<Vec<TrashItem>> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let scope = TrashScope::Everywhere;
        let page = store.trash(TrashQuery { kind, scope, limit: PAGE, after }).await?;
        found.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// Why something in the trash stays there.
enum Objection {
    /// It is not as old as asked for.
    Young,
    /// Its experiment wants it kept for longer.
    Retained,
    /// Its experiment wants it kept, for a time that cannot be read.
    Unread(String),
}

impl Wishes<'_> {
    fn objection(&self, item: &TrashItem) -> Option<Objection> {
        if item.purging {
            return None;
        }
        let age_ms = self.now_ms.saturating_sub(item.deleted_ms);
        if let Some((_, least_ms)) = self.older_than {
            // As in MLflow, where an experiment must be older and all else at least as old.
            let strict = item.kind == TrashKind::Experiment;
            if age_ms < least_ms || strict && age_ms == least_ms {
                return Some(Objection::Young);
            }
        }
        let retention = item.retention.as_deref().filter(|_| !self.ignore_retention)?.trim();
        if retention.eq_ignore_ascii_case(FOREVER) {
            return Some(Objection::Retained);
        }
        match age::parse(retention) {
            Some(least_ms) => (age_ms < least_ms).then_some(Objection::Retained),
            None => Some(Objection::Unread(format!(
                "nothing of the experiment {} is removed: its tag {RETENTION_TAG} says '{retention}', \
                 which is no time such as 30d or 12h, and not {FOREVER}",
                item.experiment_id
            ))),
        }
    }

    /// Refuses something that was named and may not go.
    fn check_named(&self, item: &TrashItem) -> Result<(), Usage> {
        let (one, many) = match item.kind {
            TrashKind::Experiment => ("Experiment", "experiments"),
            TrashKind::Run => ("Run", "runs"),
            TrashKind::LoggedModel => ("Logged model", "logged models"),
        };
        let id = &item.id;
        if item.lifecycle != modelyard_store::Lifecycle::Deleted {
            return Err(Usage(format!(
                "{one} {id} is not in the deleted lifecycle stage. Only {many} in the deleted lifecycle \
                 stage can be removed."
            )));
        }
        match self.objection(item) {
            None => Ok(()),
            Some(Objection::Young) => {
                let age = self.older_than.map_or("", |(text, _)| text);
                Err(Usage(format!(
                    "{one} {id} is not older than the required age. Only {many} older than {age} can be \
                     removed."
                )))
            }
            Some(Objection::Retained) => Err(Usage(format!(
                "{one} {id} is kept: the tag {RETENTION_TAG} of its experiment says '{}'. \
                 --ignore-retention removes it all the same.",
                item.retention.as_deref().unwrap_or_default()
            ))),
            Some(Objection::Unread(remark)) => Err(Usage(remark)),
        }
    }
}
