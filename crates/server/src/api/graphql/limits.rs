//! MLflow's limits on queries, which it checks before anything else: how deep, how much, how many aliases.

use std::collections::{HashMap, HashSet};

use apollo_compiler::Name;
use apollo_compiler::ast::{Definition, Document, Field, Selection};

/// How deep selections may be nested.
const MAX_DEPTH: u32 = 10;
/// Fields of a query, those of a fragment as often as it is used.
const MAX_SELECTIONS: usize = 1000;
/// Fragments that are looked into, which MLflow does not count: as many as there can be fields.
const MAX_FRAGMENTS: usize = MAX_SELECTIONS;

/// The limits that whoever runs the server may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphqlLimits {
    /// Fields at the top of a query (`MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS`).
    pub root_fields: usize,
    /// Aliases in one selection (`MLFLOW_SERVER_GRAPHQL_MAX_ALIASES`).
    pub aliases: usize,
}

impl Default for GraphqlLimits {
    /// MLflow's defaults.
    fn default() -> Self {
        Self { root_fields: 10, aliases: 10 }
    }
}

/// What a query is too large in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Excess {
    /// Nested too deep.
    #[error("Query exceeds maximum depth of {MAX_DEPTH}")]
    Depth,
    /// Too many fields.
    #[error("Query exceeds maximum total selections of {MAX_SELECTIONS}")]
    Selections,
    /// Too many fragments.
    #[error("Query exceeds maximum total fragments of {MAX_FRAGMENTS}")]
    Fragments,
    /// More than whoever runs the server allows.
    #[error(
        "GraphQL queries should have at most {most} {what}, got {got} {what}. To increase the \
         limit, set the {variable} environment variable."
    )]
    Count {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        most: usize,
        /// How many there are.
        got: usize,
        /// The variable that sets the limit.
        variable: &'static str,
    },
}

impl GraphqlLimits {
    /// Whether a query, not checked otherwise, is small enough.
    pub(super) fn check(&self, query: &Document) -> Result<(), Excess> {
        let mut scan = Scan::new(query);
        for definition in &query.definitions {
            if let Definition::OperationDefinition(operation) = definition {
                scan.operation(&operation.selection_set)?;
            }
        }
        let (fields, aliases) = (scan.root_fields, scan.most_aliases);
        if fields > self.root_fields {
            let variable = "MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS";
            let what = "root fields";
            return Err(Excess::Count { what, most: self.root_fields, got: fields, variable });
        }
        if aliases > self.aliases {
            let variable = "MLFLOW_SERVER_GRAPHQL_MAX_ALIASES";
            let what = "aliases";
            return Err(Excess::Count { what, most: self.aliases, got: aliases, variable });
        }
        Ok(())
    }
}

/// What is counted on the way through a query.
struct Scan<'q> {
    fragments: HashMap<&'q Name, &'q [Selection]>,
    root_fields: usize,
    most_aliases: usize,
    selections: usize,
    looked_into: usize,
}

impl<'q> Scan<'q> {
    fn new(query: &'q Document) -> Self {
        let definitions = query.definitions.iter();
        let fragments = definitions.filter_map(|definition| match definition {
            Definition::FragmentDefinition(it) => Some((&it.name, it.selection_set.as_slice())),
            _ => None,
        });
        Self {
            fragments: fragments.collect(),
            root_fields: 0,
            most_aliases: 0,
            selections: 0,
            looked_into: 0,
        }
    }

    fn operation(&mut self, selections: &'q [Selection]) -> Result<(), Excess> {
        let mut stack = vec![(selections, 1)];
        while let Some((selections, depth)) = stack.pop() {
            if depth > MAX_DEPTH {
                return Err(Excess::Depth);
            }
            let fields = self.fields(selections)?;
            for field in &fields {
                self.root_fields += usize::from(depth == 1);
                if !field.selection_set.is_empty() {
                    stack.push((&field.selection_set, depth + 1));
                }
                self.selections += 1;
                if self.selections > MAX_SELECTIONS {
                    return Err(Excess::Selections);
                }
            }
            let aliases = fields.iter().filter(|field| field.alias.is_some()).count();
            self.most_aliases = self.most_aliases.max(aliases);
        }
        Ok(())
    }

    /// The fields of a selection, those of its fragments included; each named fragment counts once.
    fn fields(&mut self, selections: &'q [Selection]) -> Result<Vec<&'q Field>, Excess> {
        let (mut fields, mut seen) = (Vec::new(), HashSet::new());
        let mut left = vec![selections];
        while let Some(selections) = left.pop() {
            for selection in selections {
                let inner = match selection {
                    Selection::Field(field) => {
                        fields.push(&**field);
                        continue;
                    }
                    Selection::InlineFragment(inline) => inline.selection_set.as_slice(),
                    Selection::FragmentSpread(spread) if seen.insert(&spread.fragment_name) => {
                        self.fragments.get(&spread.fragment_name).copied().unwrap_or_default()
                    }
                    Selection::FragmentSpread(_) => &[],
                };
                self.looked_into += 1;
                if self.looked_into > MAX_FRAGMENTS {
                    return Err(Excess::Fragments);
                }
                left.push(inner);
            }
        }
        Ok(fields)
    }
}
