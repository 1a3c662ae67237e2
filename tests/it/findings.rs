//! The findings of one application do not contradict each other: whoever follows one of them does not
//! undo another, and nobody is told to set what is set already.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::stored::rows;
use super::world::world;

/// What one finding says about one setting.
#[derive(Debug)]
pub(crate) struct SettingAdvice {
    pub application: String,
    pub rule: String,
    pub key: String,
    pub current: Option<String>,
    pub recommended: String,
}

/// Fixtures in which nothing was made to go wrong.
const HEALTHY: [&str; 8] = [
    "aqe-coalesce",
    "block-updates",
    "broadcast-join",
    "codec-none",
    "codec-zstd",
    "executor-metrics",
    "job-properties",
    "rolling",
];

#[test]
fn advice_of_one_application_does_not_contradict_itself() {
    let advice: Vec<SettingAdvice> = rows(&world().fresh, "findings")
        .into_iter()
        .filter_map(|mut row| {
            let application = ["platform", "cluster_id", "application_id", "attempt_id"]
                .map(|column| row.remove(column).unwrap_or_default())
                .join(" ");
            Some(SettingAdvice {
                application,
                rule: row.remove("rule_id")?,
                key: row.remove("config_key")?,
                current: row.remove("config_current"),
                recommended: row.remove("config_recommended")?,
            })
        })
        .collect();
    assert!(!advice.is_empty(), "the fixtures recommend settings");
    assert_coherent(&advice);
}

#[test]
fn nothing_above_low_is_found_in_a_healthy_application() {
    let healthy: Vec<String> = rows(&world().fresh, "applications")
        .into_iter()
        .filter(|row| {
            row.get("application_name")
                .is_some_and(|name| HEALTHY.contains(&name.as_str()))
        })
        .filter_map(|mut row| row.remove("application_id"))
        .collect();
    assert!(healthy.len() > HEALTHY.len(), "{healthy:?}");
    let serious: Vec<_> = rows(&world().fresh, "findings")
        .into_iter()
        .filter(|row| {
            row.get("application_id")
                .is_some_and(|id| healthy.contains(id))
        })
        .filter(|row| {
            row.get("severity")
                .is_some_and(|severity| severity != "low" && severity != "info")
        })
        .collect();
    assert!(serious.is_empty(), "{serious:#?}");
}

/// Panics where two findings of one application pull a setting in two directions, where one names the
/// value that is in force, and where bounds would cross.
pub(crate) fn assert_coherent(advice: &[SettingAdvice]) {
    let mut by_setting: BTreeMap<(&str, &str), Vec<&SettingAdvice>> = BTreeMap::new();
    for line in advice {
        if let Some(current) = &line.current {
            assert_ne!(
                compare(current, &line.recommended),
                Some(Ordering::Equal),
                "{}: the value is in force already: {line:?}",
                line.rule
            );
        }
        by_setting
            .entry((&line.application, &line.key))
            .or_default()
            .push(line);
    }
    for lines in by_setting.values() {
        for (index, left) in lines.iter().enumerate() {
            for right in lines.iter().skip(index + 1) {
                let rules = [&left.rule, &right.rule];
                assert!(agree(left, right), "{rules:?}: {left:?} and {right:?}");
            }
        }
    }
    let value_of = |application: &str, key: &str| {
        let lines = by_setting.get(&(application, key))?;
        number(&lines.first()?.recommended)
    };
    for line in advice {
        let application = line.application.as_str();
        let [least, most] = ["min", "max"].map(|bound| {
            value_of(
                application,
                &format!("spark.dynamicAllocation.{bound}Executors"),
            )
        });
        if let (Some(least), Some(most)) = (least, most) {
            assert!(least <= most, "{application}: {least} to {most} executors");
        }
    }
}

/// Whether both change the setting in the same direction; texts have to be equal.
fn agree(left: &SettingAdvice, right: &SettingAdvice) -> bool {
    if compare(&left.recommended, &right.recommended) == Some(Ordering::Equal) {
        return true;
    }
    let direction = |line: &SettingAdvice| {
        line.current
            .as_deref()
            .and_then(|current| compare(current, &line.recommended))
    };
    match (direction(left), direction(right)) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

/// The order of two values of a setting; `None` for texts that differ.
fn compare(left: &str, right: &str) -> Option<Ordering> {
    if left.trim().eq_ignore_ascii_case(right.trim()) {
        return Some(Ordering::Equal);
    }
    number(left)?.partial_cmp(&number(right)?)
}

/// `4g`, `64MB`, `30s` and `200` as numbers: bytes, milliseconds, or what they are.
fn number(text: &str) -> Option<f64> {
    let text = text.trim().to_lowercase();
    let unit =
        text.trim_start_matches(|letter: char| letter.is_ascii_digit() || ".-".contains(letter));
    let digits = text.strip_suffix(unit)?;
    let factor = match unit.trim() {
        "" | "b" | "ms" => 1.0,
        "k" | "kb" => 1024.0,
        "m" | "mb" => 1_048_576.0,
        "g" | "gb" => 1_073_741_824.0,
        "t" | "tb" => 1_099_511_627_776.0,
        "s" => 1e3,
        "min" => 6e4,
        "h" => 3.6e6,
        _ => return None,
    };
    digits.parse::<f64>().ok().map(|number| number * factor)
}

#[test]
#[should_panic(expected = "in force already")]
fn a_value_in_force_is_no_advice() {
    assert_coherent(&[advice_to("4g", Some("4096m"))]);
}

#[test]
#[should_panic(expected = "16g")]
fn two_directions_are_a_contradiction() {
    assert_coherent(&[advice_to("16g", Some("8g")), advice_to("4g", Some("8g"))]);
}

#[test]
fn two_steps_in_one_direction_are_none() {
    assert_coherent(&[advice_to("16g", Some("8g")), advice_to("12g", Some("8g"))]);
}

fn advice_to(recommended: &str, current: Option<&str>) -> SettingAdvice {
    SettingAdvice {
        application: "a".to_owned(),
        rule: "r".to_owned(),
        key: "spark.executor.memory".to_owned(),
        current: current.map(str::to_owned),
        recommended: recommended.to_owned(),
    }
}
