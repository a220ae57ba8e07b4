//! Experiments and their tags.

use modelyard_database::{Conn, Insert, Kind, Param, Row};
use modelyard_protocol::limits::MAX_CUSTOM_VIEWS_PER_EXPERIMENT;
use modelyard_protocol::{Error as Rule, ErrorCode, uri, validate};

use crate::chunks::Chunk;
use crate::rows::{self, KeyValue, Lifecycle};
use crate::{ChangeKind, Error, Result, Store, purge};

/// The id and name of the experiment that every new store has.
const DEFAULT: (i64, &str) = (0, "Default");

/// An experiment, in use or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// The id; clients see it as text.
    pub id: i64,
    /// The name, unique among all experiments, deleted ones included.
    pub name: String,
    /// Where the artifacts of its runs go.
    pub artifact_location: String,
    /// Whether it is in use.
    pub lifecycle: Lifecycle,
    /// Creation, milliseconds since the epoch.
    pub created_ms: i64,
    /// Last change of name or lifecycle, milliseconds since the epoch.
    pub updated_ms: i64,
    /// Its tags, by key.
    pub tags: Vec<KeyValue>,
}

/// What is needed to create an experiment.
#[derive(Debug, Clone)]
pub struct NewExperiment {
    /// The name.
    pub name: String,
    /// Where its artifacts go; by default below the server's artifact root.
    pub artifact_location: Option<String>,
    /// Its first tags; of equal keys the last wins.
    pub tags: Vec<KeyValue>,
}

const TAGS: Insert = Insert {
    into: "INSERT INTO experiment_tag (experiment, key, value)",
    kinds: &[Kind::Int, Kind::Text, Kind::Text],
    conflict: "ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value",
};

impl Store {
    /// Creates experiment `0`, `Default`, in a store without experiments, as MLflow does.
    pub(crate) async fn create_default_experiment(&self) -> Result<()> {
        let location = uri::append(&self.settings.artifact_root, &DEFAULT.0.to_string());
        let data = (location, self.context.now_ms());
        self.db.write(data, |conn, (at, now)| Box::pin(create_default(conn, at, *now))).await
    }

    /// Creates an experiment and returns its id.
    ///
    /// # Errors
    /// `RESOURCE_ALREADY_EXISTS` when the name is taken, also by a deleted experiment.
    pub async fn create_experiment(&self, new: NewExperiment) -> Result<i64> {
        let data = (new, self.settings.artifact_root.clone(), self.context.now_ms());
        let id = self
            .db
            .write(data, |conn, (new, root, now)| Box::pin(create(conn, new, root, *now)))
            .await?;
        self.changes.tell(id, None, ChangeKind::Experiment);
        Ok(id)
    }

    /// An experiment by its id, in use or deleted.
    pub async fn experiment(&self, id: i64) -> Result<Experiment> {
        self.db.read(id, |conn, id| Box::pin(get(conn, *id))).await
    }

    /// An experiment by its name, in use or deleted.
    pub async fn experiment_by_name(&self, name: String) -> Result<Experiment> {
        self.db.read(name, |conn, name| Box::pin(get_by_name(conn, name))).await
    }

    /// Moves an experiment in use and its runs to the trash.
    pub async fn delete_experiment(&self, id: i64) -> Result<()> {
        self.move_experiment(id, Lifecycle::Active, Lifecycle::Deleted).await
    }

    /// Takes a deleted experiment and all of its runs back into use.
    pub async fn restore_experiment(&self, id: i64) -> Result<()> {
        self.move_experiment(id, Lifecycle::Deleted, Lifecycle::Active).await
    }

    async fn move_experiment(&self, id: i64, from: Lifecycle, to: Lifecycle) -> Result<()> {
        let data = (id, from, to, self.context.now_ms());
        self.db
            .write(data, |conn, (id, from, to, now)| {
                Box::pin(relocate(conn, *id, *from, *to, *now))
            })
            .await?;
        self.changes.tell(id, None, ChangeKind::Experiment);
        Ok(())
    }

    /// Gives an experiment in use another name.
    pub async fn rename_experiment(&self, id: i64, name: String) -> Result<()> {
        let data = (name, self.context.now_ms());
        self.db
            .write(data, move |conn, (name, now)| Box::pin(rename(conn, id, name, *now)))
            .await?;
        self.changes.tell(id, None, ChangeKind::Experiment);
        Ok(())
    }

    /// Sets a tag of an experiment in use.
    pub async fn set_experiment_tag(&self, id: i64, tag: KeyValue) -> Result<()> {
        self.db.write(tag, move |conn, tag| Box::pin(set_tag(conn, id, tag))).await?;
        self.changes.tell(id, None, ChangeKind::Experiment);
        Ok(())
    }

    /// Removes a tag of an experiment in use.
    pub async fn delete_experiment_tag(&self, id: i64, key: String) -> Result<()> {
        self.db.write(key, move |conn, key| Box::pin(delete_tag(conn, id, key))).await?;
        self.changes.tell(id, None, ChangeKind::Experiment);
        Ok(())
    }
}

/// One small read, to see that the database answers.
pub(crate) async fn probe(conn: &mut Conn) -> Result<()> {
    conn.query_opt("SELECT id FROM experiment LIMIT 1", &[], |row| row.int(0)).await?;
    Ok(())
}

async fn create_default(conn: &mut Conn, location: &str, now: i64) -> Result<()> {
    let any = conn.query_opt("SELECT id FROM experiment LIMIT 1", &[], |row| row.int(0)).await?;
    if any.is_none() {
        let sql = "INSERT INTO experiment (id, name, artifact_location, lifecycle, created_ms, updated_ms) \
                   VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT DO NOTHING";
        let row = [DEFAULT.0.into(), DEFAULT.1.into(), location.into(), now.into(), now.into()];
        conn.execute(sql, &row).await?;
    }
    Ok(())
}

async fn create(conn: &mut Conn, new: &NewExperiment, root: &str, now: i64) -> Result<i64> {
    let sql = "INSERT INTO experiment (name, artifact_location, lifecycle, created_ms, updated_ms) \
               VALUES ($1, $2, 1, $3, $4) ON CONFLICT (name) DO NOTHING RETURNING id";
    let location = new.artifact_location.as_deref().unwrap_or_default();
    let row = [(&new.name).into(), location.into(), now.into(), now.into()];
    let Some(id) = conn.query_opt(sql, &row, |row| row.int(0)).await? else {
        return Err(name_taken(&new.name));
    };
    if new.artifact_location.is_none() {
        // The default location holds the id, which is known only now.
        let location = uri::append(root, &id.to_string());
        let sql = "UPDATE experiment SET artifact_location = $1 WHERE id = $2";
        conn.execute(sql, &[(&location).into(), id.into()]).await?;
    }
    let tags = crate::tags::last_of_each(&new.tags);
    let rows: Vec<Param<'_>> =
        tags.flat_map(|tag| [id.into(), (&tag.key).into(), (&tag.value).into()]).collect();
    conn.insert_many(TAGS, &rows).await?;
    Ok(id)
}

fn name_taken(name: &str) -> Error {
    Error::exists(format!("Experiment(name={name}) already exists."))
}

pub(crate) fn no_experiment(id: i64) -> Error {
    Error::not_found(format!("No Experiment with id={id} exists"))
}

async fn get(conn: &mut Conn, id: i64) -> Result<Experiment> {
    let sql = "SELECT e.id, e.name, e.artifact_location, e.lifecycle, e.created_ms, e.updated_ms \
               FROM experiment e WHERE e.id = $1";
    let found = conn.query_opt(sql, &[id.into()], read).await?;
    with_tags(conn, found.ok_or_else(|| no_experiment(id))?).await
}

async fn get_by_name(conn: &mut Conn, name: &str) -> Result<Experiment> {
    let sql = "SELECT e.id, e.name, e.artifact_location, e.lifecycle, e.created_ms, e.updated_ms \
               FROM experiment e WHERE e.name = $1";
    let found = conn.query_opt(sql, &[name.into()], read).await?;
    let missing = || Error::not_found(format!("Could not find experiment with name '{name}'"));
    with_tags(conn, found.ok_or_else(missing)?).await
}

/// Reads id, name, artifact location, lifecycle, creation and last change.
pub(crate) fn read(row: &Row<'_>) -> modelyard_database::Result<Experiment> {
    Ok(Experiment {
        id: row.int(0)?,
        name: row.string(1)?,
        artifact_location: row.string(2)?,
        lifecycle: rows::lifecycle(row.int(3)?)?,
        created_ms: row.int(4)?,
        updated_ms: row.int(5)?,
        tags: Vec::new(),
    })
}

async fn with_tags(conn: &mut Conn, mut experiment: Experiment) -> Result<Experiment> {
    load(conn, std::slice::from_mut(&mut experiment)).await?;
    Ok(experiment)
}

/// Fills in the tags.
pub(crate) async fn load(conn: &mut Conn, experiments: &mut [Experiment]) -> Result<()> {
    let select = "SELECT experiment, key, value FROM experiment_tag WHERE experiment IN ({ids}) \
                  ORDER BY experiment, key";
    let mut rest = experiments;
    while let Some(mut chunk) = Chunk::next(&mut rest, |experiment| experiment.id) {
        chunk
            .each(conn, select, |experiment, row| {
                experiment.tags.push(crate::tags::read(row, 1)?);
                Ok(())
            })
            .await?;
    }
    Ok(())
}

/// The lifecycle of an experiment, or the error that it does not exist.
async fn lifecycle(conn: &mut Conn, id: i64) -> Result<Lifecycle> {
    let sql = "SELECT lifecycle FROM experiment WHERE id = $1";
    let found = conn.query_opt(sql, &[id.into()], |row| rows::lifecycle(row.int(0)?)).await?;
    found.ok_or_else(|| no_experiment(id))
}

/// The artifact location of an experiment in use; an error when it is deleted or does not exist. It stays in
/// use until the end of the transaction: whoever deletes it waits, and then finds what was made in it.
pub(crate) async fn active_location(conn: &mut Conn, id: i64) -> Result<String> {
    let sql = "SELECT lifecycle, artifact_location FROM experiment WHERE id = $1";
    let sql = [sql, conn.engine().for_share()].concat();
    let read = |row: &Row<'_>| Ok((rows::lifecycle(row.int(0)?)?, row.string(1)?));
    match conn.query_opt(&sql, &[id.into()], read).await? {
        Some((Lifecycle::Active, location)) => Ok(location),
        Some((Lifecycle::Deleted, _)) => Err(not_active(id)),
        None => Err(no_experiment(id)),
    }
}

fn not_active(id: i64) -> Error {
    Error::invalid(format!(
        "The experiment {id} must be in the 'active' state. Current state is deleted."
    ))
}

async fn relocate(
    conn: &mut Conn,
    id: i64,
    from: Lifecycle,
    to: Lifecycle,
    now: i64,
) -> Result<()> {
    let sql =
        "UPDATE experiment SET lifecycle = $1, updated_ms = $2 WHERE id = $3 AND lifecycle = $4";
    let row = [
        rows::number(to.number()).into(),
        now.into(),
        id.into(),
        rows::number(from.number()).into(),
    ];
    if conn.execute(sql, &row).await? == 0 {
        // MLflow's word for both: an experiment that is not there, and one already moved.
        return Err(no_experiment(id));
    }
    if to == Lifecycle::Active {
        purge::refuse_experiment(conn, id).await?;
    }
    let deleted_ms = (to == Lifecycle::Deleted).then_some(now);
    let sql =
        "UPDATE run SET lifecycle = $1, deleted_ms = $2 WHERE experiment = $3 AND lifecycle = $4";
    let row = [
        rows::number(to.number()).into(),
        deleted_ms.into(),
        id.into(),
        rows::number(from.number()).into(),
    ];
    conn.execute(sql, &row).await?;
    if to == Lifecycle::Active {
        purge::keep_in_trash(conn, id, now).await?;
    }
    Ok(())
}

async fn rename(conn: &mut Conn, id: i64, name: &str, now: i64) -> Result<()> {
    if lifecycle(conn, id).await? == Lifecycle::Deleted {
        // MLflow answers INVALID_STATE with 500, which its clients retry for minutes.
        let message = "Cannot rename a non-active experiment.";
        return Err(Rule::new(ErrorCode::InvalidParameterValue, message).into());
    }
    let sql = "UPDATE experiment SET name = $1, updated_ms = $2 WHERE id = $3";
    conn.execute(sql, &[name.into(), now.into(), id.into()])
        .await
        .map_err(|error| Error::from(error).on_unique(|| name_taken(name)))?;
    Ok(())
}

/// Refuses a deleted experiment. Tags do not count as a change of the experiment: MLflow leaves its
/// `last_update_time` alone.
async fn check_active(conn: &mut Conn, id: i64) -> Result<()> {
    match lifecycle(conn, id).await? {
        Lifecycle::Active => Ok(()),
        Lifecycle::Deleted => Err(not_active(id)),
    }
}

async fn set_tag(conn: &mut Conn, id: i64, tag: &KeyValue) -> Result<()> {
    check_active(conn, id).await?;
    if validate::is_custom_view(&tag.key) {
        check_custom_views(conn, id, &tag.key).await?;
    }
    conn.insert_many(TAGS, &[id.into(), (&tag.key).into(), (&tag.value).into()]).await?;
    Ok(())
}

/// Refuses one custom view too many; those that are there may be changed.
async fn check_custom_views(conn: &mut Conn, id: i64, new: &str) -> Result<()> {
    let sql = "SELECT key FROM experiment_tag WHERE experiment = $1";
    let mut keys = conn.query(sql, &[id.into()], |row| row.string(0)).await?;
    keys.retain(|key| validate::is_custom_view(key));
    if keys.len() >= MAX_CUSTOM_VIEWS_PER_EXPERIMENT && !keys.iter().any(|key| key == new) {
        return Err(validate::too_many_custom_views(Some(&id.to_string())).into());
    }
    Ok(())
}

async fn delete_tag(conn: &mut Conn, id: i64, key: &str) -> Result<()> {
    check_active(conn, id).await?;
    let sql = "DELETE FROM experiment_tag WHERE experiment = $1 AND key = $2";
    if conn.execute(sql, &[id.into(), key.into()]).await? == 0 {
        return Err(Error::not_found(format!(
            "No tag with name: {key} in experiment with id {id}"
        )));
    }
    Ok(())
}
