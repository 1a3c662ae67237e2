//! Spark's settings that decide the schedule.

use std::collections::HashMap;

use super::facts::Facts;

/// The settings that are read, by prefix.
pub(super) const READ: [&str; 2] = ["spark.dynamicAllocation.", "spark.task.cpus"];

/// Settings of dynamic allocation, with Spark's defaults.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AllocationSettings {
    pub initial: u32,
    pub min: u32,
    pub max: Option<u32>,
    pub backlog_ms: u64,
    pub sustained_ms: u64,
    pub idle_ms: u64,
    pub ratio: f64,
    pub keeps_shuffle: bool,
}

impl AllocationSettings {
    pub(super) fn of(facts: &Facts) -> Self {
        let all = &facts.settings;
        let get = |name: &str| all.get(&format!("spark.dynamicAllocation.{name}"));
        let number = |name| get(name).and_then(|value| value.trim().parse::<u32>().ok());
        let time = |name| get(name).and_then(|value| milliseconds_of(value, "s"));
        let min = number("minExecutors").unwrap_or(0);
        let backlog_ms = time("schedulerBacklogTimeout").unwrap_or(1_000);
        let ratio = get("executorAllocationRatio").and_then(|value| value.trim().parse().ok());
        Self {
            initial: number("initialExecutors").unwrap_or(min).max(min),
            min,
            max: number("maxExecutors"),
            backlog_ms,
            sustained_ms: time("sustainedSchedulerBacklogTimeout").unwrap_or(backlog_ms),
            idle_ms: time("executorIdleTimeout").unwrap_or(60_000),
            ratio: ratio
                .filter(|ratio| *ratio > 0.0 && *ratio <= 1.0)
                .unwrap_or(1.0),
            keeps_shuffle: !facts.shuffle_service,
        }
    }
}

/// Cores that one task takes.
pub(super) fn task_cpus(settings: &HashMap<String, String>) -> u32 {
    let value = settings.get("spark.task.cpus");
    let value = value.and_then(|value| value.trim().parse().ok());
    value.filter(|cpus| *cpus > 0).unwrap_or(1)
}

/// A time as Spark writes it, such as `60s`, `1min` or `100ms`, in ms; a bare number is in `unit`.
fn milliseconds_of(text: &str, unit: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, written) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let written = written.trim();
    let factor = match if written.is_empty() { unit } else { written } {
        "us" => return Some(number / 1_000),
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(settings: &[(&str, &str)]) -> Facts {
        Facts {
            settings: settings
                .iter()
                .map(|(name, value)| (format!("spark.{name}"), (*value).to_owned()))
                .collect(),
            ..Facts::default()
        }
    }

    #[test]
    fn times_are_read_as_spark_writes_them() {
        let read = |text| milliseconds_of(text, "s");
        assert_eq!(read("60"), Some(60_000));
        assert_eq!(read("2min"), Some(120_000));
        assert_eq!(read(" 100ms "), Some(100));
        assert_eq!(read("soon"), None);
        assert_eq!(read("99999999999999999d"), None);
    }

    #[test]
    fn what_is_not_set_has_sparks_default() {
        let default = AllocationSettings::of(&facts(&[]));
        assert_eq!((default.initial, default.min, default.max), (0, 0, None));
        assert_eq!((default.backlog_ms, default.idle_ms), (1_000, 60_000));
        assert!(default.keeps_shuffle);
        let set = AllocationSettings::of(&facts(&[
            ("dynamicAllocation.minExecutors", "2"),
            ("dynamicAllocation.maxExecutors", "20"),
            ("dynamicAllocation.schedulerBacklogTimeout", "3s"),
            ("dynamicAllocation.executorAllocationRatio", "0.5"),
        ]));
        assert_eq!((set.initial, set.min, set.max), (2, 2, Some(20)));
        assert_eq!((set.backlog_ms, set.sustained_ms), (3_000, 3_000));
        assert!((set.ratio - 0.5).abs() < f64::EPSILON);
        assert_eq!(task_cpus(&facts(&[("task.cpus", "2")]).settings), 2);
        assert_eq!(task_cpus(&facts(&[("task.cpus", "0")]).settings), 1);
    }
}
