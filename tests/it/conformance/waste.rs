//! What is divided adds up to the whole, for all logs of others.

use super::lake::Corpus;
use crate::money::assert_parts_add_up;

#[test]
#[ignore = "needs the corpus: SPARKLAKE_CONFORMANCE"]
fn the_parts_of_waste_add_up_for_every_application() {
    let corpus = Corpus::load();
    let rows = corpus.query("SELECT * FROM application_waste");
    let numbers: Vec<_> = rows
        .iter()
        .map(|row| {
            let numbers = row
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)));
            numbers.collect()
        })
        .collect();
    let divided = assert_parts_add_up(&numbers);
    let with_core_time = rows
        .iter()
        .filter(|row| row["core_time_ms"].is_number())
        .count();
    assert_eq!(divided, with_core_time);
    assert!(divided > 0, "the corpus has executors");
}
