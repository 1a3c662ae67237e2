//! The verdict: which run took longer, which stage makes the difference, and what differs between the
//! runs that may be the cause.

use super::{Comparison, Setting, StagePair};
use crate::publish::numbers::with_unit;

/// A change of less than this share, or of less than a second, is none.
const SAME: f64 = 0.05;
const SAME_MS: f64 = 1e3;
/// Input that differs by less is the same.
const SAME_INPUT: f64 = 0.1;
/// Share of the difference from which a stage is named.
const NAMED_SHARE: f64 = 0.2;
/// Spill below this is not worth a word, in bytes.
const LITTLE_SPILL: i64 = 1 << 20;
/// How many settings a verdict names.
const NAMED_SETTINGS: usize = 3;

/// The sentences.
pub(super) fn of(comparison: &Comparison) -> String {
    let mut sentences = Vec::new();
    if !comparison.in_common {
        sentences.push(nothing_in_common(comparison));
    }
    let (a, b) = comparison.metric("duration_ms");
    match (a, b) {
        (Some(a), Some(b)) if comparison.in_common => {
            let mut sentence = duration(a, b);
            if is_other(a, b) {
                let (because, stage) = difference(comparison, b - a);
                sentence.push_str(&because);
                sentence.push_str(&cause(comparison, stage));
            } else {
                sentence.push_str(&cause(comparison, None));
            }
            sentences.push(format!("{sentence}."));
        }
        (Some(a), Some(b)) => sentences.push(format!("{}.", duration(a, b))),
        (None, None) => sentences
            .push("How long the two took is not known: neither history has an end.".to_owned()),
        (None, _) => {
            sentences.push("How long A took is not known: its history has no end.".to_owned());
        }
        (_, None) => {
            sentences.push("How long B took is not known: its history has no end.".to_owned());
        }
    }
    sentences.extend(input(comparison));
    sentences.extend(failures(comparison));
    sentences.join(" ")
}

fn nothing_in_common(comparison: &Comparison) -> String {
    let name = |name: &Option<String>, id: &str| name.clone().unwrap_or_else(|| id.to_owned());
    let stages = match comparison.stages.is_empty() {
        true => "neither ran a stage",
        false => "no stage of one runs the code of a stage of the other",
    };
    format!(
        "These two runs have nothing in common: `{}` and `{}` are different jobs, and {stages}; only \
         totals can be compared.",
        name(&comparison.a.application_name, &comparison.a.application_id),
        name(&comparison.b.application_name, &comparison.b.application_id),
    )
}

fn is_other(a: f64, b: f64) -> bool {
    (b - a).abs() >= SAME_MS && (b - a).abs() >= SAME * a
}

fn duration(a: f64, b: f64) -> String {
    let both = format!("{} and {}", with_unit(a, "ms"), with_unit(b, "ms"));
    let from_to = format!("{} → {}", with_unit(a, "ms"), with_unit(b, "ms"));
    if !is_other(a, b) {
        return format!("B took about as long as A ({both})");
    }
    match b / a {
        times if times >= 1.5 => format!("B took {times:.1} times as long as A ({from_to})"),
        times if times > 1.0 => {
            format!(
                "B took {:.0} % longer than A ({from_to})",
                100.0 * (times - 1.0)
            )
        }
        times if times > 0.5 => {
            format!(
                "B took {:.0} % less time than A ({from_to})",
                100.0 * (1.0 - times)
            )
        }
        times => format!("B was {:.1} times as fast as A ({from_to})", 1.0 / times),
    }
}

/// Where the difference is, and the matched stage that makes most of it.
fn difference(comparison: &Comparison, longer_ms: f64) -> (String, Option<&StagePair>) {
    let goes_along = |ms: f64| ms * longer_ms.signum();
    let largest = comparison
        .stages
        .iter()
        .max_by_key(|pair| goes_along(pair.longer_ms() as f64) as i64);
    let share = |ms: f64| goes_along(ms) / longer_ms.abs();
    let (idle_a, idle_b) = comparison.metric("driver_only_time_ms");
    let idle = idle_a.zip(idle_b).map_or(0.0, |(a, b)| b - a);
    let stage = largest.filter(|pair| share(pair.longer_ms() as f64) >= NAMED_SHARE);
    match stage {
        Some(pair) if share(pair.longer_ms() as f64) >= share(idle) => {
            let part = share_text(pair, share(pair.longer_ms() as f64));
            let symptoms = symptoms(pair);
            (format!(": {part}{symptoms}"), Some(pair))
        }
        _ if share(idle) >= NAMED_SHARE => {
            let text = match longer_ms > 0.0 {
                true => "more time without a task, when only the driver worked or nothing did",
                false => "less time without a task",
            };
            let percent = 100.0 * share(idle).min(1.0);
            (
                format!(": {percent:.0} % of the difference is {text}"),
                None,
            )
        }
        _ => (": no single stage makes the difference".to_owned(), None),
    }
}

fn share_text(pair: &StagePair, share: f64) -> String {
    let ms = with_unit((pair.longer_ms() as f64).abs(), "ms");
    let name = pair.name();
    let more = if pair.longer_ms() > 0 { "more" } else { "less" };
    match share {
        whole if whole > 1.0 => {
            format!("{name} alone took {ms} {more}, which is more than the whole difference")
        }
        part => format!(
            "{:.0} % of the difference is {name}, which took {ms} {more}",
            100.0 * part
        ),
    }
}

/// What else is new about the stage.
fn symptoms(pair: &StagePair) -> String {
    let mut symptoms = Vec::new();
    if let (Some(a), Some(b)) = (pair.num_tasks_a, pair.num_tasks_b)
        && a != b
    {
        let [a, b] = [a, b].map(|count| with_unit(count as f64, "count"));
        symptoms.push(format!("ran in {b} instead of {a} tasks"));
    }
    if let (Some(a), Some(b)) = (pair.disk_bytes_spilled_a, pair.disk_bytes_spilled_b)
        && is_new(a, b, LITTLE_SPILL)
    {
        symptoms.push(format!(
            "spilled {} to disk (A: {})",
            in_bytes(b),
            in_bytes(a)
        ));
    } else if let (Some(a), Some(b)) = (pair.disk_bytes_spilled_a, pair.disk_bytes_spilled_b)
        && is_new(b, a, LITTLE_SPILL)
    {
        symptoms.push(format!(
            "spilled {} to disk (A: {})",
            in_bytes(b),
            in_bytes(a)
        ));
    }
    if let (Some(a), Some(b)) = (pair.num_failed_tasks_a, pair.num_failed_tasks_b)
        && b > a
    {
        symptoms.push(format!("had {b} failed tasks (A: {a})"));
    }
    if let (Some(a), Some(b)) = (pair.gc_time_ms_a, pair.gc_time_ms_b)
        && let (Some(all_a), Some(all_b)) = (pair.run_time_ms_a, pair.run_time_ms_b)
        && all_a > 0
        && all_b > 0
    {
        let [a, b] = [a as f64 / all_a as f64, b as f64 / all_b as f64];
        if b >= 0.1 && b >= 1.5 * a {
            symptoms.push(format!(
                "spent {:.0} % in garbage collection (A: {:.0} %)",
                100.0 * b,
                100.0 * a
            ));
        }
    }
    match symptoms.split_last() {
        None => String::new(),
        Some((only, [])) => format!("; it {only}"),
        Some((last, others)) => format!("; it {} and {last}", others.join(", ")),
    }
}

/// Whether there is much where there was little.
fn is_new(before: i64, after: i64, little: i64) -> bool {
    after >= little && after >= before.saturating_mul(2)
}

fn in_bytes(bytes: i64) -> String {
    match bytes {
        0 => "none".to_owned(),
        bytes => with_unit(bytes as f64, "bytes"),
    }
}

/// What differs between the runs that may be why.
fn cause(comparison: &Comparison, stage: Option<&StagePair>) -> String {
    let tuning: Vec<&Setting> = comparison
        .settings
        .iter()
        .filter(|setting| setting.is_tuning)
        .collect();
    if let Some(setting) =
        stage.and_then(|pair| tuning.iter().find(|setting| sets_tasks(setting, pair)))
    {
        let (a, b) = (setting.in_a(), setting.in_b());
        return format!(", since {} went from {a} to {b}", setting.key);
    }
    let (version_a, version_b) = (&comparison.a.spark_version, &comparison.b.spark_version);
    let mut differs = Vec::new();
    if let (Some(a), Some(b)) = (version_a, version_b)
        && a != b
    {
        differs.push(format!("Spark went from {a} to {b}"));
    }
    match tuning.as_slice() {
        [] => {}
        [only] => differs.push(format!(
            "the only tuning setting that differs is {}: {} → {}",
            only.key,
            only.in_a(),
            only.in_b()
        )),
        several => {
            let named = several.iter().take(NAMED_SETTINGS);
            let named = named.map(|setting| {
                format!("{} ({} → {})", setting.key, setting.in_a(), setting.in_b())
            });
            let more = match several.len().saturating_sub(NAMED_SETTINGS) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let named: Vec<String> = named.collect();
            differs.push(format!(
                "{} tuning settings differ: {}{more}",
                several.len(),
                named.join(", ")
            ));
        }
    }
    if let (Some(a), Some(b)) = (comparison.a.cores_max, comparison.b.cores_max)
        && a != b
    {
        differs.push(format!("it had {b} cores at most, A {a}"));
    }
    match differs.is_empty() {
        true => "; no tuning setting differs".to_owned(),
        false => format!("; {}", differs.join("; ")),
    }
}

/// Whether the values of the setting are the numbers of tasks that the stage had.
fn sets_tasks(setting: &Setting, pair: &StagePair) -> bool {
    let number = |value: &Option<String>, default: &Option<String>| {
        let value = value.as_ref().or(default.as_ref())?;
        value.trim().parse::<i64>().ok()
    };
    let a = number(&setting.value_a, &setting.default_a);
    let b = number(&setting.value_b, &setting.default_b);
    a.is_some() && b.is_some() && a == pair.num_tasks_a && b == pair.num_tasks_b
}

/// Whether more data explains it.
fn input(comparison: &Comparison) -> Option<String> {
    let (Some(a), Some(b)) = comparison.metric("input_bytes") else {
        return None;
    };
    if a <= 0.0 || b <= 0.0 || (b / a - 1.0).abs() < SAME_INPUT {
        return None;
    }
    let read = format!(
        "B read {:.1} times as much input ({} → {})",
        b / a,
        with_unit(a, "bytes"),
        with_unit(b, "bytes")
    );
    Some(match comparison.metric("duration_per_gb_ms") {
        (Some(a), Some(b)) if a > 0.0 => {
            format!(
                "{read}; per byte of input it took {:.2} times as long.",
                b / a
            )
        }
        _ => format!("{read}."),
    })
}

fn failures(comparison: &Comparison) -> Option<String> {
    let failed = [("A", &comparison.a), ("B", &comparison.b)];
    let failed: Vec<&str> = failed
        .iter()
        .filter(|(_, run)| run.failure_reason.is_some())
        .map(|(name, _)| *name)
        .collect();
    match failed.as_slice() {
        [] => None,
        [one] => Some(format!("{one} failed, so that its length says little.")),
        _ => Some("Both failed, so that their length says little.".to_owned()),
    }
}

impl Setting {
    /// The value in force in A.
    pub(super) fn in_a(&self) -> String {
        in_force(&self.value_a, &self.default_a)
    }

    /// The value in force in B.
    pub(super) fn in_b(&self) -> String {
        in_force(&self.value_b, &self.default_b)
    }
}

fn in_force(value: &Option<String>, default: &Option<String>) -> String {
    match (value, default) {
        (Some(value), _) => value.clone(),
        (None, Some(default)) => format!("{default} (default)"),
        (None, None) => "not set".to_owned(),
    }
}
