//! The settings of a job file but those of its sources: each declared once, with its flag, variable,
//! default and meaning. The help of flags, `config show` and the manual page take them from here;
//! a source's are in [`super::source_keys`].

/// A key of a job file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingOption {
    /// Its section.
    pub section: &'static str,
    /// Its name there.
    pub key: &'static str,
    /// How the command line and the environment set it.
    pub given: GivenBy,
    /// Its default as TOML; `None` where it has none, or one that depends on the machine.
    pub default: Option<&'static str>,
    /// What it means.
    pub description: &'static str,
}

/// How a setting can be given beside the job file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenBy {
    /// A flag without its dashes, and a variable.
    Flag(&'static str, &'static str),
    /// Not at all, for a reason.
    FileOnly(&'static str),
}

/// Why maps and lists of names are in files only.
const SHARED: &str = "names that every run of a lake shares: they belong under version control";
/// Why what is kept of secrets is in files only.
const REVIEWED: &str = "decides for good what the lake keeps: somebody has to review it";

/// Why addresses and forms of messages are in files only.
const ONE_PLACE: &str = "where results go is decided once for all runs of a lake";

/// Every setting, in the order in which they are shown.
pub const OPTIONS: &[SettingOption] = &[
    option(
        "lake",
        "uri",
        GivenBy::Flag("lake", "SPARKLAKE_LAKE"),
        None,
        "The lake: a path, or a URI such as s3://bucket/lake; a run creates it if it is missing",
    ),
    option(
        "lake",
        "catalog_name",
        GivenBy::FileOnly(SHARED),
        None,
        "Catalog that exports register the tables under",
    ),
    option(
        "lake",
        "schema_name",
        GivenBy::FileOnly(SHARED),
        None,
        "Schema that exports register the tables under",
    ),
    option(
        "lake",
        "allow_unsafe_store",
        GivenBy::Flag("allow-unsafe-store", "SPARKLAKE_ALLOW_UNSAFE_STORE"),
        Some("false"),
        "Write to a lake whose store has no conditional puts; make sure that one run works at a time",
    ),
    option(
        "lake",
        "storage_options",
        GivenBy::Flag("storage-option", "SPARKLAKE_STORAGE_OPTION"),
        None,
        "Setting of the object stores, such as aws_region=eu-west-1; may be repeated",
    ),
    option(
        "run",
        "since",
        GivenBy::Flag("since", "SPARKLAKE_SINCE"),
        None,
        "Only histories modified since then: 2025-03-01, 2025-03-01T06:00:00Z or 7d, 36h, 90m ago",
    ),
    option(
        "run",
        "until",
        GivenBy::Flag("until", "SPARKLAKE_UNTIL"),
        None,
        "Only histories modified before then; a date includes its whole day",
    ),
    option(
        "run",
        "dry_run",
        GivenBy::Flag("dry-run", "SPARKLAKE_DRY_RUN"),
        Some("false"),
        "Only show what would be done",
    ),
    option(
        "run",
        "include_running",
        GivenBy::Flag("include-running", "SPARKLAKE_INCLUDE_RUNNING"),
        Some("false"),
        "Also load applications that still run from servers and platforms. Event logs are always read \
         as far as they are: a crash leaves a log in progress, too",
    ),
    option(
        "run",
        "include_tasks",
        GivenBy::Flag("include-tasks", "SPARKLAKE_INCLUDE_TASKS"),
        Some("true"),
        "Whether each task becomes a row of its own",
    ),
    option(
        "run",
        "max_applications",
        GivenBy::Flag("max-applications", "SPARKLAKE_MAX_APPLICATIONS"),
        None,
        "Most histories to read in this run, newest first; all by default",
    ),
    option(
        "run",
        "max_app_threads",
        GivenBy::Flag("max-app-threads", "SPARKLAKE_MAX_APP_THREADS"),
        None,
        "Histories that are read at the same time; one a core by default",
    ),
    option(
        "run",
        "identify_timeout_seconds",
        GivenBy::Flag(
            "identify-timeout-seconds",
            "SPARKLAKE_IDENTIFY_TIMEOUT_SECONDS",
        ),
        Some("60"),
        "Longest time to find out whose a log is",
    ),
    option(
        "run",
        "extract_timeout_seconds",
        GivenBy::Flag(
            "extract-timeout-seconds",
            "SPARKLAKE_EXTRACT_TIMEOUT_SECONDS",
        ),
        Some("7200"),
        "Longest time to read one history",
    ),
    option(
        "run",
        "reload",
        GivenBy::Flag("reload", "SPARKLAKE_RELOAD"),
        None,
        "Read histories again though they have not changed; may be repeated: all; stale (what an older \
         version read); a URI or application id, with * as a wildcard; a date 2026-11-01 or \
         2026-11-01..2026-11-07; table=NAME",
    ),
    option(
        "run",
        "engine",
        GivenBy::Flag("engine", "SPARKLAKE_ENGINE"),
        Some("\"local\""),
        "Who reads and judges: local (threads of this process), shards (other machines, by \
         `sparklake worker`; the run then ends early, and --resume commits what they report) or \
         ballista://HOST:PORT (executors of that scheduler; see `sparklake cluster`)",
    ),
    option(
        "run",
        "trust_network",
        GivenBy::Flag("trust-network", "SPARKLAKE_TRUST_NETWORK"),
        Some("false"),
        "Let scheduler, executors and runs of --engine ballista:// talk over a network without TLS: it is neither \
         encrypted nor authenticated, so everybody who reaches it can read along and hand out work",
    ),
    option(
        "run",
        "tls_certificate",
        GivenBy::Flag("tls-certificate", "SPARKLAKE_TLS_CERTIFICATE"),
        None,
        "PEM file with the certificate of this side: with --tls-key and --tls-ca, scheduler, executors and \
         runs of --engine ballista:// encrypt, and each shows its certificate to the other",
    ),
    option(
        "run",
        "tls_key",
        GivenBy::Flag("tls-key", "SPARKLAKE_TLS_KEY"),
        None,
        "PEM file with the private key of --tls-certificate",
    ),
    option(
        "run",
        "tls_ca",
        GivenBy::Flag("tls-ca", "SPARKLAKE_TLS_CA"),
        None,
        "PEM file with the authority that signed the certificates of scheduler, executors and runs",
    ),
    option(
        "run",
        "units",
        GivenBy::Flag("units", "SPARKLAKE_UNITS"),
        Some("32"),
        "About how many units --engine shards or ballista:// hands out, as far as there are histories: take a few for \
         each core of the workers",
    ),
    option(
        "run",
        "summary",
        GivenBy::Flag("summary", "SPARKLAKE_SUMMARY"),
        Some("\"auto\""),
        "What to print at the end: auto is text on a terminal, one line of JSON elsewhere",
    ),
    option(
        "run",
        "watch",
        GivenBy::Flag("watch", "SPARKLAKE_WATCH"),
        None,
        "Repeat the run, beginning a round every 5m, 30s, 1h …, until SIGTERM (ends after the round) or \
         Ctrl-C (ends at once)",
    ),
    option(
        "run",
        "team_tags",
        GivenBy::FileOnly(SHARED),
        Some("[\"team\", \"owner\", \"cost-center\", \"costcenter\"]"),
        "Tags of a job run or its cluster that name an application's team; the first that is there \
         counts",
    ),
    option(
        "run",
        "team_by_queue",
        GivenBy::FileOnly(SHARED),
        None,
        "YARN queue = team, where neither tags nor Spark properties name one",
    ),
    option(
        "run",
        "team_by_user",
        GivenBy::FileOnly(SHARED),
        None,
        "Spark user = team, where nothing else names one",
    ),
    option(
        "rules",
        "dir",
        GivenBy::Flag("rules-dir", "SPARKLAKE_RULES_DIR"),
        None,
        "Folder of SQL files that replace or join the built-in ones",
    ),
    option(
        "rules",
        "disabled",
        GivenBy::FileOnly(SHARED),
        Some("[]"),
        "Rules that are not run",
    ),
    option(
        "rules",
        "prices",
        GivenBy::FileOnly(SHARED),
        Some("[]"),
        "Price books (CSV) whose prices win over the built-in ones",
    ),
    option(
        "rules",
        "parameters",
        GivenBy::FileOnly(SHARED),
        None,
        "Parameters of rules: rule.parameter = value",
    ),
    option(
        "notify",
        "metrics_file",
        GivenBy::Flag("metrics-file", "SPARKLAKE_METRICS_FILE"),
        None,
        "File to write metrics of the run to, for the textfile collector of Prometheus' node exporter; it ends in .prom",
    ),
    option(
        "notify",
        "findings_file",
        GivenBy::Flag("findings-file", "SPARKLAKE_FINDINGS_FILE"),
        None,
        "File to write the run's findings to, as JSON",
    ),
    option(
        "notify",
        "webhook_url_env",
        GivenBy::FileOnly(ONE_PLACE),
        None,
        "Variable with the address that the run's findings are sent to, as JSON with a `text` for people",
    ),
    option(
        "notify",
        "webhook_url_file",
        GivenBy::FileOnly(ONE_PLACE),
        None,
        "File with this address",
    ),
    option(
        "notify",
        "min_severity",
        GivenBy::FileOnly(ONE_PLACE),
        Some("\"medium\""),
        "Least severity of findings that are listed: info, low, medium, high, critical",
    ),
    option(
        "notify",
        "max_findings",
        GivenBy::FileOnly(ONE_PLACE),
        Some("20"),
        "Most findings that are listed; the others are counted",
    ),
    option(
        "notify",
        "openlineage_file",
        GivenBy::FileOnly(ONE_PLACE),
        None,
        "File to append OpenLineage events to, one a line",
    ),
    option(
        "notify",
        "openlineage_url",
        GivenBy::FileOnly(ONE_PLACE),
        None,
        "Address to send OpenLineage events to, such as http://marquez:5000/api/v1/lineage",
    ),
    option(
        "notify",
        "openlineage_token_env",
        GivenBy::FileOnly(ONE_PLACE),
        None,
        "Variable with the bearer token for it",
    ),
    option(
        "notify",
        "openlineage_token_file",
        GivenBy::FileOnly(ONE_PLACE),
        None,
        "File with this token",
    ),
    option(
        "notify",
        "openlineage_namespace",
        GivenBy::FileOnly(ONE_PLACE),
        Some("\"sparklake\""),
        "Namespace of the job in OpenLineage",
    ),
    option(
        "notify",
        "openlineage_parent",
        GivenBy::FileOnly(ONE_PLACE),
        None,
        "The run that this one is part of, as namespace/job/run id",
    ),
    option(
        "notify",
        "timeout_seconds",
        GivenBy::FileOnly(ONE_PLACE),
        Some("30"),
        "Longest time for one delivery with its attempts; one that fails is a warning",
    ),
    option(
        "redaction",
        "disable",
        GivenBy::FileOnly(REVIEWED),
        Some("[]"),
        "Patterns of secrets that are off",
    ),
    option(
        "redaction",
        "extra",
        GivenBy::FileOnly(REVIEWED),
        Some("[]"),
        "Regular expressions of further secrets",
    ),
    option(
        "ask",
        "model_url",
        GivenBy::Flag("model-url", "SPARKLAKE_MODEL_URL"),
        None,
        "Address of a model for `ask`, the one that chat/completions is below: https://host/v1",
    ),
    option(
        "ask",
        "model",
        GivenBy::Flag("model", "SPARKLAKE_MODEL"),
        None,
        "Name of the model at that address; it has to call tools",
    ),
    option(
        "ask",
        "api_key_env",
        GivenBy::Flag("api-key-env", "SPARKLAKE_API_KEY_ENV"),
        None,
        "Environment variable that holds the key for the model",
    ),
    option(
        "ask",
        "api_key_file",
        GivenBy::Flag("api-key-file", "SPARKLAKE_API_KEY_FILE"),
        None,
        "File that holds the key for the model",
    ),
    option(
        "ask",
        "max_rounds",
        GivenBy::Flag("max-rounds", "SPARKLAKE_MAX_ROUNDS"),
        Some("8"),
        "Most rounds of tool calls before the model has to answer",
    ),
    option(
        "ask",
        "max_tokens",
        GivenBy::Flag("max-tokens", "SPARKLAKE_MAX_TOKENS"),
        Some("200000"),
        "Most tokens of all requests and replies of one question",
    ),
    option(
        "ask",
        "answer_timeout_seconds",
        GivenBy::Flag("answer-timeout-seconds", "SPARKLAKE_ANSWER_TIMEOUT_SECONDS"),
        Some("300"),
        "Longest time until the answer of one question",
    ),
    option(
        "log",
        "format",
        GivenBy::Flag("log-format", "SPARKLAKE_LOG_FORMAT"),
        Some("\"text\""),
        "Form of the log on standard error",
    ),
    option(
        "log",
        "level",
        GivenBy::Flag("log-level", "SPARKLAKE_LOG_LEVEL"),
        Some("\"info\""),
        "How much is logged; -v and -q go before it",
    ),
    option(
        "log",
        "color",
        GivenBy::Flag("color", "SPARKLAKE_COLOR"),
        Some("\"auto\""),
        "Whether colors are used; `auto` heeds NO_COLOR",
    ),
];

const fn option(
    section: &'static str,
    key: &'static str,
    given: GivenBy,
    default: Option<&'static str>,
    description: &'static str,
) -> SettingOption {
    SettingOption {
        section,
        key,
        given,
        default,
        description,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::Utc;

    use super::*;
    use crate::config::field_names::field_names;
    use crate::config::job_file::{
        AskSection, JobFile, LakeSection, LogSection, NotifySection, RedactionSection,
        RulesSection, RunSection,
    };
    use crate::config::{Origin, SettingOverrides, Settings};

    /// The sample that describes every setting.
    const SAMPLE: &str = include_str!("../../jobs/event-logs.toml");

    fn declared() -> BTreeSet<(&'static str, &'static str)> {
        OPTIONS.iter().map(|one| (one.section, one.key)).collect()
    }

    #[test]
    fn every_key_of_a_job_file_is_declared_once() {
        let sections = [
            ("lake", field_names::<LakeSection>()),
            ("run", field_names::<RunSection>()),
            ("rules", field_names::<RulesSection>()),
            ("notify", field_names::<NotifySection>()),
            ("redaction", field_names::<RedactionSection>()),
            ("ask", field_names::<AskSection>()),
            ("log", field_names::<LogSection>()),
        ];
        let known: BTreeSet<(&str, &str)> = sections
            .iter()
            .flat_map(|(section, keys)| keys.iter().map(|key| (*section, *key)))
            .collect();
        assert_eq!(declared(), known);
        assert_eq!(declared().len(), OPTIONS.len());
        let mut names: BTreeSet<&str> = sections.iter().map(|(name, _)| *name).collect();
        names.insert("source");
        let of_file: BTreeSet<&str> = field_names::<JobFile>().iter().copied().collect();
        assert_eq!(names, of_file);
    }

    #[test]
    fn config_show_has_every_option_with_its_default() {
        let settings = Settings::resolve(SettingOverrides::default(), None, Utc::now())
            .expect("defaults make sense");
        for one in OPTIONS {
            // Maps have a section of their own where something is in them.
            let is_map = matches!(
                one.key,
                "storage_options" | "team_by_queue" | "team_by_user" | "parameters"
            );
            let shown = settings
                .effective
                .iter()
                .find(|shown| shown.section == one.section && shown.key == one.key);
            assert_eq!(shown.is_none(), is_map, "{}.{}", one.section, one.key);
            let Some(shown) = shown else { continue };
            assert_eq!(shown.origin, Origin::Default);
            if let Some(default) = one.default {
                assert_eq!(shown.value.as_deref(), Some(default), "{}", one.key);
            }
        }
    }

    #[test]
    fn the_sample_job_file_shows_every_option_in_its_section() {
        let mut section = String::new();
        let mut shown = BTreeSet::new();
        for line in SAMPLE.lines() {
            let line = line.trim_start_matches(['#', ' ']);
            if let Some(name) = line.strip_prefix('[') {
                let name = name.trim_start_matches('[');
                let path = name.split(']').next().unwrap_or_default();
                let mut parts = path.splitn(2, '.');
                section = parts.next().unwrap_or_default().to_owned();
                if let Some(map) = parts.next() {
                    let map = map.split('.').next().unwrap_or_default();
                    shown.insert((section.clone(), map.to_owned()));
                }
            } else if let Some((key, _)) = line.split_once(" = ") {
                shown.insert((section.clone(), key.to_owned()));
            }
        }
        for (section, key) in declared() {
            let is_shown = shown.contains(&(section.to_owned(), key.to_owned()));
            assert!(
                is_shown,
                "jobs/event-logs.toml does not show [{section}] {key}"
            );
        }
    }
}
