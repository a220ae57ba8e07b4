//! `modelyard gc`: removing what is in the trash for good.

pub(super) mod age;
mod plan;

use modelyard_server::{Cannot, Despite, Services, Size};
use modelyard_store::{TrashItem, TrashKind};

use self::plan::{Plan, Wishes};
use super::{server, storage};
use crate::exit::Usage;
use crate::output::{Console, to_stdout};

const COMPATIBILITY: &str = "Accepted from MLflow, without effect here";

/// Arguments of `modelyard gc`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Only what is in the trash is removed. As with `mlflow gc`, a kind of which no ids \
are named is collected as a whole; --dry-run shows what that means. An experiment's tag \
modelyard.retention, such as 30d or forever, keeps what was deleted in it for that long.\n\n\
A server may run meanwhile. A collection that was broken off is finished by the next one."
)]
pub(crate) struct Args {
    /// Only what was deleted at least this long ago, such as 30d or 1d2h3m4s; fractions are allowed.
    #[arg(long, value_name = "TIME")]
    older_than: Option<String>,
    /// Of the runs only these, separated by commas, and those of the experiments that go.
    #[arg(long, value_name = "IDS")]
    run_ids: Option<String>,
    /// Of the experiments only these, separated by commas, with all that is in them.
    #[arg(long, value_name = "IDS")]
    experiment_ids: Option<String>,
    /// Of the logged models only these, separated by commas, and those of the experiments that go.
    #[arg(long, value_name = "IDS")]
    logged_model_ids: Option<String>,
    /// Remove nothing; say what would go, and how many bytes.
    #[arg(long)]
    dry_run: bool,
    /// Remove also what the tag modelyard.retention of its experiment would keep.
    #[arg(long)]
    ignore_retention: bool,
    /// Remove also what has its artifacts where this program does not reach, and leave those artifacts.
    #[arg(long)]
    leave_unreachable_artifacts: bool,
    /// Remove also what a version of a registered model has its artifacts from, and so loses.
    #[arg(long)]
    even_if_registered: bool,
    #[command(flatten)]
    pub(crate) storage: storage::Args,
    #[command(flatten)]
    compatibility: Compatibility,
}

/// Flags about parts of MLflow that do not exist here.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = COMPATIBILITY)]
struct Compatibility {
    /// Artifacts are found by the flags of the server.
    #[arg(long, value_name = "URI")]
    tracking_uri: Option<String>,
    /// There are no jobs.
    #[arg(long)]
    jobs: bool,
    /// There are no jobs.
    #[arg(long, value_name = "IDS")]
    job_ids: Option<String>,
    /// Refused: there are no workspaces.
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
    /// Refused: there are no workspaces.
    #[arg(long)]
    all_workspaces: bool,
}

/// Removes what is in the trash, or says what would go.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let Compatibility { tracking_uri, jobs, job_ids, workspace, all_workspaces } =
        &args.compatibility;
    if workspace.is_some() || *all_workspaces {
        let why = "--workspace and --all-workspaces: workspaces are not built yet";
        return Err(Usage(why.into()).into());
    }
    let console = Console::stderr(false);
    if tracking_uri.is_some() || *jobs || job_ids.is_some() {
        console.say("modelyard: --tracking-uri, --jobs and --job-ids have no effect here");
    }
    let older_than = args.older_than.as_deref().filter(|text| !text.is_empty());
    let older_than = older_than.map(read_age).transpose()?;
    let data = args.storage.data()?;
    storage::require_database(&data)?;
    storage::runtime()?.block_on(async {
        let services = server::open(&data).await?;
        let wishes = Wishes {
            now_ms: services.context.now_ms(),
            older_than,
            run_ids: ids(&args.run_ids),
            experiment_ids: ids(&args.experiment_ids),
            model_ids: ids(&args.logged_model_ids),
            ignore_retention: args.ignore_retention,
        };
        let plan = plan::plan(&services.store, &wishes).await?;
        let mut collection = Collection {
            services: &services,
            dry: args.dry_run,
            despite: Despite {
                unreachable: args.leave_unreachable_artifacts,
                registered: args.even_if_registered,
            },
            unreachable: Vec::new(),
            registered: Vec::new(),
        };
        collection.check_named(plan.named(&wishes)).await?;
        collection.carry_out(&plan).await?;
        for remark in &plan.remarks {
            console.say(&format!("modelyard: {remark}"));
        }
        if plan.retained > 0 {
            console.say(&format!(
                "modelyard: {} deleted runs, logged models and experiments are kept by the tag \
                 modelyard.retention of their experiments",
                plan.retained
            ));
        }
        collection.outcome(&console)
    })
}

fn read_age(text: &str) -> Result<(&str, i64), Usage> {
    age::parse(text).map(|ms| (text, ms)).ok_or_else(|| {
        Usage(format!(
            "Could not parse any time information from '{text}'. Examples of valid strings: '8h', \
             '2d8h5m20s', '2m4s'"
        ))
    })
}

/// As in MLflow, an empty list is none.
fn ids(list: &Option<String>) -> Option<Vec<&str>> {
    let list = list.as_deref().filter(|list| !list.is_empty())?;
    Some(list.split(',').map(str::trim).filter(|id| !id.is_empty()).collect())
}

/// A collection under way.
struct Collection<'a> {
    services: &'a Services,
    dry: bool,
    despite: Despite,
    /// What was left in the trash because its artifacts would be left, and why.
    unreachable: Vec<String>,
    /// What was left in the trash because registered models have its artifacts.
    registered: Vec<String>,
}

impl Collection<'_> {
    /// Refuses what was named and is needed by a registered model.
    async fn check_named(&self, named: impl Iterator<Item = &TrashItem>) -> anyhow::Result<()> {
        let Services { store, artifacts, .. } = self.services;
        let despite = Despite { unreachable: true, ..self.despite };
        for item in named {
            match modelyard_server::check(store, artifacts, item, despite).await {
                Err(error @ Cannot::Registered { .. }) => {
                    return Err(Usage(format!(
                        "{} {}: {error} and would lose them; delete that version first, or give \
                         --even-if-registered",
                        title(item.kind),
                        item.id
                    ))
                    .into());
                }
                outcome => outcome?,
            }
        }
        Ok(())
    }

    async fn carry_out(&mut self, plan: &Plan) -> anyhow::Result<()> {
        let mut total = Size::default();
        for item in &plan.single {
            total += self.one(item).await?;
        }
        for experiment in &plan.experiments {
            total += self.experiment(experiment).await?;
        }
        if self.dry {
            to_stdout(|out| writeln!(out, "In total {}.", shown(total)))?;
        }
        Ok(())
    }

    /// Removes the runs and models of an experiment, and then itself.
    async fn experiment(&mut self, experiment: &TrashItem) -> anyhow::Result<Size> {
        let Services { store, artifacts, .. } = self.services;
        let mut total = Size::default();
        if !self.may_go(experiment).await? {
            return Ok(total);
        }
        if !self.dry {
            // From here on nothing in it comes back.
            match store.begin_purge(experiment.kind, experiment.id.clone()).await {
                Err(error) if Cannot::from(error.clone()).is_gone() => return Ok(total),
                outcome => outcome?,
            };
        }
        for part in modelyard_server::contents(store, experiment).await? {
            total += self.remove(&part).await?;
        }
        if !self.dry {
            let (kind, id) = (experiment.kind, &experiment.id);
            modelyard_server::purge(store, artifacts, kind, id, Despite::ALL).await?;
        }
        self.say(experiment, None)?;
        Ok(total)
    }

    /// Removes a run or logged model.
    async fn one(&mut self, item: &TrashItem) -> anyhow::Result<Size> {
        if self.may_go(item).await? { self.remove(item).await } else { Ok(Size::default()) }
    }

    /// Whether all artifacts can and may be removed, or need not be; keeps in mind why not.
    async fn may_go(&mut self, item: &TrashItem) -> anyhow::Result<bool> {
        let Services { store, artifacts, .. } = self.services;
        let why_not = match modelyard_server::check(store, artifacts, item, self.despite).await {
            Ok(()) => return Ok(true),
            Err(error) => error,
        };
        let kept = match why_not {
            Cannot::Unreachable { .. } => &mut self.unreachable,
            Cannot::Registered { .. } => &mut self.registered,
            error => return Err(error.into()),
        };
        kept.push(format!("{} {}: {why_not}", title(item.kind), item.id));
        Ok(false)
    }

    async fn remove(&self, item: &TrashItem) -> anyhow::Result<Size> {
        let Services { store, artifacts, .. } = self.services;
        if self.dry {
            let size = modelyard_server::measure(artifacts, item).await?;
            self.say(item, Some(size))?;
            return Ok(size);
        }
        let (kind, id) = (item.kind, &item.id);
        match modelyard_server::purge(store, artifacts, kind, id, Despite::ALL).await {
            // Another collection was quicker.
            Err(error) if error.is_gone() => Ok(Size::default()),
            outcome => {
                outcome?;
                self.say(item, None)?;
                Ok(Size::default())
            }
        }
    }

    /// MLflow's sentence.
    fn say(&self, item: &TrashItem, size: Option<Size>) -> anyhow::Result<()> {
        let (kind, id) = (title(item.kind), &item.id);
        to_stdout(|out| match (self.dry, size) {
            (false, _) => writeln!(out, "{kind} with ID {id} has been permanently deleted."),
            (true, Some(size)) => {
                writeln!(out, "{kind} with ID {id} would be permanently deleted: {}.", shown(size))
            }
            (true, None) => writeln!(out, "{kind} with ID {id} would be permanently deleted."),
        })
    }

    fn outcome(self, console: &Console) -> anyhow::Result<()> {
        if !self.registered.is_empty() {
            // Not a failure: it goes by itself when the version is deleted.
            console.say(&format!(
                "modelyard: kept, because versions of registered models would lose their artifacts \
                 (--even-if-registered removes them all the same):\n  {}",
                self.registered.join("\n  ")
            ));
        }
        if self.unreachable.is_empty() {
            return Ok(());
        }
        anyhow::bail!(
            "not removed, because artifacts would be left that nobody knows of:\n  {}\n\
             Give the flags of the server, such as --allow-artifact-location; or remove the artifacts by \
             other means and give --leave-unreachable-artifacts",
            self.unreachable.join("\n  ")
        )
    }
}

fn title(kind: TrashKind) -> &'static str {
    match kind {
        TrashKind::Experiment => "Experiment",
        TrashKind::Run => "Run",
        TrashKind::LoggedModel => "Logged model",
    }
}

fn shown(size: Size) -> String {
    let files = if size.files == 1 { "file" } else { "files" };
    format!("{} {files}, {} bytes", size.files, size.bytes)
}
