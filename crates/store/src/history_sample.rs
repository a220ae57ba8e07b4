//! Thinning a long history, as MLflow does, without holding it.

use modelyard_database::{Conn, Sql};

use crate::history::{self, SeriesPoint};
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

/// Reads the points twice: to count them, and to pick some.
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
    let mut sql = Sql::new(" FROM metric_point WHERE run = ");
    sql.bind(run).push(" AND name = ").bind(name);
    if let Some((first, last)) = steps {
        sql.push(" AND step >= ").bind(first).push(" AND step <= ").bind(last);
    }
    let (mut count, mut last_step, mut by_step) = (0, i64::MIN, true);
    let text = ["SELECT step", sql.text(), " ORDER BY ms, step, value, nan"].concat();
    conn.for_each(&text, sql.params(), |row| {
        let step = row.int(0)?;
        by_step &= last_step <= step;
        last_step = step;
        count += 1;
        Ok(())
    })
    .await?;
    // Points are stored by time. Where the steps rise with it, as they nearly always do, nothing needs sorting.
    let order =
        if by_step { " ORDER BY ms, step, value, nan" } else { " ORDER BY step, ms, value, nan" };
    let text = ["SELECT ms, step, value, nan", sql.text(), order].concat();
    let mut wanted = positions(count, size).peekable();
    let (mut at, mut kept) = (0, Vec::with_capacity(count.min(size)));
    conn.for_each(&text, sql.params(), |row| {
        if wanted.next_if_eq(&at).is_some() {
            kept.push(history::read(row)?);
        }
        at += 1;
        Ok(())
    })
    .await?;
    Ok(kept)
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
