//! Every limit of the readers and the compiler. A file that says it is larger is refused before
//! anything is allocated for it; what is allocated is bounded by what was really read.

use crate::error::{Error, Result};

/// Bytes of a model file. The largest forests people log are some hundred megabytes.
pub(crate) const FILE_MAX_BYTES: usize = 2 << 30;
/// Bytes that come out of an archive, all entries together.
pub(crate) const UNPACKED_MAX_BYTES: usize = 2 << 30;
/// How much larger than the archive its contents may be. Deflated arrays of numbers reach about 20;
/// a bomb reaches 1,000.
pub(crate) const UNPACK_RATIO_MAX: usize = 100;
/// Entries of an archive: a skops file has one for each array, and a forest of 10,000 trees has 40,000.
pub(crate) const ENTRIES_MAX: usize = 500_000;
/// Bytes of the schema in a skops file: some 20 KB for each tree of a forest.
pub(crate) const SCHEMA_MAX_BYTES: usize = 512 << 20;
/// Objects in a file. A gradient boosting of 10,000 trees has about a million.
pub(crate) const NODES_MAX: usize = 20_000_000;
/// Values on a pickle's stack; pickles of real models stay below 3,000.
pub(crate) const STACK_MAX: usize = 1_000_000;
/// Marks on a pickle's stack, that is, containers that are open at once.
pub(crate) const MARKS_MAX: usize = 10_000;
/// Pickles inside a pickle, as joblib writes arrays of objects.
pub(crate) const PICKLE_DEPTH_MAX: usize = 8;
/// Containers inside containers in a document or a schema. Pipelines in searches reach some 60.
pub(crate) const DEPTH_MAX: usize = 120;
/// Dimensions of an array; numpy's own limit.
pub(crate) const DIMENSIONS_MAX: usize = 64;
/// Fields of a structured type; the widest in use has 14.
pub(crate) const FIELDS_MAX: usize = 256;
/// Bytes of the text that describes an array; numpy's own limit is 10,000.
pub(crate) const NPY_HEADER_MAX_BYTES: usize = 65_536;
/// Nodes of all trees of a model together: 100 million take 1.6 GB in memory. References to one tree
/// from many places make a small file large, so this is counted while compiling.
pub(crate) const TREE_NODES_MAX: usize = 100_000_000;
/// Steps, columns and estimators inside one another.
pub(crate) const STEPS_MAX: usize = 10_000;
/// Cells of a table of rows, and of what a transformation makes of it: 8 bytes each.
pub(crate) const CELLS_MAX: usize = 200_000_000;

/// Refuses a count that is above its limit; `what` was counted, with its unit.
pub(crate) fn within(what: &'static str, count: usize, limit: usize) -> Result<()> {
    if count > limit { Err(Error::TooLarge { what, limit }) } else { Ok(()) }
}
