//! Units that other machines work through, counted and timed for the summary of a run.

use serde::{Deserialize, Serialize};

use crate::unit::shards::{Manifest, Reports, UnitTime};

/// Units that are listed one by one, the slowest first.
const SLOWEST: usize = 5;

/// Units that other machines work through, as the summary reports them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardCounts {
    /// `extraction` or `analysis`.
    pub phase: String,
    /// Units that were handed out.
    pub units: usize,
    /// Units with a sound report; 0 while the run waits.
    pub reported: usize,
    /// Units without one.
    pub missing: usize,
    /// How long the reported units took, in milliseconds.
    pub unit_ms: UnitTimes,
    /// The slowest of them.
    pub slowest: Vec<UnitTime>,
}

/// The spread of times of units, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitTimes {
    /// The shortest.
    pub min: u64,
    /// The median.
    pub median: u64,
    /// Nine of ten are not longer.
    pub p90: u64,
    /// The longest.
    pub max: u64,
    /// All together.
    pub sum: u64,
}

impl ShardCounts {
    /// Of units that are handed out.
    pub(super) fn handed_out(manifest: &Manifest) -> Self {
        Self {
            phase: manifest.phase.as_str().to_owned(),
            units: manifest.units.len(),
            ..Self::default()
        }
    }

    /// Of units that were reported.
    pub(super) fn reported(reports: &Reports) -> Self {
        let mut slowest = reports.times();
        slowest.sort_by_key(|time| (std::cmp::Reverse(time.duration_ms), time.position));
        let units = reports.manifest().units.len();
        Self {
            reported: slowest.len(),
            missing: units.saturating_sub(slowest.len()),
            unit_ms: UnitTimes::of(&slowest),
            slowest: {
                slowest.truncate(SLOWEST);
                slowest
            },
            ..Self::handed_out(reports.manifest())
        }
    }
}

impl UnitTimes {
    /// Of units from the slowest to the fastest.
    fn of(slowest: &[UnitTime]) -> Self {
        let sorted: Vec<u64> = slowest.iter().rev().map(|time| time.duration_ms).collect();
        let at = |tenths: usize| {
            let rank = (sorted.len() * tenths).div_ceil(10).max(1);
            sorted.get(rank - 1).copied().unwrap_or(0)
        };
        Self {
            min: at(0),
            median: at(5),
            p90: at(9),
            max: at(10),
            sum: sorted.iter().sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_units_are_spread_by_rank() {
        let time = |duration_ms| UnitTime {
            position: 0,
            items: 1,
            worker: String::new(),
            duration_ms,
        };
        let slowest: Vec<UnitTime> = (1..=10).rev().map(|tens| time(tens * 10)).collect();
        let expected = UnitTimes {
            min: 10,
            median: 50,
            p90: 90,
            max: 100,
            sum: 550,
        };
        assert_eq!(UnitTimes::of(&slowest), expected);
        assert_eq!(UnitTimes::of(&[]), UnitTimes::default());
    }
}
