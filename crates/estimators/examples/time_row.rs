//! Times predictions of one row and of a thousand: `time_row MODEL.pkl FEATURES`.

#![expect(clippy::print_stdout, reason = "it is there to print")]

use std::hint::black_box;
use std::time::Instant;

use modelyard_estimators::{Cells, Method, Model, Table};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(features)) = (arguments.next(), arguments.next()) else {
        return Err("usage: time_row MODEL.pkl FEATURES".into());
    };
    let features: usize = features.parse()?;
    let bytes = std::fs::read(&path)?;
    let begun = Instant::now();
    let model = Model::from_pickle(&bytes)?;
    println!("{} bytes compiled in {:?}", bytes.len(), begun.elapsed());
    for (rows, rounds) in [(1, 20_000), (1000, 50)] {
        let cell = |row: usize, column: usize| ((row * 31 + column * 17) % 100) as f64 / 50.0 - 1.0;
        let column = |column| Cells::F64((0..rows).map(|row| cell(row, column)).collect());
        let table = Table::new(None, (0..features).map(column).collect())?;
        let begun = Instant::now();
        for _ in 0..rounds {
            black_box(model.predict(Method::Predict, black_box(&table))?);
        }
        let each = begun.elapsed() / rounds;
        println!("{rows} rows: {each:?}");
    }
    Ok(())
}
