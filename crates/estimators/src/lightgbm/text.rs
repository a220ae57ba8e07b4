//! The text form of a LightGBM model: lines `name=value`, one paragraph for each tree.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use super::Lightgbm;
use super::objective::Objective;
use crate::error::{Error, Result};
use crate::limits::{FILE_MAX_BYTES, TREE_NODES_MAX, within};
use crate::trees::{Builder, RawNode, Split};

/// Bits of `decision_type`.
const CATEGORICAL: u8 = 1;
const DEFAULT_LEFT: u8 = 2;
const MISSING_SHIFT: u8 = 2;
const MISSING_ZERO: u8 = 1;
const MISSING_NAN: u8 = 2;

type Lines<'a> = HashMap<&'a str, &'a str>;

impl Lightgbm {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        within("the bytes of a model", bytes.len(), FILE_MAX_BYTES)?;
        let text = std::str::from_utf8(bytes).ok().ok_or_else(|| damaged("it is not UTF-8"))?;
        // Settings and importances follow, and the categories of a table at the very end.
        let (text, rest) =
            text.split_once("\nend of trees").ok_or_else(|| damaged("it has no end"))?;
        let categories =
            rest.lines().rev().find_map(|line| line.strip_prefix("pandas_categorical:"));
        if !matches!(categories.map(str::trim), None | Some("null" | "[]")) {
            return Err(Error::python("the model knows the categories of a table's columns"));
        }
        let mut trees = text.split("\nTree=");
        let head = trees.next().unwrap_or_default();
        if !head.starts_with("tree\n") {
            return Err(damaged("it is no LightGBM model"));
        }
        let header = lines(head);
        if !matches!(header.get("version"), Some(&("v3" | "v4"))) {
            return Err(Error::python("the model is of an unknown version of LightGBM"));
        }
        let number = |name| one::<usize>(&header, name);
        let width = number("num_tree_per_iteration")?;
        let features = number("max_feature_idx")?.saturating_add(1);
        if number("num_class")? != width || width == 0 {
            return Err(Error::python("the model has not as many outputs as classes"));
        }
        // No objective: a function of the user's, whose outputs are the sums.
        let objective =
            header.get("objective").map_or(Ok(Objective::Identity), |line| Objective::parse(line));
        let mut builder = Builder::new(features, 1)?;
        for tree in trees {
            add(&lines(tree), &mut builder)?;
        }
        let names =
            header.get("feature_names").map(|names| names.split(' ').map(Arc::from).collect());
        let names: Option<Vec<Arc<str>>> = names;
        if names.as_ref().is_some_and(|names| names.len() != features) {
            return Err(damaged("there are not as many names as features"));
        }
        // Names that LightGBM gave itself say nothing about the columns.
        let own = |names: &Vec<Arc<str>>| names.iter().all(|name| name.starts_with("Column_"));
        let names = names.filter(|names| !own(names));
        let average = head.lines().any(|line| line == "average_output");
        let trees = builder.finish();
        if trees.tree_count() % width != 0 || trees.tree_count() == 0 {
            return Err(damaged("the last round of trees is not complete"));
        }
        Ok(Self { trees, width, objective: objective?, average, features, names })
    }
}

fn damaged(what: &str) -> Error {
    Error::broken("LightGBM's text", what)
}

fn lines(paragraph: &str) -> Lines<'_> {
    paragraph.lines().filter_map(|line| line.split_once('=')).collect()
}

fn one<T: FromStr>(lines: &Lines<'_>, name: &str) -> Result<T> {
    let value = lines.get(name).and_then(|value| value.trim().parse().ok());
    value.ok_or_else(|| damaged(&format!("'{name}' cannot be read")))
}

/// The `count` numbers of a line.
fn many<T: FromStr>(lines: &Lines<'_>, name: &str, count: usize) -> Result<Vec<T>> {
    let wrong = || damaged(&format!("'{name}' cannot be read"));
    let line = lines.get(name).copied().unwrap_or_default();
    let parse = |word: &str| word.parse().ok().ok_or_else(wrong);
    let values: Vec<T> = line.split_ascii_whitespace().map(parse).collect::<Result<_>>()?;
    if values.len() == count { Ok(values) } else { Err(wrong()) }
}

fn add(tree: &Lines<'_>, builder: &mut Builder<f64>) -> Result<()> {
    let leaves = one::<usize>(tree, "num_leaves")?;
    if !(1..=TREE_NODES_MAX).contains(&leaves) {
        return Err(damaged("a tree has no leaves"));
    }
    if tree.get("is_linear").is_some_and(|flag| flag.trim() != "0") {
        return Err(Error::python("the model has linear functions in its leaves"));
    }
    let values: Vec<f64> = many(tree, "leaf_value", leaves)?;
    let inner = leaves - 1;
    let kinds: Vec<u8> = many(tree, "decision_type", inner)?;
    let feature: Vec<usize> = many(tree, "split_feature", inner)?;
    let threshold: Vec<f64> = many(tree, "threshold", inner)?;
    let left: Vec<i64> = many(tree, "left_child", inner)?;
    let right: Vec<i64> = many(tree, "right_child", inner)?;
    let sets = sets(tree, builder)?;
    // Leaves stand behind the inner nodes; in the file they are negative numbers.
    let index = |child: i64| match usize::try_from(child) {
        Ok(inner) => inner,
        Err(_) => usize::try_from(!child).map_or(usize::MAX, |leaf| leaf.saturating_add(inner)),
    };
    let mut nodes = Vec::with_capacity(inner + leaves);
    for at in 0..inner {
        let missing = kinds[at] >> MISSING_SHIFT & 3;
        let categories = if kinds[at] & CATEGORICAL == 0 {
            None
        } else {
            let set = (threshold[at] >= 0.0).then_some(threshold[at] as usize);
            let set = set.and_then(|set| sets.get(set).copied());
            Some(set.ok_or_else(|| damaged("a node refers to categories that are not there"))?)
        };
        nodes.push(RawNode::Split(Split {
            feature: feature[at],
            threshold: threshold[at],
            categories,
            left: index(left[at]),
            right: index(right[at]),
            missing_left: kinds[at] & DEFAULT_LEFT != 0,
            zero_is_missing: missing == MISSING_ZERO,
            nan_is_missing: missing == MISSING_NAN,
        }));
    }
    nodes.extend((0..leaves).map(RawNode::Leaf));
    builder.add(&nodes, &values)
}

/// The numbers of a tree's sets of categories.
fn sets(tree: &Lines<'_>, builder: &mut Builder<f64>) -> Result<Vec<u32>> {
    let count = one::<usize>(tree, "num_cat")?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let line = tree.get("cat_threshold").copied().unwrap_or_default();
    let words: Vec<u32> = many(tree, "cat_threshold", line.split_ascii_whitespace().count())?;
    let ends: Vec<usize> = many(tree, "cat_boundaries", count.saturating_add(1))?;
    let mut sets = Vec::with_capacity(ends.len());
    for pair in ends.windows(2) {
        let set = words.get(pair[0]..pair[1]);
        let set = set.ok_or_else(|| damaged("the categories of a tree are wrong"))?;
        builder.charge_set(set.len())?;
        sets.push(builder.add_set(set.into())?);
    }
    Ok(sets)
}
