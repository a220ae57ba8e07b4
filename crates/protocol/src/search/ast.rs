//! The tree of a filter.

/// A filter over number fields `N` and text fields `T`.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr<N, T> {
    /// All hold. Never empty.
    And(Vec<Self>),
    /// At least one holds. Never empty.
    Or(Vec<Self>),
    /// Does not hold: the two-valued opposite.
    Not(Box<Self>),
    /// A test of a number.
    Number(N, NumberTest),
    /// A test of a text.
    Text(T, TextTest),
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl CompareOp {
    /// The operator as it is written in a filter (and in SQL).
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// A number literal. Never NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number that fits 64 bits. Metrics never carry this form.
    Integer(i64),
    /// Any other number.
    Float(f64),
}

/// A test of a number field.
///
/// A metric whose value is NaN fails every test but `!=`, `NOT IN`, `NOT BETWEEN` and
/// `IS NOT NULL`.
#[derive(Debug, Clone, PartialEq)]
pub enum NumberTest {
    /// `field op number`
    Compare(CompareOp, Number),
    /// `field [NOT] IN (a, b)`; the list is never empty.
    In {
        /// The list.
        values: Vec<Number>,
        /// Written `NOT IN`.
        negated: bool,
    },
    /// `field [NOT] BETWEEN low AND high`, both ends included.
    Between {
        /// The lower end.
        low: Number,
        /// The upper end.
        high: Number,
        /// Written `NOT BETWEEN`.
        negated: bool,
    },
    /// `field IS [NOT] NULL`: the object has no such value.
    IsNull {
        /// Written `IS NOT NULL`.
        negated: bool,
    },
}

/// A test of a text field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextTest {
    /// `field = 'text'`, or `!=` when negated.
    Equal {
        /// The text.
        value: String,
        /// Written `!=`.
        negated: bool,
    },
    /// `field [NOT] LIKE|ILIKE 'pattern'`: `%` stands for any run of characters, `_` for one;
    /// there is no escape character.
    Like {
        /// The pattern.
        pattern: String,
        /// Written `ILIKE`.
        case_insensitive: bool,
        /// Written `NOT LIKE` or `NOT ILIKE`.
        negated: bool,
    },
    /// `field [NOT] IN ('a', 'b')`; the list is never empty.
    In {
        /// The list.
        values: Vec<String>,
        /// Written `NOT IN`.
        negated: bool,
    },
    /// `field IS [NOT] NULL`: the object has no such value.
    IsNull {
        /// Written `IS NOT NULL`.
        negated: bool,
    },
}
