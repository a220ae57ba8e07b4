//! One comparison: `field operator value`.

use super::ast::{CompareOp, Expr, Number, NumberTest, TextTest};
use super::lexer::{Kind, Token};
use super::parser::{Fault, Field, Grammar, Operator, Parsed, Parser, identifier};
use crate::limits;

impl<'a> Parser<'a> {
    pub(super) fn comparison<G: Grammar>(&mut self, token: &'a Token<'a>) -> Parsed<G> {
        self.comparisons += 1;
        if self.comparisons > limits::MAX_FILTER_COMPARISONS {
            let limit = limits::MAX_FILTER_COMPARISONS;
            let message = format!("The filter has more than {limit} comparisons");
            return Err(Fault::new(token.start, message));
        }
        let (entity, key) =
            identifier(token).ok_or_else(|| self.unexpected(token.start, "the name of a field"))?;
        let field = G::field(entity, key).map_err(|message| Fault::new(token.start, message))?;
        let operator_at = self.peek().map_or(self.text.len(), |token| token.start);
        let operator = self.operator()?;
        let operator_end = self.end_of_last();
        let wrong_operator = |text: &str, comparators: &str| {
            let written = text[operator_at..operator_end].trim_end();
            let message =
                format!("Invalid comparator '{written}' for {}: use {comparators}", token.raw);
            Fault::new(operator_at, message)
        };
        match field {
            Field::Number(field) if !G::allows(&field, operator) => {
                Err(wrong_operator(self.text, "another one, such as '=', '!=' or 'IN'"))
            }
            Field::Number(field) => match self.number_test::<G>(&field, operator)? {
                Some(test) => Ok(Expr::Number(field, test)),
                None => Err(wrong_operator(self.text, NUMBER_OPERATORS)),
            },
            Field::Text(field) => match self.text_test::<G>(&field, operator)? {
                Some(test) => Ok(Expr::Text(field, test)),
                None => Err(wrong_operator(self.text, TEXT_OPERATORS)),
            },
        }
    }

    /// The test of a number; `None` if the operator is not for numbers.
    fn number_test<G: Grammar>(
        &mut self,
        field: &G::Number,
        operator: Operator,
    ) -> Result<Option<NumberTest>, Fault> {
        Ok(Some(match operator {
            Operator::Compare(op) => NumberTest::Compare(op, self.number::<G>(field)?),
            Operator::In { negated } => {
                let values = self.list(|this| this.number::<G>(field))?;
                NumberTest::In { values, negated }
            }
            Operator::Between { negated } => {
                let low = self.number::<G>(field)?;
                self.keyword("AND")?;
                let high = self.number::<G>(field)?;
                NumberTest::Between { low, high, negated }
            }
            Operator::IsNull { negated } => NumberTest::IsNull { negated },
            Operator::Like { .. } => return Ok(None),
        }))
    }

    /// The test of a text; `None` if the operator is not for texts.
    fn text_test<G: Grammar>(
        &mut self,
        field: &G::Text,
        operator: Operator,
    ) -> Result<Option<TextTest>, Fault> {
        Ok(Some(match operator {
            Operator::Compare(op @ (CompareOp::Equal | CompareOp::NotEqual)) => {
                let value = self.text::<G>(field)?;
                TextTest::Equal { value, negated: op == CompareOp::NotEqual }
            }
            Operator::Like { case_insensitive, negated } => {
                let pattern = self.text::<G>(field)?;
                TextTest::Like { pattern, case_insensitive, negated }
            }
            Operator::In { negated } => {
                let values = self.list(|this| this.text::<G>(field))?;
                TextTest::In { values, negated }
            }
            Operator::IsNull { negated } => TextTest::IsNull { negated },
            Operator::Compare(_) | Operator::Between { .. } => return Ok(None),
        }))
    }

    fn operator(&mut self) -> Result<Operator, Fault> {
        const EXPECTED: &str = "a comparator such as '=' or 'LIKE'";
        let token = self.next(EXPECTED)?;
        if token.kind == Kind::Operator {
            let op = match token.raw {
                "=" => CompareOp::Equal,
                "!=" => CompareOp::NotEqual,
                "<" => CompareOp::Less,
                "<=" => CompareOp::LessOrEqual,
                ">" => CompareOp::Greater,
                ">=" => CompareOp::GreaterOrEqual,
                other => {
                    let message = format!(
                        "Invalid comparator '{other}', not one of '=', '!=', '<', '<=', '>', '>='"
                    );
                    return Err(Fault::new(token.start, message));
                }
            };
            return Ok(Operator::Compare(op));
        }
        if token.is("IS") {
            let negated = self.take("NOT");
            self.keyword("NULL")?;
            return Ok(Operator::IsNull { negated });
        }
        let negated = token.is("NOT");
        let word = if negated { self.next("'IN', 'LIKE', 'ILIKE' or 'BETWEEN'")? } else { token };
        let like = |case_insensitive| Operator::Like { case_insensitive, negated };
        match word {
            word if word.is("LIKE") => Ok(like(false)),
            word if word.is("ILIKE") => Ok(like(true)),
            word if word.is("IN") => Ok(Operator::In { negated }),
            word if word.is("BETWEEN") => Ok(Operator::Between { negated }),
            word => Err(self.unexpected(word.start, EXPECTED)),
        }
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), Fault> {
        let expected = format!("'{keyword}'");
        let token = self.next(&expected)?;
        if token.is(keyword) { Ok(()) } else { Err(self.unexpected(token.start, &expected)) }
    }

    fn literal(&mut self) -> Result<&'a Token<'a>, Fault> {
        let token = self.next("a value")?;
        self.literals += 1;
        if self.literals > limits::MAX_FILTER_LITERALS {
            let limit = limits::MAX_FILTER_LITERALS;
            let message = format!("The filter has more than {limit} values; split the search");
            return Err(Fault::new(token.start, message));
        }
        match token.kind {
            Kind::Open => Err(Fault::new(
                token.start,
                "Expected one value; a list of values goes with IN or NOT IN",
            )),
            Kind::Close | Kind::Comma | Kind::Operator => {
                Err(self.unexpected(token.start, "a value"))
            }
            _ => Ok(token),
        }
    }

    fn number<G: Grammar>(&mut self, field: &G::Number) -> Result<Number, Fault> {
        let token = self.literal()?;
        G::number(field, token).map_err(|message| Fault::new(token.start, message))
    }

    fn text<G: Grammar>(&mut self, field: &G::Text) -> Result<String, Fault> {
        let token = self.literal()?;
        G::text(field, token).map_err(|message| Fault::new(token.start, message))
    }

    /// `(a, b, …)`, not empty; a comma after the last value is tolerated.
    fn list<V>(
        &mut self,
        mut value: impl FnMut(&mut Self) -> Result<V, Fault>,
    ) -> Result<Vec<V>, Fault> {
        const EXPECTED: &str = "a list such as ('a', 'b')";
        let open = self.next(EXPECTED)?;
        if open.kind != Kind::Open {
            return Err(self.unexpected(open.start, EXPECTED));
        }
        let mut values = Vec::new();
        loop {
            if !values.is_empty() && self.peek().is_some_and(|token| token.kind == Kind::Close) {
                self.at += 1;
                return Ok(values);
            }
            values.push(value(self)?);
            let token = self.next("',' or ')'")?;
            match token.kind {
                Kind::Comma => {}
                Kind::Close => return Ok(values),
                _ => return Err(self.unexpected(token.start, "',' or ')'")),
            }
        }
    }

    /// Where the last token read ends.
    fn end_of_last(&self) -> usize {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        last.map_or(0, |token| token.start + token.raw.len())
    }
}

const NUMBER_OPERATORS: &str = "one of '=', '!=', '<', '<=', '>', '>=', 'IN', 'NOT IN', 'BETWEEN', \
                                'IS NULL', 'IS NOT NULL'";
const TEXT_OPERATORS: &str =
    "one of '=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN', 'IS NULL', 'IS NOT NULL'";
