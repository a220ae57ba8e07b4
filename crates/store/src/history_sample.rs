//! Thinning a long history, as MLflow does, without holding it.

use std::cmp::Ordering;

use modelyard_database::{Conn, Sql};

use crate::history::{self, SeriesPoint};
use crate::metrics::Stored;
use crate::{Result, Store};

/// A range of steps, both ends included.
type Steps = Option<(i64, i64)>;

impl Store {
    /// The points of a run's metric within a range of steps, ordered by step, time and value. If there are
    /// more than `size`, they are cut into `size` stretches as equal as can be, the longer ones first, and
    /// the first point of each is kept; the last point of all takes the place of the last kept. Empty when
    /// the run or the metric does not exist.
    pub async fn sample_metric(
        &self,
        run_id: String,
        key: String,
        steps: Steps,
        size: usize,
    ) -> Result<Vec<SeriesPoint>> {
        let data = (run_id, key, steps, size);
        self.db
            .read(data, |conn, (run, key, steps, size)| {
                Box::pin(sample(conn, run, key, *steps, *size))
            })
            .await
    }
}

/// Reads the points once where that will do: if they are few, or if their count is known and their steps rise
/// with time, as they nearly always do.
async fn sample(
    conn: &mut Conn,
    run_id: &str,
    key: &str,
    steps: Steps,
    size: usize,
) -> Result<Vec<SeriesPoint>> {
    let Some((run, name)) = history::locate(conn, run_id, key).await? else {
        return Ok(Vec::new());
    };
    // How many points a range of steps has is not known: all fit, as far as they do.
    let expected = if steps.is_none() { count(conn, run, name).await? } else { size };
    let mut sql = Sql::new("SELECT ms, step, value, nan FROM metric_point WHERE run = ");
    sql.bind(run).push(" AND name = ").bind(name);
    if let Some((first, last)) = steps {
        sql.push(" AND step >= ").bind(first).push(" AND step <= ").bind(last);
    }
    // The order of the table: nothing needs sorting.
    let by_time = " ORDER BY ms, step, value, nan";
    let mut pass = pick(conn, &sql, by_time, positions(expected, size)).await?;
    if pass.kept.len() == pass.count {
        if !pass.rising {
            pass.kept.sort_by(by_step);
        }
        return Ok(pass.kept);
    }
    if pass.rising && pass.count == expected {
        return Ok(pass.kept);
    }
    let order = if pass.rising { by_time } else { " ORDER BY step, ms, value, nan" };
    Ok(pick(conn, &sql, order, positions(pass.count, size)).await?.kept)
}

/// How many points a series has.
async fn count(conn: &mut Conn, run: i64, name: i64) -> Result<usize> {
    let sql = "SELECT points FROM metric WHERE run = $1 AND name = $2";
    let found = conn.query_opt(sql, &[run.into(), name.into()], |row| row.int(0)).await?;
    Ok(found.and_then(|count| usize::try_from(count).ok()).unwrap_or_default())
}

/// What was seen of a series on one way through it.
struct Pass {
    kept: Vec<SeriesPoint>,
    count: usize,
    /// Whether no step goes back.
    rising: bool,
}

/// Goes through a series and keeps the points at these positions.
async fn pick(
    conn: &mut Conn,
    select: &Sql<'_>,
    order: &'static str,
    wanted: impl Iterator<Item = usize> + Send,
) -> Result<Pass> {
    let mut wanted = wanted.peekable();
    let mut pass = Pass { kept: Vec::new(), count: 0, rising: true };
    let mut last_step = i64::MIN;
    conn.for_each(&[select.text(), order].concat(), select.params(), |row| {
        if wanted.next_if_eq(&pass.count).is_some() {
            pass.kept.push(history::read(row)?);
        }
        let step = row.int(1)?;
        pass.rising &= last_step <= step;
        last_step = step;
        pass.count += 1;
        Ok(())
    })
    .await?;
    Ok(pass)
}

/// Compares as the database does.
fn by_step(a: &SeriesPoint, b: &SeriesPoint) -> Ordering {
    let key = |point: &SeriesPoint| (point.step, point.ms);
    let (x, y) = (Stored::new(a.value), Stored::new(b.value));
    key(a).cmp(&key(b)).then(x.value.total_cmp(&y.value)).then(x.nan.cmp(&y.nan))
}

/// Which of `count` points are kept, in rising order: as SQL's `NTILE` divides rows.
fn positions(count: usize, size: usize) -> impl Iterator<Item = usize> {
    let kept = count.min(size);
    let (length, longer) =
        (count.checked_div(kept).unwrap_or(0), count.checked_rem(kept).unwrap_or(0));
    (0..kept).map(move |stretch| {
        if stretch + 1 == kept { count - 1 } else { stretch * length + stretch.min(longer) }
    })
}

#[cfg(test)]
mod tests {
    use super::positions;

    fn kept(count: usize, size: usize) -> Vec<usize> {
        positions(count, size).collect()
    }

    #[test]
    fn samples_are_mlflows() {
        assert_eq!(kept(3, 5), [0, 1, 2]);
        assert_eq!(kept(10, 4), [0, 3, 6, 9]);
        assert_eq!(kept(11, 4), [0, 3, 6, 10]);
        assert_eq!(kept(5, 1), [4]);
        assert_eq!(kept(0, 3), [0_usize; 0]);
        assert_eq!(kept(3, 0), [0_usize; 0]);
    }
}
