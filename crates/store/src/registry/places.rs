//! Where the files of versions are.

use modelyard_database::Conn;

use crate::{Result, Store};

impl Store {
    /// A version whose files are at `location` or below it, if there is one: model and number.
    pub async fn version_below(&self, location: String) -> Result<Option<(String, i64)>> {
        self.db.read(location, |conn, location| Box::pin(below(conn, location))).await
    }
}

async fn below(conn: &mut Conn, location: &str) -> Result<Option<(String, i64)>> {
    // The index has only the beginning of a location.
    let sql = "SELECT m.name, v.version FROM model_version v \
               JOIN registered_model m ON m.id = v.model \
               WHERE substr(coalesce(v.storage_location, v.source), 1, 256) \
               BETWEEN substr($1, 1, 256) AND substr($2, 1, 256) \
               AND (coalesce(v.storage_location, v.source) = $1 \
               OR coalesce(v.storage_location, v.source) >= $3 \
               AND coalesce(v.storage_location, v.source) < $2) ORDER BY v.id LIMIT 1";
    let root = location.trim_end_matches('/');
    // `0` is the character behind `/`.
    let (first, end) = (format!("{root}/"), format!("{root}0"));
    let place = [root.into(), (&end).into(), (&first).into()];
    Ok(conn.query_opt(sql, &place, |row| Ok((row.string(0)?, row.int(1)?))).await?)
}
