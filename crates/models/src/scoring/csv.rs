//! CSV as `pandas.read_csv` reads it with the types of a signature.

use std::collections::{HashMap, HashSet};

use super::csv_number::{double, integer};
use super::enforce::Loose;
use super::fault::{Fault, Rejection};
use super::limits::check_cells;
use super::numpy;
use crate::frame::{Column, Name};
use crate::json::{Value, number, text};
use crate::signature::{ColumnSpec, ColumnType, DataType, Schema};

/// Most fields of a record: wider than any model, and a bound for what one line can allocate.
const MAX_FIELDS: usize = 100_000;

/// What stands for nothing.
const MISSING: [&str; 18] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan",
];

fn is_missing(field: &str) -> bool {
    field == "null" || MISSING.contains(&field)
}

fn boolean(field: &str) -> Option<bool> {
    match field {
        "True" | "TRUE" | "true" => Some(true),
        "False" | "FALSE" | "false" => Some(false),
        _ => None,
    }
}

/// The frame of a body.
pub(crate) fn frame(body: &[u8], schema: Option<&Schema>) -> Result<Loose, Rejection> {
    let text = text::utf8(body).map_err(|text::TextError(error)| {
        Rejection::input(format!(
            "Ensure that input is a valid UTF-8 encoded string. Error: '{error}'"
        ))
    })?;
    let specs = match schema {
        None => None,
        Some(Schema::Columns(specs)) => {
            if !specs.iter().all(|spec| matches!(spec.kind, ColumnType::Scalar(_))) {
                return Err(failed(
                    "Failed to get pandas types as some of the inputs types are not DataType.",
                ));
            }
            Some(specs.as_slice())
        }
        Some(Schema::Tensors(_)) => {
            return Err(failed("TensorSpec only supports numpy types, use numpy_types() instead"));
        }
    };
    parse(&text, specs).map_err(|fault| fault.rejected(|_, message| failed(&message)))
}

fn failed(message: &str) -> Rejection {
    Rejection::Input(format!(
        "Failed to parse input as a Pandas DataFrame. Ensure that the input is a valid CSV-formatted Pandas DataFrame produced using the `pandas.DataFrame.to_csv()` method. Error: '{message}'"
    ))
}

fn parse(text: &str, specs: Option<&[ColumnSpec]>) -> Result<Loose, Fault> {
    if text.contains(['\0', '\u{feff}']) {
        return Err(Fault::Undecided("CSV with marks of an encoding"));
    }
    if text.lines().any(|line| !line.is_empty() && line.trim_matches([' ', '\t']).is_empty()) {
        return Err(Fault::Undecided("CSV with a line of spaces"));
    }
    let mut records = Records::new(text);
    let Some(header) = records.next_record()? else {
        return Err(Fault::value_error("No columns to parse from file"));
    };
    let own = names_of(&header)?;
    let names: Vec<Name> = own.iter().map(|name| Name::Text(name.as_str().into())).collect();
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); header.len()];
    let mut rows = 0;
    while let Some(record) = records.next_record()? {
        if record.len() > columns.len() {
            return Err(Fault::Undecided("CSV with an index"));
        }
        for (column, field) in columns.iter_mut().zip(record) {
            // Earlier rows were too short to have this field.
            column.resize(rows, String::new());
            column.push(field);
        }
        rows += 1;
        check_cells(rows, columns.len())?;
    }
    for column in &mut columns {
        column.resize(rows, String::new());
    }
    let named = specs.is_some_and(|specs| specs.iter().any(|spec| spec.name.is_some()));
    if rows == 0 && specs.is_some() && !named {
        return Err(Fault::Undecided("CSV without rows for columns without names"));
    }
    let specs = specs.unwrap_or_default();
    let by_name: HashMap<&str, &ColumnSpec> =
        specs.iter().filter_map(|spec| Some((spec.name.as_deref()?, spec))).collect();
    let kind_of = |at: usize| {
        let spec = if named {
            // The second column of a name has the type of the first.
            *by_name.get(own[at].as_str()).or_else(|| by_name.get(header[at].as_str()))?
        } else {
            specs.get(at)?
        };
        if let ColumnType::Scalar(kind) = spec.kind { Some(kind) } else { None }
    };
    let columns = columns.into_iter().enumerate().map(|(at, fields)| match kind_of(at) {
        Some(kind) => typed(fields, kind, at),
        // Nobody looks into a column that the signature has not.
        None if named => Ok(Column::Object(Vec::new())),
        None => infer(fields),
    });
    Ok(Loose { names, columns: columns.collect::<Result<_, _>>()?, rows })
}

/// The names that pandas gives the columns: without one, by their number; of one name, numbered.
fn names_of(header: &[String]) -> Result<Vec<String>, Fault> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut seen = HashSet::new();
    let mut names = Vec::with_capacity(header.len());
    for (at, name) in header.iter().enumerate() {
        let count = counts.entry(name).or_default();
        let own = match (name.as_str(), *count) {
            ("", _) => format!("Unnamed: {at}"),
            (name, 0) => name.to_owned(),
            (name, count) => format!("{name}.{count}"),
        };
        *count += 1;
        if !seen.insert(own.clone()) {
            return Err(Fault::Undecided("CSV with columns of one name"));
        }
        names.push(own);
    }
    Ok(names)
}

/// Records one after the other; empty lines are none.
struct Records<'a> {
    reader: csv_core::Reader,
    rest: &'a [u8],
    fields: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> Records<'a> {
    fn new(text: &'a str) -> Self {
        // No field is longer than the text.
        let fields = vec![0; text.len() + 1];
        Self { reader: csv_core::Reader::new(), rest: text.as_bytes(), fields, ends: vec![0; 64] }
    }

    fn next_record(&mut self) -> Result<Option<Vec<String>>, Fault> {
        let (mut written, mut ended) = (0, 0);
        loop {
            let (result, read, wrote, ends) = self.reader.read_record(
                self.rest,
                &mut self.fields[written..],
                &mut self.ends[ended..],
            );
            self.rest = &self.rest[read..];
            written += wrote;
            ended += ends;
            match result {
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::OutputFull => {
                    return Err(Fault::Undecided("a field longer than its text"));
                }
                csv_core::ReadRecordResult::OutputEndsFull if self.ends.len() >= MAX_FIELDS => {
                    return Err(Fault::Undecided("more than 100000 fields in a record"));
                }
                csv_core::ReadRecordResult::OutputEndsFull => {
                    self.ends.resize(self.ends.len() * 2, 0)
                }
                csv_core::ReadRecordResult::Record => break,
                csv_core::ReadRecordResult::End => return Ok(None),
            }
        }
        let mut start = 0;
        let field = |end: &usize| {
            let bytes = &self.fields[start..*end];
            start = *end;
            // Only whole letters are taken out of a text.
            String::from_utf8_lossy(bytes).into_owned()
        };
        Ok(Some(self.ends[..ended].iter().map(field).collect()))
    }
}

/// What all fields of a column are, or `None` if one of them is something else.
fn all<T>(fields: &[String], of: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    fields.iter().map(|field| of(field)).collect()
}

/// An integer beyond 64 bits with a sign, which pandas reads in one of several ways when it is not
/// in a column of such integers alone.
fn check_large(fields: &[String]) -> Result<(), Fault> {
    let digits = |field: &str| {
        let digits = field.trim().trim_start_matches(['-', '+']);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    };
    let large = |field: &String| digits(field) && field.trim().parse::<i64>().is_err();
    let plain = |field: &String| integer(field).is_some_and(|v| v >= 0);
    if fields.iter().any(large) && !fields.iter().all(plain) {
        return Err(Fault::Undecided("large integers beside other values"));
    }
    Ok(())
}

/// The type that pandas infers.
fn infer(fields: Vec<String>) -> Result<Column, Fault> {
    if fields.is_empty() {
        return Ok(Column::Object(Vec::new()));
    }
    check_large(&fields)?;
    let missing = fields.iter().filter(|field| is_missing(field)).count();
    let integers = all(&fields, |field| if is_missing(field) { Some(0) } else { integer(field) });
    if let (Some(integers), 0) = (integers, missing) {
        if let Ok(values) = integers.iter().map(|v| i64::try_from(*v)).collect() {
            return Ok(Column::I64(values));
        }
        if let Ok(values) = integers.into_iter().map(u64::try_from).collect() {
            return Ok(Column::U64(values));
        }
        return Err(Fault::Undecided("integers of both kinds of 64 bits"));
    }
    if let Some(values) = doubles(&fields) {
        return Ok(Column::F64(values));
    }
    if let Some(values) = all(&fields, boolean) {
        return Ok(Column::Bool(values));
    }
    if missing > 0 && fields.iter().all(|f| is_missing(f) || boolean(f).is_some()) {
        return Err(Fault::Undecided("booleans with missing ones"));
    }
    Ok(texts(fields))
}

fn doubles(fields: &[String]) -> Option<Vec<f64>> {
    all(fields, |field| if is_missing(field) { Some(f64::NAN) } else { double(field) })
}

fn texts(fields: Vec<String>) -> Column {
    Column::Str(fields.into_iter().map(|f| (!is_missing(&f)).then_some(f)).collect())
}

fn unsafe_cast(kind: DataType, from: &str, at: usize) -> Fault {
    let to = kind.numpy().name();
    Fault::value_error(format!(
        "cannot safely convert passed user dtype of {to} for {from} dtyped data in column {at}"
    ))
}

/// A column of a given type.
fn typed(fields: Vec<String>, kind: DataType, at: usize) -> Result<Column, Fault> {
    match kind {
        DataType::String | DataType::Binary => {
            let value = |f: String| if is_missing(&f) { Value::Float(f64::NAN) } else { f.into() };
            Ok(Column::Object(fields.into_iter().map(value).collect()))
        }
        DataType::Datetime if fields.is_empty() => Ok(Column::Time(Vec::new())),
        DataType::Datetime => Err(Fault::type_error(
            "the dtype datetime64[ns] is not supported for parsing, pass this column using parse_dates instead",
        )),
        DataType::Double => float_column(&fields, kind, at).map(Column::F64),
        #[expect(clippy::cast_possible_truncation, reason = "pandas rounds the same way")]
        DataType::Float => {
            let values = float_column(&fields, kind, at)?;
            Ok(Column::F32(values.into_iter().map(|v| v as f32).collect()))
        }
        DataType::Long | DataType::Integer | DataType::Boolean => {
            check_large(&fields)?;
            if kind == DataType::Boolean {
                return boolean_column(&fields, kind, at);
            }
            integer_column(&fields, kind, at)
        }
    }
}

fn float_column(fields: &[String], kind: DataType, at: usize) -> Result<Vec<f64>, Fault> {
    if let Some(values) = doubles(fields) {
        return Ok(values);
    }
    if let Some(values) = all(fields, boolean) {
        return Ok(values.into_iter().map(|v| f64::from(u8::from(v))).collect());
    }
    if fields.iter().any(|field| is_missing(field)) {
        return Err(Fault::Undecided("texts beside missing numbers"));
    }
    for field in fields {
        numpy::float(&field.as_str().into())?;
    }
    Err(unsafe_cast(kind, "object", at))
}

fn integer_column(fields: &[String], kind: DataType, at: usize) -> Result<Column, Fault> {
    let missing = fields.iter().any(|field| is_missing(field));
    let whole = |field: &str| if is_missing(field) { Some(0) } else { integer(field) };
    if let Some(values) = all(fields, whole) {
        if missing {
            return Err(Fault::value_error(format!("Integer column has NA values in column {at}")));
        }
        let from =
            if values.iter().all(|v| i64::try_from(*v).is_ok()) { "int64" } else { "uint64" };
        return integers_of(&values, kind).ok_or_else(|| unsafe_cast(kind, from, at));
    }
    if missing {
        return Err(Fault::Undecided("missing integers beside other values"));
    }
    if let Some(values) = doubles(fields) {
        let back: Vec<i128> = values.iter().map(|v| number::to_i64(*v).into()).collect();
        #[expect(clippy::cast_precision_loss, reason = "pandas compares the same way")]
        let same = values.iter().zip(&back).all(|(v, back)| *v == *back as f64);
        let column = if same { integers_of(&back, kind) } else { None };
        return column.ok_or_else(|| unsafe_cast(kind, "float64", at));
    }
    if let Some(values) = all(fields, boolean) {
        let values: Vec<i128> = values.into_iter().map(i128::from).collect();
        return integers_of(&values, kind).ok_or_else(|| unsafe_cast(kind, "bool", at));
    }
    let values: Vec<Value> = fields.iter().map(|field| field.as_str().into()).collect();
    numpy::cast(&values.iter().collect::<Vec<_>>(), kind.numpy())?;
    Err(unsafe_cast(kind, "object", at))
}

fn integers_of(values: &[i128], kind: DataType) -> Option<Column> {
    if kind == DataType::Long {
        let values: Result<Vec<i64>, _> = values.iter().map(|v| i64::try_from(*v)).collect();
        return values.ok().map(Column::I64);
    }
    let values: Result<Vec<i32>, _> = values.iter().map(|v| i32::try_from(*v)).collect();
    values.ok().map(Column::I32)
}

fn boolean_column(fields: &[String], kind: DataType, at: usize) -> Result<Column, Fault> {
    if let Some(values) = all(fields, boolean) {
        return Ok(Column::Bool(values));
    }
    if fields.iter().all(|f| is_missing(f) || boolean(f).is_some()) {
        return Err(Fault::value_error(format!("Bool column has NA values in column {at}")));
    }
    if fields.iter().any(|field| is_missing(field)) {
        return Err(Fault::Undecided("missing booleans beside other values"));
    }
    let Some(values) = doubles(fields) else { return Err(unsafe_cast(kind, "object", at)) };
    if values.iter().all(|v| *v == 0.0 || *v == 1.0) {
        return Ok(Column::Bool(values.into_iter().map(|v| v == 1.0).collect()));
    }
    let from = match all(fields, integer) {
        Some(values) if values.iter().all(|v| i64::try_from(*v).is_ok()) => "int64",
        Some(_) => "uint64",
        None => "float64",
    };
    Err(unsafe_cast(kind, from, at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_taken_apart() {
        let loose = parse("a,b\r\n\"x,\"\"y\",é\r\n\r\n1\n", None).unwrap();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(loose.columns[0], Column::Str(vec![text("x,\"y"), text("1")]));
        assert_eq!(loose.columns[1], Column::Str(vec![text("é"), None]));
        let wide = vec!["c"; 200].join(",");
        let names: Vec<String> = (0..200).map(|n| n.to_string()).collect();
        let loose = parse(&format!("{}\n{wide}\n", names.join(",")), None).unwrap();
        assert_eq!(loose.columns.len(), 200);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = frame(&bytes, None);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[a-c0-9,\"\n\r .eE+-]{0,60}") {
            let _ = frame(text.as_bytes(), None);
        }
    }
}
