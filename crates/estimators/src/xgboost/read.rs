//! From XGBoost's document to trees.

use std::sync::Arc;

use super::objective::Objective;
use super::{Xgboost, XgboostClass};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::graph::Node;
use crate::limits::TREE_NODES_MAX;
use crate::sklearn::Attributes;
use crate::trees::{Builder, RawNode, Split, XGBOOST_CATEGORY_MAX};
use crate::ubjson;

/// Major versions whose models the golden tests cover.
const VERSIONS: std::ops::RangeInclusive<i64> = 2..=3;

impl Xgboost {
    /// Reads a model file; which of the two formats it is shows in its first bytes.
    pub(crate) fn read(bytes: &[u8], class: XgboostClass) -> Result<Self> {
        // In JSON a name in quotes follows the brace, in UBJSON the type of its length.
        let after = bytes.iter().skip(1).find(|byte| !byte.is_ascii_whitespace());
        let document = match (bytes.first(), after) {
            (Some(b'{'), Some(b'"')) => Document::from_json_with_nan(bytes)?,
            _ => ubjson::read(bytes)?,
        };
        Self::from_document(&document, class)
    }

    /// Compiles an object of XGBoost's Python package, as a pickle or a skops file has it.
    pub(crate) fn from_object(model: &Attributes<'_>) -> Result<Self> {
        let class = XgboostClass::parse(&model.class.name);
        let class =
            class.ok_or_else(|| Error::python(format!("{} is not built in", model.class)))?;
        if class == XgboostClass::Booster {
            return Self::from_booster(model, class);
        }
        if !model.f64("missing")?.is_nan() {
            return Err(model.error("'missing' is something else than NaN"));
        }
        Self::from_booster(&Attributes::of(model.graph, model.id("_Booster")?)?, class)
    }

    fn from_booster(booster: &Attributes<'_>, class: XgboostClass) -> Result<Self> {
        let Node::Bytes(bytes) = booster.node("handle")? else {
            return Err(booster.error("it holds no bytes"));
        };
        booster.graph.charge(bytes.len())?;
        // Beside the model stand the settings with which it was trained.
        Self::from_document(ubjson::read(bytes)?.at(&["Model"])?, class)
    }

    fn from_document(document: &Document, class: XgboostClass) -> Result<Self> {
        let version = document.at(&["version"])?.numbers().and_then(|parts| parts.first());
        if !version.is_some_and(|major| VERSIONS.contains(&(*major as i64))) {
            return Err(Error::python("the model is of an unknown version of XGBoost"));
        }
        let learner = document.at(&["learner"])?;
        let objective = Objective::parse(text(learner, &["objective", "name"])?)?;
        let features = count(learner, &["learner_model_param", "num_feature"])?;
        let classes = count(learner, &["learner_model_param", "num_class"])?.max(1);
        if count(learner, &["learner_model_param", "num_target"]).unwrap_or(1) != 1 {
            return Err(Error::python("the model has several targets"));
        }
        let (model, weights) = booster(learner.at(&["gradient_booster"])?)?;
        let groups = numbers(model, "tree_info")?;
        let trees = model.at(&["trees"])?.list().unwrap_or_default();
        let weighted = weights.map_or(groups.len(), <[f64]>::len);
        if groups.len() != trees.len() || weighted != trees.len() {
            return Err(Error::broken("XGBoost", "lists about the trees differ in length"));
        }
        // Lists of this length are made further down, so it is not simply believed.
        if classes > trees.len() {
            return Err(Error::python("the model has outputs without trees"));
        }
        let mut builder = Builder::new(features, 1)?;
        for tree in trees {
            add(tree, &mut builder)?;
        }
        let mut pairs = Vec::with_capacity(groups.len());
        for (at, group) in groups.iter().enumerate() {
            let weight = weights.map_or(1.0, |weights| weights[at] as f32);
            if !(0.0..classes as f64).contains(group) {
                return Err(Error::broken("XGBoost", "a tree belongs to no output"));
            }
            pairs.push((*group as usize, weight));
        }
        let base = base(learner, objective, classes)?;
        let best = best(learner, model, trees.len())?;
        let names = names(learner)?;
        let (trees, groups) = (builder.finish(), pairs);
        Ok(Self { class, trees, groups, best, base, objective, features, names })
    }
}

fn text<'a>(document: &'a Document, path: &[&str]) -> Result<&'a str> {
    let text = document.at(path)?.text();
    text.ok_or_else(|| Error::python(format!("the model's '{}' is no text", path.join("."))))
}

fn count(document: &Document, path: &[&str]) -> Result<usize> {
    let count = document.at(path)?.int().and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count <= TREE_NODES_MAX);
    count.ok_or_else(|| Error::python(format!("the model's '{}' is no count", path.join("."))))
}

fn numbers<'a>(document: &'a Document, name: &str) -> Result<&'a [f64]> {
    let numbers = document.at(&[name])?.numbers();
    numbers.ok_or_else(|| Error::python(format!("the model's '{name}' is no list of numbers")))
}

/// The model of trees, and for dropouts the weights of the trees.
fn booster(booster: &Document) -> Result<(&Document, Option<&[f64]>)> {
    match text(booster, &["name"])? {
        "gbtree" => Ok((booster.at(&["model"])?, None)),
        "dart" => {
            let weights = numbers(booster, "weight_drop")?;
            Ok((booster.at(&["gbtree", "model"])?, Some(weights)))
        }
        other => {
            let shown: String = other.chars().take(20).collect();
            Err(Error::python(format!("XGBoost's booster '{shown}' is not built in")))
        }
    }
}

/// The names of the features, if the model was trained on a table with names.
fn names(learner: &Document) -> Result<Option<Vec<Arc<str>>>> {
    let names = learner.get("feature_names").and_then(Document::list).unwrap_or_default();
    let names: Option<Vec<Arc<str>>> =
        names.iter().map(|name| name.text().map(Arc::from)).collect();
    let names = names.ok_or_else(|| Error::python("the names of the features are no texts"))?;
    Ok((!names.is_empty()).then_some(names))
}

/// Where the sums start: one number for all outputs, or since version 3 a list of them.
fn base(learner: &Document, objective: Objective, classes: usize) -> Result<Vec<f32>> {
    let stored = text(learner, &["learner_model_param", "base_score"])?;
    let list = stored.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let scores = list.unwrap_or(stored).split(',').map(|score| score.trim().parse::<f32>());
    let scores: Vec<f32> = scores
        .collect::<std::result::Result<_, _>>()
        .ok()
        .ok_or_else(|| Error::python("the model's base score cannot be read"))?;
    let margins = scores.iter().map(|score| objective.margin(*score));
    match scores.len() {
        1 => Ok(vec![objective.margin(scores[0]); classes]),
        count if count == classes => Ok(margins.collect()),
        _ => Err(Error::python("the model has not as many base scores as outputs")),
    }
}

/// How many trees scikit-learn's interface uses after early stopping.
fn best(learner: &Document, model: &Document, trees: usize) -> Result<usize> {
    let Some(best) = learner.get("attributes").and_then(|a| a.get("best_iteration")) else {
        return Ok(trees);
    };
    let best = best.int().and_then(|best| usize::try_from(best).ok());
    let best = best.ok_or_else(|| Error::python("the model's best round is no number"))?;
    let ends = numbers(model, "iteration_indptr")?;
    let end = best.checked_add(1).and_then(|round| ends.get(round));
    match end {
        Some(end) if (0.0..=trees as f64).contains(end) => Ok(*end as usize),
        _ => Err(Error::broken("XGBoost", "the best round has no trees")),
    }
}

fn add(tree: &Document, builder: &mut Builder<f32>) -> Result<()> {
    if count(tree, &["tree_param", "size_leaf_vector"]).unwrap_or(1) > 1 {
        return Err(Error::python("the model's trees have several targets"));
    }
    let left = numbers(tree, "left_children")?;
    let right = numbers(tree, "right_children")?;
    let feature = numbers(tree, "split_indices")?;
    let condition = numbers(tree, "split_conditions")?;
    let default_left = flags(tree, "default_left")?;
    let kinds = numbers(tree, "split_type").unwrap_or_default();
    let nodes = left.len();
    let lengths = [right.len(), feature.len(), condition.len(), default_left.len()];
    if lengths.iter().any(|length| *length != nodes) || !(kinds.is_empty() || kinds.len() == nodes)
    {
        return Err(Error::broken("XGBoost", "the lists of a tree differ in length"));
    }
    let sets = sets(tree, nodes, builder)?;
    let index = |number: f64| if number >= 0.0 { number as usize } else { usize::MAX };
    let mut raw = Vec::with_capacity(nodes);
    for at in 0..nodes {
        if left[at] == -1.0 {
            raw.push(RawNode::Leaf(at));
            continue;
        }
        let categories = if kinds.get(at) == Some(&1.0) {
            let set = sets.get(at).copied().flatten();
            Some(set.ok_or_else(|| Error::broken("XGBoost", "a node has no categories"))?)
        } else {
            None
        };
        let threshold = condition[at] as f32;
        if categories.is_none() && !threshold.is_finite() {
            return Err(Error::python("a threshold of the model is infinite"));
        }
        raw.push(RawNode::Split(Split {
            feature: index(feature[at]),
            // "Below" is "up to the number before it".
            threshold: threshold.next_down(),
            categories,
            left: index(left[at]),
            right: index(right[at]),
            missing_left: default_left[at],
            zero_is_missing: false,
            nan_is_missing: false,
        }));
    }
    builder.add(&raw, condition)
}

/// Zeros and ones; older versions have booleans.
fn flags(tree: &Document, name: &str) -> Result<Vec<bool>> {
    let value = tree.at(&[name])?;
    if let Some(numbers) = value.numbers() {
        return Ok(numbers.iter().map(|number| *number != 0.0).collect());
    }
    let flag = |value: &Document| match value {
        Document::Bool(flag) => Some(*flag),
        _ => None,
    };
    let flags = value.list().and_then(|items| items.iter().map(flag).collect());
    flags.ok_or_else(|| Error::python(format!("the model's '{name}' is no list of flags")))
}

/// For each node of a tree its set of categories, if it has one.
fn sets(tree: &Document, nodes: usize, builder: &mut Builder<f32>) -> Result<Vec<Option<u32>>> {
    let owners = numbers(tree, "categories_nodes").unwrap_or_default();
    if owners.is_empty() {
        return Ok(Vec::new());
    }
    let damaged = || Error::broken("XGBoost", "the categories of a tree are wrong");
    let all = numbers(tree, "categories")?;
    let (begins, sizes) =
        (numbers(tree, "categories_segments")?, numbers(tree, "categories_sizes")?);
    let mut sets = vec![None; nodes];
    for (at, owner) in owners.iter().enumerate() {
        let (begin, size) = begins.get(at).zip(sizes.get(at)).ok_or_else(damaged)?;
        let (begin, size) = (*begin as usize, *size as usize);
        let end = begin.checked_add(size).ok_or_else(damaged)?;
        let categories = all.get(begin..end).ok_or_else(damaged)?;
        // Each may be a large number, so a set's size is bounded and the sets of a file are few.
        let max = categories.iter().copied().fold(-1.0, f64::max);
        if !(0.0..f64::from(XGBOOST_CATEGORY_MAX)).contains(&max)
            || categories.iter().any(|category| *category < 0.0)
        {
            return Err(damaged());
        }
        builder.charge_set(max as usize / 32 + 1)?;
        let mut words = vec![0_u32; max as usize / 32 + 1];
        for category in categories {
            words[*category as usize / 32] |= 1 << (*category as usize % 32);
        }
        let owner = sets.get_mut(*owner as usize).ok_or_else(damaged)?;
        *owner = Some(builder.add_set(words.into())?);
    }
    Ok(sets)
}
