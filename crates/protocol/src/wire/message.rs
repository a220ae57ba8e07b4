//! What a request may hold, as data: the counterpart of a protobuf descriptor and of the rules
//! that MLflow's handlers put on it.

use serde::de::DeserializeOwned;

use crate::error::Error;

/// A request of the API.
pub trait Request: DeserializeOwned + Send + 'static {
    /// The fields and their rules.
    const MESSAGE: Message;

    /// Whether the strictly read struct satisfies every [`Check`] of the message, so that the slow
    /// reading can be left out. `false` is always correct.
    fn is_complete(&self) -> bool {
        false
    }

    /// Checks names, lengths and ranges, and cuts long values as MLflow does, unless `rules` say otherwise.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for the first violation.
    fn validate(&mut self, _rules: Rules) -> Result<(), Error> {
        Ok(())
    }
}

/// What whoever runs the server may decide about the checks of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Values of params and tags that are too long are cut; if not, the request is refused.
    pub cut_long_values: bool,
}

impl Default for Rules {
    /// MLflow's defaults.
    fn default() -> Self {
        Self { cut_long_values: true }
    }
}

/// The fields of a message, in the order in which MLflow checks them.
#[derive(Debug, Clone, Copy)]
pub struct Message(pub &'static [Field]);

/// A field, in `snake_case`.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) checks: &'static [Check],
}

impl Field {
    /// A field with checks, in the order in which they are made.
    pub const fn new(name: &'static str, kind: Kind, checks: &'static [Check]) -> Self {
        Self { name, kind, checks }
    }
}

/// The type of a field.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A string.
    Text,
    /// A 32-bit integer.
    Int32,
    /// A 64-bit integer.
    Int64,
    /// A double.
    Double,
    /// A boolean.
    Bool,
    /// An enum with these names and numbers. Unknown names are ignored, unknown numbers refused.
    Enum(&'static [(&'static str, i16)]),
    /// A message.
    Message(&'static Message),
    /// A list of strings.
    Texts,
    /// A list of messages.
    Messages(&'static Message),
}

/// A check that MLflow makes on the raw JSON of a field.
///
/// The type checks only speak when some field of the request does not have the type of its
/// [`Kind`]; then they decide which field is named in the error.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Present, not null and not an empty text.
    Required,
    /// A text.
    Text,
    /// An integer or a text that holds one.
    IntLike,
    /// A number or a text that holds one.
    FloatLike,
    /// True or false.
    Bool,
    /// A list.
    Array,
    /// A list of texts.
    TextItems,
    /// At most this integer.
    AtMost(i64),
    /// An integer within these bounds; the message names the field and the bounds.
    Within(i64, i64),
    /// At most this many items; the texts are the names of the request and of the items.
    CountAtMost(usize, &'static str, &'static str),
    /// Every item of the list has these fields, present and not an empty text.
    ItemsHave(&'static [&'static str]),
}

impl Check {
    pub(super) const fn is_type_check(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::IntLike
                | Self::FloatLike
                | Self::Bool
                | Self::Array
                | Self::TextItems
        )
    }
}
