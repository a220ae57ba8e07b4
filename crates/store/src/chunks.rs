//! Reading what belongs to many rows by few statements.

use std::collections::HashMap;
use std::fmt::Write as _;

use modelyard_database::{Conn, Param, Row};

use crate::Result;

/// How many rows are served by one statement. Lists are filled up to one of these lengths, so that a
/// handful of prepared statements serves every page size.
const CHUNKS: [usize; 3] = [1, 10, 100];

/// Where the ids of a chunk go in its statements.
const IDS: &str = "{ids}";

/// Rows by their internal id, and the parameters of their statements.
pub(crate) struct Chunk<'r, T> {
    rows: &'r mut [T],
    place: HashMap<i64, usize>,
    ids: Vec<Param<'static>>,
}

impl<'r, T: Send> Chunk<'r, T> {
    /// As many of the rows as one statement serves, taken from the front; each id must be there once.
    pub(crate) fn next(rest: &mut &'r mut [T], id: impl Fn(&T) -> i64) -> Option<Self> {
        let size = CHUNKS.into_iter().find(|&size| rest.len() <= size).unwrap_or(100);
        let all = std::mem::take(rest);
        let (rows, after) = all.split_at_mut(all.len().min(size));
        *rest = after;
        let mut ids = vec![Param::Int(id(rows.last()?)); size];
        let mut place = HashMap::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            ids[at] = id(row).into();
            place.insert(id(row), at);
        }
        Some(Self { rows, place, ids })
    }

    /// The rows.
    pub(crate) fn rows(&mut self) -> &mut [T] {
        self.rows
    }

    /// The row with this id.
    pub(crate) fn get(&mut self, id: i64) -> Option<&mut T> {
        let at = *self.place.get(&id)?;
        self.rows.get_mut(at)
    }

    /// Runs `SELECT id, … IN ({ids}) …`, handing each result to the row whose id it begins with.
    pub(crate) async fn each(
        &mut self,
        conn: &mut Conn,
        select: &str,
        mut add: impl FnMut(&mut T, &Row<'_>) -> modelyard_database::Result<()> + Send,
    ) -> Result<()> {
        let (before, after) = select.split_once(IDS).unwrap_or((select, ""));
        let mut sql = String::with_capacity(select.len() + self.ids.len() * 6);
        sql.push_str(before);
        for number in 1..=self.ids.len() {
            // Writing to a String cannot fail.
            let _ = write!(sql, "{}${number}", if number == 1 { "" } else { ", " });
        }
        sql.push_str(after);
        let Self { rows, place, ids } = self;
        conn.for_each(&sql, ids, |row| match place.get(&row.int(0)?) {
            Some(&at) => add(&mut rows[at], row),
            None => Ok(()),
        })
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_chunk() {
        for (count, expected) in [
            (0, &[][..]),
            (1, &[(1, 1)]),
            (2, &[(2, 10)]),
            (10, &[(10, 10)]),
            (11, &[(11, 100)]),
            (102, &[(100, 100), (2, 10)]),
        ] {
            let mut rows: Vec<i64> = (0..count).collect();
            let mut rest = rows.as_mut_slice();
            let mut seen = Vec::new();
            let mut sizes = Vec::new();
            while let Some(mut chunk) = Chunk::next(&mut rest, |&row| row) {
                sizes.push((chunk.rows.len(), chunk.ids.len()));
                seen.extend_from_slice(chunk.rows());
                let first = chunk.rows[0];
                assert_eq!(chunk.get(first), Some(&mut first.clone()));
            }
            assert_eq!(sizes, expected);
            assert_eq!(seen, (0..count).collect::<Vec<_>>());
        }
    }
}
