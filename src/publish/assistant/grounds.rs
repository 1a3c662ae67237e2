//! What an answer may stand on: the numbers and names that the tools returned, and the question's own.
//! A number that is in none of them is told apart.
//!
//! A number counts as found where one of the same measure rounds to it: `44.4 s` where a tool said
//! `duration_ms: 44405`. This shows that a number was not made up; it does not show that it is said of
//! the right thing.

use serde_json::Value;

use super::quantity::{Claim, ClaimKind, Measure, Quantity, Reading, claims};

/// Numbers in answers have six digits.
const ROUNDED: f64 = 1e-5;
/// Whole numbers of so many digits may also be a part of a name, as a year is of a date.
const LONG_NUMBER: usize = 4;

/// A number that a tool returned.
#[derive(Debug, Clone, Copy)]
struct Known {
    measure: Measure,
    /// In the measure's base unit.
    value: f64,
    /// As it was returned.
    raw: f64,
    /// Whether nothing says what it measures: a column of SQL that a client wrote.
    is_free: bool,
}

/// All that was returned.
#[derive(Debug, Default)]
pub(super) struct Grounds {
    numbers: Vec<Known>,
    /// All texts, in lower case.
    texts: String,
}

impl Grounds {
    /// Takes in a text.
    pub(super) fn add_text(&mut self, text: &str) {
        self.texts.push('\n');
        self.texts.push_str(&text.to_lowercase());
        for claim in claims(text) {
            let ClaimKind::Quantity(quantity) = claim.kind else {
                continue;
            };
            self.numbers
                .extend(quantity.readings.iter().map(|reading| Known {
                    measure: reading.measure,
                    value: reading.value,
                    raw: quantity.written,
                    is_free: false,
                }));
        }
    }

    /// Takes in a structured answer.
    pub(super) fn add(&mut self, answer: &Value) {
        let columns: Vec<&str> = answer["columns"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.add_value("", answer, false);
        // Rows of SQL have their names elsewhere.
        for row in answer["rows"].as_array().into_iter().flatten() {
            for (name, value) in columns.iter().zip(row.as_array().into_iter().flatten()) {
                self.add_value(name, value, true);
            }
        }
    }

    fn add_value(&mut self, name: &str, value: &Value, of_sql: bool) {
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    self.add_value(name, value, of_sql);
                }
            }
            Value::Array(list) => {
                self.add_number(Measure::Plain, list.len() as f64, false);
                for value in list {
                    self.add_value(name, value, of_sql);
                }
            }
            Value::Number(number) => {
                let number = number.as_f64().unwrap_or(f64::NAN);
                self.add_number(measure(name), number, of_sql);
            }
            Value::String(text) => self.add_text(text),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn add_number(&mut self, measure: Measure, number: f64, of_sql: bool) {
        let raw = number.abs();
        let is_free = of_sql && measure == Measure::Plain;
        if raw.is_finite() {
            self.numbers.push(Known {
                measure,
                value: raw,
                raw,
                is_free,
            });
            // Names of columns and ids are looked up as texts.
            self.texts.push('\n');
            self.texts.push_str(&number.to_string());
        }
    }

    /// The claims of a text that stand on nothing, and how many there are in all.
    pub(super) fn unsupported(&self, text: &str) -> (usize, Vec<Claim>) {
        let claims = claims(text);
        let all = claims.len();
        let missing = claims.into_iter().filter(|claim| !self.supports(claim));
        (all, missing.collect())
    }

    fn supports(&self, claim: &Claim) -> bool {
        match &claim.kind {
            ClaimKind::Quantity(quantity) => self.has(quantity),
            ClaimKind::Name(name) => self.names(name) || self.has_parts(name),
        }
    }

    fn has(&self, quantity: &Quantity) -> bool {
        let is_part_of_name = quantity
            .digits
            .as_ref()
            .is_some_and(|digits| digits.len() >= LONG_NUMBER && self.names(digits));
        is_part_of_name
            || self.numbers.iter().any(|known| {
                let reads = |reading: &Reading| known.is(reading, quantity);
                quantity.readings.iter().any(reads)
            })
    }

    /// Whether the name is in a text, as a word; a date also where a time follows it.
    fn names(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let is_date = name.len() == "2026-11-21".len() && name.matches('-').count() == 2;
        self.texts.match_indices(&name).any(|(place, found)| {
            let before = self.texts.get(..place);
            let before = before.and_then(|text| text.chars().next_back());
            let after = self.texts.get(place + found.len()..);
            let after = after.and_then(|text| text.chars().next());
            let ends = match after {
                Some('t') if is_date => true,
                after => !after.is_some_and(char::is_alphanumeric),
            };
            ends && !before.is_some_and(char::is_alphanumeric)
        })
    }

    /// Whether both ends of a range are there: `10-20`, `3/4`.
    fn has_parts(&self, name: &str) -> bool {
        let parts: Vec<&str> = name.split(['-', '–', '/', ':']).collect();
        let is_number = |part: &&str| part.starts_with(|letter: char| letter.is_ascii_digit());
        parts.len() == 2
            && parts.iter().all(|part| {
                let (_, missing) = self.unsupported(part);
                is_number(part) && missing.is_empty()
            })
    }
}

impl Known {
    fn is(&self, reading: &Reading, quantity: &Quantity) -> bool {
        let near = |one: f64, other: f64, slack: f64| {
            (one - other).abs() <= slack * (1.0 + 1e-9) + ROUNDED * other.abs()
        };
        if self.measure == reading.measure && near(reading.value, self.value, reading.slack) {
            return true;
        }
        let may_be_it = reading.measure == Measure::Plain || self.is_free;
        let written = may_be_it && near(quantity.written, self.raw, quantity.written_slack);
        // A column without a unit may hold a share.
        let share = reading.measure == Measure::Share
            && self.is_free
            && near(reading.value, self.raw, reading.slack);
        written || share
    }
}

/// What a column measures, by its name.
fn measure(name: &str) -> Measure {
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends(&["_ms", "_time"]) {
        Measure::Time
    } else if ends(&["_bytes"]) {
        Measure::Bytes
    } else if name == "usd" || ends(&["_usd", "_usd_per_run", "_usd_per_year"]) {
        Measure::Money
    } else if name == "ratio" || ends(&["_ratio", "_share", "perc"]) {
        Measure::Share
    } else {
        Measure::Plain
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn grounds() -> Grounds {
        let mut grounds = Grounds::default();
        grounds.add_text("why did app-7 take twice as long?");
        grounds.add(&json!({
            "verdict": "etl (app-7) ran 44.4 s on 4 executors.",
            "application": [{
                "application_id": "app-7", "duration_ms": 44405, "wasted_ratio": 0.371_24,
                "cost_usd": 0.123_4, "disk_bytes_spilled": 5, "shuffle_read_bytes": 3_221_225_472_i64,
                "start_time": "2026-11-21T12:04:25Z", "spark_version": "4.0.1", "change_ratio": -0.25,
            }],
            "findings": [{"evidence": "The longest of 200 tasks ran 61.0 s, 30.5 times the median of 2.0 s."}],
        }));
        grounds.add(&json!({"columns": ["gc_ms", "n"], "rows": [[90_000, 17], [null, 18.25]]}));
        grounds
    }

    #[test]
    fn what_the_tools_returned_is_found_in_the_form_that_people_write() {
        let grounds = grounds();
        for said in [
            "44.4 s",
            "44 s",
            "44405 ms",
            "44,405",
            "37 %",
            "37.1%",
            "0.37",
            "$0.12",
            "0.12 USD",
            "3.0 GiB",
            "3.2 GB",
            "4 executors",
            "200 tasks",
            "61 s",
            "30.5x",
            "app-7",
            "Spark 4.0.1",
            "2026-11-21",
            "in 2026",
            "25 % less",
            "1.5 min",
            "1 min 30 s",
            "17",
            "18.25",
            "1 finding",
            "44–61 s",
        ] {
            let (all, missing) = grounds.unsupported(said);
            assert!(all > 0 && missing.is_empty(), "{said}: {missing:?}");
        }
    }

    #[test]
    fn what_they_did_not_return_is_told_apart() {
        let grounds = grounds();
        for said in [
            "45 s",
            "44.5 s",
            "44.42 s",
            "38 %",
            "$0.13",
            "3.1 GiB",
            "3 executors",
            "201 tasks",
            "app-8",
            "Spark 4.0.2",
            "2026-11-22",
            "27 % less",
            "44 %",
            "44 GiB",
            "44.4 %",
            "1 min 31 s",
            "44–62 s",
        ] {
            let (_, missing) = grounds.unsupported(said);
            assert_eq!(missing.len(), 1, "{said}: {missing:?}");
        }
    }
}
