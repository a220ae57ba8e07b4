//! Bounds of what a request may make this code allocate.

use super::fault::Fault;

/// Most cells of a frame. A cell that is written takes two bytes of the request at least, but short
/// rows are filled up, and of records each may bring a column of its own: without a bound a megabyte
/// of text becomes a terabyte of cells.
const MAX_CELLS: usize = 1 << 24;

/// Most names that an error lists.
pub(crate) const MAX_LISTED: usize = 100;

/// Refuses a frame that is too large, before it is filled.
pub(crate) fn check_cells(rows: usize, columns: usize) -> Result<(), Fault> {
    if rows.saturating_mul(columns) > MAX_CELLS {
        return Err(Fault::value_error(format!("The frame has more than {MAX_CELLS} cells")));
    }
    Ok(())
}
