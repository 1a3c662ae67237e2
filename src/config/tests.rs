//! Job files and precedence, from the text to the effective settings.

use crate::model::{Platform, SettingValue};
use std::num::NonZeroUsize;

use chrono::{DateTime, Utc};

use super::document::LoadedFile;
use super::environment::Environment;
use super::error::ConfigError;
use super::origin::{Origin, Sourced};
use super::settings::{SettingOverrides, Settings};
use super::{parse_duration, show};

fn environment() -> Environment {
    [
        ("HOME_OF_LOGS", "/var/log/spark"),
        ("EMPTY", ""),
        ("THREADS", "3"),
        ("SECRET", "s3cr3t"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into_iter()
    .collect()
}

fn now() -> DateTime<Utc> {
    "2025-03-10T12:00:00Z".parse().expect("a time")
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn load(text: &str) -> Result<Settings, ConfigError> {
    resolve(text, SettingOverrides::default())
}

fn resolve(text: &str, given: SettingOverrides) -> Result<Settings, ConfigError> {
    let file = LoadedFile::parse("job.toml", text, &environment())?;
    Settings::resolve(given, Some(file), now())
}

fn fault(text: &str) -> String {
    load(text).expect_err("a fault").to_string()
}

fn flag<T>(name: &str, value: T) -> Option<Sourced<T>> {
    Some(Sourced {
        value,
        origin: Origin::Flag(name.to_owned()),
    })
}

#[test]
fn a_job_file_sets_everything_it_names_and_defaults_the_rest() {
    let settings = load(
        r#"
        [lake]
        uri = "s3://bucket/lake"
        [lake.storage_options]
        aws_region = "eu-west-1"
        allow_http = true
        [run]
        since = 2025-03-01
        max_applications = 50
        [[source]]
        kind = "event_log"
        name = "nightly"
        uris = "s3://bucket/logs"
        [[source]]
        kind = "emr"
        cluster_states = "TERMINATED,WAITING"
        [rules.parameters.task_skew]
        min_ratio = 2.5
        "#,
    )
    .expect("settings");
    assert_eq!(settings.lake.uri.as_deref(), Some("s3://bucket/lake"));
    assert_eq!(settings.run.since, Some(time("2025-03-01T00:00:00Z")));
    assert_eq!(settings.run.max_applications, Some(50));
    assert!(settings.run.include_tasks && !settings.run.include_running);
    let [logs, emr] = settings.sources.as_slice() else {
        panic!("two sources: {:?}", settings.sources);
    };
    assert_eq!(logs.section.uris, ["s3://bucket/logs"]);
    assert_eq!(emr.section.kind, Platform::Emr);
    assert_eq!(emr.section.cluster_states, ["TERMINATED", "WAITING"]);
    let options = settings
        .lake
        .storage_options
        .resolve(&environment())
        .expect("options");
    assert_eq!(options.get("allow_http").map(String::as_str), Some("true"));
    let ratio = settings
        .rules
        .parameters
        .get("task_skew")
        .and_then(|rule| rule.get("min_ratio"));
    assert_eq!(ratio, Some(&SettingValue::Double(2.5)));
}

#[test]
fn an_unknown_key_names_its_place_and_the_nearest_known_one() {
    assert_eq!(
        fault("[run]\nsince = \"1d\"\nmax_aplications = 5\n"),
        "job.toml:3: unknown key `max_aplications`; did you mean `max_applications`?"
    );
    assert_eq!(
        fault("[[source]]\nkind = \"event_log\"\nuris = [\"/logs\"]\nclustername_filter = \"x\"\n"),
        "job.toml:4: unknown key `clustername_filter`; did you mean `cluster_name_filter`?"
    );
    assert_eq!(
        fault("[lkae]\nuri = \"x\"\n"),
        "job.toml:1: unknown key `lkae`; did you mean `lake`?"
    );
}

#[test]
fn a_key_of_another_section_is_sent_there() {
    assert_eq!(
        fault("aws_region = \"us-east-1\"\n"),
        "job.toml:1: unknown key `aws_region`; this key stands in a section [[source]]"
    );
    assert_eq!(
        fault("[lake]\ninclude_tasks = true\n"),
        "job.toml:2: unknown key `include_tasks`; this key stands in the section [run]"
    );
}

#[test]
fn an_unknown_kind_names_the_nearest() {
    assert_eq!(
        fault("[[source]]\nkind = \"event_logs\"\nuris = [\"/x\"]\n"),
        "job.toml:2: `event_logs` is not possible here; did you mean `event_log`?"
    );
}

#[test]
fn bad_values_are_refused_with_their_line() {
    let faults = [
        (
            "[run]\nmax_app_threads = 0\n",
            "job.toml:2: `0` is not a whole number from 1 on",
        ),
        (
            "[run]\nmax_applications = -3\n",
            "job.toml:2: `-3` is not a whole number from 1 on",
        ),
        (
            "[run]\ndry_run = \"perhaps\"\n",
            "job.toml:2: `perhaps` is not true or false",
        ),
        (
            "[run]\nsince = \"soon\"\n",
            "job.toml:2: `soon` is not a time",
        ),
        (
            "[run]\nsince = \"99999999999999w\"\n",
            "job.toml:2: `99999999999999w` is too far away",
        ),
        (
            "[run]\nsince = \"1d\"\nuntil = \"2d\"\n",
            "job.toml:3: the window ends",
        ),
        (
            "[lake]\nuri = \"\"\n",
            "job.toml:2: the lake's location is empty",
        ),
        (
            "[[source]]\nkind = \"event_log\"\n",
            "job.toml:1: this source does not say where",
        ),
        ("[lake]\nuri = \"x\n", "job.toml:2: "),
        ("[lake]\nuri = 1\n", "job.toml:2: "),
        (
            "[[source]]\nname = \"x\"\n",
            "job.toml:1: the key `kind` is missing",
        ),
    ];
    for (text, expected) in faults {
        let told = fault(text);
        assert!(told.starts_with(expected), "{text:?} gave {told}");
    }
}

#[test]
fn variables_are_filled_in_and_never_become_syntax() {
    let settings = load(
        r#"
        [run]
        max_app_threads = "${THREADS}"
        [[source]]
        kind = "event_log"
        uris = ["${HOME_OF_LOGS}/a", "${EMPTY:-/default}/b", "cost$$1 $2"]
        "#,
    )
    .expect("settings");
    assert_eq!(settings.run.max_app_threads, 3);
    let uris = settings
        .sources
        .first()
        .map(|source| source.section.uris.as_slice());
    let expected = ["/var/log/spark/a", "/default/b", "cost$1 $2"].map(str::to_owned);
    assert_eq!(uris, Some(expected.as_slice()));
}

#[test]
fn a_setting_of_another_kind_of_source_is_refused_and_says_whose_it_is() {
    assert_eq!(
        fault("[[source]]\nkind = \"event_log\"\nuris = [\"/logs\"]\nmax_clusters = 3\n"),
        "job.toml:4: `max_clusters` is no setting of a source of kind event_log; it belongs to emr, \
         emr_serverless, emr_eks, databricks; remove it here"
    );
    assert!(
        fault("[[source]]\nkind = \"databricks\"\naws_region = \"x\"\n")
            .starts_with("job.toml:3: `aws_region` is no setting of a source of kind databricks")
    );
}

#[test]
fn the_defaults_of_a_source_are_shown() {
    let settings = load("[[source]]\nkind = \"emr\"\nmax_clusters = 7\n").expect("settings");
    let shown = show(&settings);
    let line = |key: &str| {
        let line = shown.lines().find(|line| line.starts_with(key));
        line.unwrap_or_else(|| panic!("{key}: {shown}")).to_owned()
    };
    assert!(line("max_clusters = 7").ends_with("# job.toml:3"));
    assert!(line("persistent_ui_timeout_seconds = 180").ends_with("# default"));
    assert!(line("managed_ui = true").ends_with("# default"));
    assert!(!shown.contains("workspace_url"), "{shown}");
}

#[test]
fn a_variable_that_is_not_set_is_an_error() {
    assert_eq!(
        fault("[lake]\nuri = \"${NOWHERE}/lake\"\n"),
        "job.toml:2: the environment variable NOWHERE is not set; \
         set it, or write ${NOWHERE:-default}"
    );
    assert!(fault("[lake]\nuri = \"${A B}\"\n").contains("does not name a variable"));
    assert!(fault("[lake]\nuri = \"${A\"\n").contains("no closing brace"));
}

#[test]
fn secrets_are_refused_inline_also_when_a_variable_fills_them_in() {
    let text = "[lake.storage_options]\naws_secret_access_key = \"AKIA\"\n";
    assert_eq!(
        fault(text),
        "job.toml:2: `aws_secret_access_key` holds a secret; write `aws_secret_access_key_env` \
         with the name of an environment variable, or `aws_secret_access_key_file` with the path \
         of a file that holds it"
    );
    let text = "[lake.storage_options]\nsas_token = \"${SECRET}\"\n";
    assert!(fault(text).contains("`sas_token` holds a secret"));
    let text = "[[source]]\nkind = \"history_server\"\nuris = [\"https://me:pw@host\"]\n";
    let told = fault(text);
    assert!(
        told.starts_with("job.toml:3: the address in `uris` holds a password"),
        "{told}"
    );
    let plain = "[lake.storage_options]\naws_access_key_id = \"AKIA\"\n";
    load(plain).expect("the id of a key is no secret");
}

#[test]
fn references_to_secrets_are_resolved_only_when_used_and_never_shown() {
    let text = "[lake.storage_options]\naws_secret_access_key_env = \"SECRET\"\n\
                account_key_env = \"MISSING\"\n";
    let settings = load(text).expect("settings");
    let shown = show(&settings);
    assert!(
        !shown.contains("s3cr3t") && shown.contains("\"SECRET\""),
        "{shown}"
    );
    let error = settings
        .lake
        .storage_options
        .resolve(&environment())
        .expect_err("missing");
    assert_eq!(
        error.to_string(),
        "job.toml:3: the environment variable MISSING is not set; put the account_key into it"
    );
    let text = "[lake.storage_options]\naws_secret_access_key_env = \"SECRET\"\n\
                aws_web_identity_token_file = \"/no/such/file\"\n";
    let options = load(text).expect("settings").lake.storage_options;
    let options = options.resolve(&environment()).expect("options");
    assert_eq!(
        options.get("aws_secret_access_key").map(String::as_str),
        Some("s3cr3t")
    );
    let token = options
        .get("aws_web_identity_token_file")
        .map(String::as_str);
    assert_eq!(token, Some("/no/such/file"), "the store opens it itself");
}

#[test]
fn flags_go_before_variables_before_the_file_before_defaults() {
    let text = "[lake]\nuri = \"file-lake\"\n[run]\nmax_app_threads = 7\ninclude_tasks = false\n";
    let given = SettingOverrides {
        lake: flag("--lake", "flag-lake".to_owned()),
        max_app_threads: Some(Sourced {
            value: NonZeroUsize::MIN,
            origin: Origin::Environment("SPARKLAKE_MAX_APP_THREADS".to_owned()),
        }),
        ..SettingOverrides::default()
    };
    let settings = resolve(text, given).expect("settings");
    assert_eq!(settings.lake.uri.as_deref(), Some("flag-lake"));
    assert_eq!(settings.run.max_app_threads, 1);
    assert!(!settings.run.include_tasks);
    let origin = |key: &str| {
        let found = settings.effective.iter().find(|setting| setting.key == key);
        found.map(|setting| setting.origin.to_string())
    };
    assert_eq!(origin("uri").as_deref(), Some("--lake"));
    assert_eq!(
        origin("max_app_threads").as_deref(),
        Some("SPARKLAKE_MAX_APP_THREADS")
    );
    assert_eq!(origin("include_tasks").as_deref(), Some("job.toml:5"));
    assert_eq!(origin("include_running").as_deref(), Some("default"));
}

#[test]
fn sources_of_the_command_line_replace_those_of_the_file() {
    let text = "[[source]]\nkind = \"emr\"\n";
    let given = SettingOverrides {
        event_logs: flag("--event-logs", vec!["/logs".to_owned()]),
        ..SettingOverrides::default()
    };
    let settings = resolve(text, given).expect("settings");
    let kinds: Vec<_> = settings
        .sources
        .iter()
        .map(|source| source.section.kind)
        .collect();
    assert_eq!(kinds, [Platform::EventLog]);
}

#[test]
fn storage_options_of_the_command_line_are_checked_like_those_of_the_file() {
    let with = |option: &str| SettingOverrides {
        storage_options: flag("--storage-option", option.to_owned())
            .into_iter()
            .collect(),
        ..SettingOverrides::default()
    };
    let settings = resolve("", with("aws_region=eu-west-1")).expect("settings");
    let options = settings
        .lake
        .storage_options
        .resolve(&environment())
        .expect("options");
    assert_eq!(
        options.get("aws_region").map(String::as_str),
        Some("eu-west-1")
    );
    let error = resolve("", with("aws_secret_access_key=x")).expect_err("a secret");
    assert!(
        error
            .to_string()
            .starts_with("--storage-option: `aws_secret_access_key` holds")
    );
    let error = resolve("", with("aws_region")).expect_err("no value");
    assert!(error.to_string().contains("is not NAME=VALUE"));
}

#[test]
fn times_are_read_in_all_forms_and_dates_include_their_whole_day() {
    let window = |since: &str, until: &str| {
        let text = format!("[run]\nsince = \"{since}\"\nuntil = \"{until}\"\n");
        let run = load(&text).expect("settings").run;
        (run.since.expect("since"), run.until.expect("until"))
    };
    let (since, until) = window("7d", "36h");
    assert_eq!(since, time("2025-03-03T12:00:00Z"));
    assert_eq!(until, time("2025-03-09T00:00:00Z"));
    let (since, until) = window("2025-03-01", "2025-03-01");
    assert_eq!(since, time("2025-03-01T00:00:00Z"));
    assert_eq!(until, time("2025-03-02T00:00:00Z"));
    let (since, _) = window("2025-03-01T02:00:00+02:00", "1h");
    assert_eq!(since, time("2025-03-01T00:00:00Z"));
}

#[test]
fn lengths_of_time_need_a_number_and_a_unit() {
    assert_eq!(parse_duration("90m").expect("minutes").num_seconds(), 5_400);
    for wrong in [
        "",
        "d",
        "7",
        "-7d",
        "7 days",
        "1.5h",
        "9999999999999999999999d",
        "7µ",
    ] {
        parse_duration(wrong).expect_err(wrong);
    }
}

#[test]
fn what_is_shown_is_a_job_file_with_the_same_effect() {
    let text = r#"
        [lake]
        uri = "lake"
        [[source]]
        kind = "event_log"
        uris = ["/logs"]
        [source.storage_options]
        aws_region = "eu-west-1"
        [rules]
        disabled = ["idle_executors"]
        [rules.parameters.task_skew]
        min_tasks = 8
    "#;
    let settings = load(text).expect("settings");
    let shown = show(&settings);
    let again = load(&shown).expect("what is shown can be read");
    assert_eq!(again.rules, settings.rules);
    assert_eq!(again.lake.uri, settings.lake.uri);
    let uris = |settings: &Settings| {
        let of = |source: &super::SourceSettings| source.section.uris.clone();
        settings.sources.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(uris(&again), uris(&settings));
    assert!(shown.contains("# job.toml:3"), "{shown}");
}

#[test]
fn an_unreadable_job_file_is_told_by_its_name() {
    let missing = std::path::Path::new("no/such/job.toml");
    let error = LoadedFile::read(missing, &environment()).expect_err("missing");
    assert!(
        error
            .to_string()
            .starts_with("cannot read the job file no/such/job.toml")
    );
}
