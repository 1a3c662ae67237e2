//! `ref_spark_settings` against facts of Spark's migration guides and release notes.

use std::collections::BTreeMap;

const SETTINGS: &str = include_str!("../../../sql/reference/spark_settings.csv");

type Setting = BTreeMap<String, String>;

fn settings() -> Vec<Setting> {
    let mut reader = csv::Reader::from_reader(SETTINGS.as_bytes());
    reader
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("rows of one shape")
}

fn number(setting: &Setting, column: &str) -> u64 {
    setting[column].parse().expect("a number")
}

/// The rows of a key that hold in a version, major × 10000 + minor.
fn in_version(key: &str, version: u64) -> Vec<Setting> {
    settings()
        .into_iter()
        .filter(|setting| setting["key"] == key && setting["kind"] == "exact")
        .filter(|setting| {
            number(setting, "valid_from_number") <= version
                && version <= number(setting, "valid_until_number")
        })
        .collect()
}

#[test]
fn defaults_follow_the_version() {
    for (key, version, default) in [
        ("spark.sql.adaptive.enabled", 30_000, "false"),
        ("spark.sql.adaptive.enabled", 30_001, "false"),
        ("spark.sql.adaptive.enabled", 30_002, "true"),
        ("spark.sql.adaptive.enabled", 40_003, "true"),
        ("spark.sql.ansi.enabled", 30_005, "false"),
        ("spark.sql.ansi.enabled", 40_000, "true"),
        ("spark.eventLog.compress", 30_005, "false"),
        ("spark.eventLog.compress", 40_000, "true"),
        ("spark.eventLog.rolling.enabled", 30_005, "false"),
        ("spark.eventLog.rolling.enabled", 40_000, "true"),
        (
            "spark.dynamicAllocation.shuffleTracking.enabled",
            30_003,
            "false",
        ),
        (
            "spark.dynamicAllocation.shuffleTracking.enabled",
            30_004,
            "true",
        ),
        ("spark.speculation.multiplier", 30_005, "1.5"),
        ("spark.speculation.multiplier", 40_000, "3.0"),
        ("spark.executor.memory", 10_003, "1g"),
        ("spark.sql.shuffle.partitions", 20_004, "200"),
        ("spark.memory.fraction", 30_005, "0.6"),
    ] {
        let found = in_version(key, version);
        assert_eq!(found.len(), 1, "{key} in {version}");
        let held: Vec<&str> = found
            .iter()
            .map(|row| row["default_value"].as_str())
            .collect();
        // 3 and 3.0 are the same.
        let same = held == [default]
            || held.first().and_then(|held| held.parse::<f64>().ok()) == default.parse().ok();
        assert!(same, "{key} in {version}: {held:?}");
    }
}

#[test]
fn settings_come_and_go() {
    // Often set, and never existed.
    for key in [
        "spark.sql.adaptive.caching.enabled",
        "spark.executor.memoryOverheads",
        "spark.sql.autoBroadcastJoinTreshold",
    ] {
        assert!(
            settings().iter().all(|setting| setting["key"] != key),
            "{key}"
        );
    }
    for (key, column, value) in [
        ("spark.shuffle.consolidateFiles", "removed_in", "1.6"),
        ("spark.memory.useLegacyMode", "removed_in", "3.0"),
        ("spark.mesos.coarse", "removed_in", "4.0"),
        ("spark.sql.hive.verifyPartitionPath", "removed_in", "4.0"),
        ("spark.sql.adaptive.enabled", "since_version", "1.6"),
        ("spark.sql.adaptive.enabled", "scope", "runtime"),
        ("spark.sql.warehouse.dir", "scope", "static_sql"),
        ("spark.executor.memory", "scope", "application"),
        ("spark.executor.memory", "unit", "MiB"),
        ("spark.locality.wait", "unit", "ms"),
        ("spark.network.timeout", "unit", "s"),
        ("spark.sql.files.maxPartitionBytes", "unit", "bytes"),
        ("spark.sql.shuffle.partitions", "type", "int"),
        (
            "spark.yarn.executor.memoryOverhead",
            "replaced_by",
            "spark.executor.memoryOverhead",
        ),
        (
            "spark.yarn.executor.memoryOverhead",
            "deprecated_since",
            "2.3",
        ),
        (
            "spark.sql.adaptive.shuffle.targetPostShuffleInputSize",
            "replaced_by",
            "spark.sql.adaptive.advisoryPartitionSizeInBytes",
        ),
        (
            "spark.blacklist.enabled",
            "replaced_by",
            "spark.excludeOnFailure.enabled",
        ),
        ("spark.blacklist.enabled", "removed_in", "3.1"),
    ] {
        let rows = settings();
        let found: Vec<&str> = rows
            .iter()
            .filter(|setting| setting["key"] == key)
            .map(|setting| setting[column].as_str())
            .collect();
        assert!(!found.is_empty(), "{key} is missing");
        assert!(
            found.iter().all(|found| *found == value),
            "{key}: {column} is {found:?}"
        );
    }
}

#[test]
fn a_setting_has_one_row_for_each_version() {
    let mut spans: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
    for setting in settings()
        .into_iter()
        .filter(|setting| setting["kind"] == "exact")
    {
        let span = (
            number(&setting, "valid_from_number"),
            number(&setting, "valid_until_number"),
        );
        assert!(span.0 <= span.1, "{setting:?}");
        spans.entry(setting["key"].clone()).or_default().push(span);
    }
    assert!(spans.len() > 1_700, "{} settings", spans.len());
    for (key, spans) in spans {
        let ordered = spans.windows(2).all(|pair| match pair {
            [first, second] => first.1 < second.0,
            _ => true,
        });
        assert!(ordered, "{key}: {spans:?}");
    }
}
