//! Numbers of executors as they are typed.

use std::collections::BTreeSet;
use std::str::FromStr;

/// Most executors that anybody can ask for, and most numbers of them at a time.
const MOST: u32 = 100_000;
const MOST_NUMBERS: usize = 1_000;

/// Ascending numbers of executors: `2,4,8`, `2..16`, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutorCounts(pub Vec<u32>);

impl FromStr for ExecutorCounts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut numbers = BTreeSet::new();
        for part in text.split(',') {
            let (first, last) = match part.split_once("..") {
                Some((first, last)) => (first, last.strip_prefix('=').unwrap_or(last)),
                None => (part, part),
            };
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(format!(
                    "{first}..{last} is empty; write the smaller number first"
                ));
            }
            if (last - first) as usize >= MOST_NUMBERS {
                return Err(format!(
                    "{first}..{last} are more than {MOST_NUMBERS} numbers"
                ));
            }
            numbers.extend(first..=last);
        }
        if numbers.len() > MOST_NUMBERS {
            return Err(format!("these are more than {MOST_NUMBERS} numbers"));
        }
        Ok(Self(numbers.into_iter().collect()))
    }
}

fn number(text: &str) -> Result<u32, String> {
    match text.trim().parse() {
        Ok(0) => Err("no task runs on 0 executors; write a number from 1 on".to_owned()),
        Ok(number) if number <= MOST => Ok(number),
        Ok(number) => Err(format!("{number} executors are more than {MOST}")),
        Err(_) => Err("write numbers such as 2,4,8 or a range such as 2..16".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges_are_numbers_once_each() {
        let read = |text: &str| text.parse::<ExecutorCounts>().map(|numbers| numbers.0);
        assert_eq!(read("2,4,8"), Ok(vec![2, 4, 8]));
        assert_eq!(read("2..5"), Ok(vec![2, 3, 4, 5]));
        assert_eq!(read("8, 2..=3,2"), Ok(vec![2, 3, 8]));
        for wrong in [
            "", "0", "0..4", "5..2", "two", "1..", "-3", "1..99999", "200000",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
