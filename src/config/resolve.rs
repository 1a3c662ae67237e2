//! Decides each setting: flag, then environment variable, then job file, then default.

use crate::model::{Platform, SettingValue};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use chrono::{DateTime, Utc};
use toml::{Table, Value};

use super::aws_endpoints;
use super::document::LoadedFile;
use super::environment::Environment;
use super::error::{ConfigError, Fault};
use super::job_file::{
    AskSection, Engine, JobFile, LakeSection, LogSection, NotifySection, RedactionSection,
    RulesSection, RunSection, Severity, SummaryFormat,
};
use super::origin::{Origin, Sourced};
use super::secrets::{self, StorageOptions};
use super::settings::{
    AskSettings, Effective, LakeSettings, LogSettings, NotifySettings, RulesSettings, RunSettings,
    SecretReference, SettingOverrides, Settings, SourceSettings,
};
use super::show::toml_key;
use super::source_keys;
use super::source_section::SourceSection;
use super::time::{Bound, parse_duration, parse_time};
use crate::redact::{RedactionError, RedactionSettings, Redactor};

/// Longest time to find out whose a log is, unless set: its first kilobytes tell.
const IDENTIFY_TIMEOUT_SECONDS: NonZeroUsize = positive(60);
/// Longest time to read one history, unless set.
const EXTRACT_TIMEOUT_SECONDS: NonZeroUsize = positive(2 * 3_600);
/// Units for other machines: four each for eight machines.
const UNITS: NonZeroUsize = positive(32);

/// Most rounds of tool calls of a question, unless set.
const MAX_ROUNDS: NonZeroUsize = positive(8);
/// Most tokens of a question, unless set.
const MAX_TOKENS: NonZeroUsize = positive(200_000);
/// Longest time until the answer of a question, unless set.
const ANSWER_TIMEOUT_SECONDS: NonZeroUsize = positive(300);
/// Most findings that a notification lists, unless set.
const MAX_FINDINGS: NonZeroUsize = positive(20);
/// Longest time for one delivery, unless set.
const NOTIFY_TIMEOUT_SECONDS: NonZeroUsize = positive(30);

/// Keys of tags that name an application's team, unless set.
const TEAM_TAGS: [&str; 4] = ["team", "owner", "cost-center", "costcenter"];

const fn positive(number: usize) -> NonZeroUsize {
    match NonZeroUsize::new(number) {
        Some(number) => number,
        None => NonZeroUsize::MIN,
    }
}

impl Settings {
    /// Reads the job file, if there is one, and decides all settings.
    ///
    /// # Errors
    /// The job file or one of the values makes no sense; the error says where and what to do.
    pub fn load(
        given: SettingOverrides,
        job_file: Option<&Path>,
        environment: &Environment,
        now: DateTime<Utc>,
    ) -> Result<Self, ConfigError> {
        let file = job_file
            .map(|path| LoadedFile::read(path, environment))
            .transpose()?;
        Self::resolve(given, file, now)
    }

    /// Decides all settings; relative times count back from `now`.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn resolve(
        given: SettingOverrides,
        file: Option<LoadedFile>,
        now: DateTime<Utc>,
    ) -> Result<Self, ConfigError> {
        let content = file
            .as_ref()
            .map(|file| file.content.clone())
            .unwrap_or_default();
        let mut resolver = Resolver {
            file,
            effective: Vec::new(),
        };
        resolver.settings(given, content, now)
    }
}

struct Resolver {
    file: Option<LoadedFile>,
    effective: Vec<Effective>,
}

impl Resolver {
    fn settings(
        &mut self,
        given: SettingOverrides,
        file: JobFile,
        now: DateTime<Utc>,
    ) -> Result<Settings, ConfigError> {
        Ok(Settings {
            lake: self.lake(&given, file.lake)?,
            run: self.run(&given, file.run, now)?,
            sources: self.sources(&given, file.source, now)?,
            rules: self.rules(&given, file.rules),
            notify: self.notify(&given, file.notify)?,
            redactor: self.redactor(&file.redaction)?,
            ask: self.ask(&given, file.ask)?,
            log: self.log(&given, &file.log),
            effective: std::mem::take(&mut self.effective),
        })
    }

    fn lake(
        &mut self,
        given: &SettingOverrides,
        file: LakeSection,
    ) -> Result<LakeSettings, ConfigError> {
        let uri = self.optional("lake", "uri", &given.lake, file.uri);
        self.optional("lake", "catalog_name", &None, file.catalog_name);
        self.optional("lake", "schema_name", &None, file.schema_name);
        check_lake(uri.as_ref())?;
        let allow_unsafe_store = self.value(
            "lake",
            "allow_unsafe_store",
            &given.allow_unsafe_store,
            file.allow_unsafe_store,
            false,
        );
        let mut storage_options = StorageOptions::of_section(&file.storage_options, |name| {
            self.place(&format!("lake.storage_options.{name}"))
        });
        storage_options.overlay(&given.storage_options)?;
        storage_options.check_names()?;
        self.tell_options("lake.storage_options", &storage_options);
        Ok(LakeSettings {
            uri: uri.map(|uri| uri.value),
            storage_options,
            allow_unsafe_store,
        })
    }

    fn run(
        &mut self,
        given: &SettingOverrides,
        file: RunSection,
        now: DateTime<Utc>,
    ) -> Result<RunSettings, ConfigError> {
        let since = self.optional("run", "since", &given.since, file.since);
        let until = self.optional("run", "until", &given.until, file.until);
        let (since, until) = window(since, until, now)?;
        let (dry_run, running) = (&given.dry_run, &given.include_running);
        let (tasks, threads) = (&given.include_tasks, &given.max_app_threads);
        let most = self.optional(
            "run",
            "max_applications",
            &given.max_applications,
            file.max_applications,
        );
        let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let identify = self.seconds(
            "identify_timeout_seconds",
            &given.identify_timeout_seconds,
            file.identify_timeout_seconds,
            IDENTIFY_TIMEOUT_SECONDS,
        );
        let extract = self.seconds(
            "extract_timeout_seconds",
            &given.extract_timeout_seconds,
            file.extract_timeout_seconds,
            EXTRACT_TIMEOUT_SECONDS,
        );
        let reload = self.optional(
            "run",
            "reload",
            &given.reload,
            Some(file.reload).filter(|selectors| !selectors.is_empty()),
        );
        let watch = self.optional("run", "watch", &given.watch, file.watch);
        let tags = Some(file.team_tags).filter(|tags| !tags.is_empty());
        let default_tags = TEAM_TAGS.map(str::to_owned).to_vec();
        let team_tags = self.value("run", "team_tags", &None, tags, default_tags);
        let settings = RunSettings {
            team_tags,
            team_by_queue: file.team_by_queue,
            team_by_user: file.team_by_user,
            since,
            until,
            dry_run: self.value("run", "dry_run", dry_run, file.dry_run, false),
            include_running: self.value(
                "run",
                "include_running",
                running,
                file.include_running,
                false,
            ),
            include_tasks: self.value("run", "include_tasks", tasks, file.include_tasks, true),
            max_applications: most.map(|most| most.value.get()),
            max_app_threads: self
                .value(
                    "run",
                    "max_app_threads",
                    threads,
                    file.max_app_threads,
                    cores,
                )
                .get(),
            identify_timeout: identify,
            extract_timeout: extract,
            reload: reload.map(|reload| reload.value).unwrap_or_default(),
            engine: self.value(
                "run",
                "engine",
                &given.engine,
                file.engine,
                Engine::default(),
            ),
            units: self
                .value("run", "units", &given.units, file.units, UNITS)
                .get(),
            summary: self.value(
                "run",
                "summary",
                &given.summary,
                file.summary,
                SummaryFormat::default(),
            ),
            watch: watch.map(interval).transpose()?,
        };
        self.tell_teams("run.team_by_queue", &settings.team_by_queue);
        self.tell_teams("run.team_by_user", &settings.team_by_user);
        Ok(settings)
    }

    fn tell_teams(&mut self, section: &str, teams: &BTreeMap<String, String>) {
        for (name, team) in teams {
            let origin = self.place(&format!("{section}.{name}"));
            self.tell(section, name, Some(team.to_toml()), origin);
        }
    }

    /// A time that has a default, of section `run`.
    fn seconds(
        &mut self,
        key: &str,
        given: &Option<Sourced<NonZeroUsize>>,
        in_file: Option<NonZeroUsize>,
        default: NonZeroUsize,
    ) -> Duration {
        let seconds = self.value("run", key, given, in_file, default).get();
        Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
    }

    fn rules(&mut self, given: &SettingOverrides, file: RulesSection) -> RulesSettings {
        let dir = self.optional("rules", "dir", &given.rules_dir, file.dir.clone());
        let disabled = file.disabled();
        self.tell_list(
            "disabled",
            &disabled.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        self.tell_list(
            "prices",
            &file.prices.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        self.tell_parameters(&file.parameters);
        RulesSettings {
            dir: dir.map(|dir| dir.value),
            disabled,
            parameters: file.parameters,
            prices: file.prices.iter().map(PathBuf::from).collect(),
        }
    }

    fn notify(
        &mut self,
        given: &SettingOverrides,
        file: NotifySection,
    ) -> Result<NotifySettings, ConfigError> {
        let metrics = self.optional(
            "notify",
            "metrics_file",
            &given.metrics_file,
            file.metrics_file,
        );
        let findings = self.optional(
            "notify",
            "findings_file",
            &given.findings_file,
            file.findings_file,
        );
        let webhook_url =
            self.secret("webhook_url", file.webhook_url_env, file.webhook_url_file)?;
        let severity = file.min_severity;
        let min_severity = self.value(
            "notify",
            "min_severity",
            &None,
            severity,
            Severity::default(),
        );
        let max_findings = self
            .value(
                "notify",
                "max_findings",
                &None,
                file.max_findings,
                MAX_FINDINGS,
            )
            .get();
        let lineage_file =
            self.optional("notify", "openlineage_file", &None, file.openlineage_file);
        let lineage_url = self.optional("notify", "openlineage_url", &None, file.openlineage_url);
        let openlineage_token = self.secret(
            "openlineage_token",
            file.openlineage_token_env,
            file.openlineage_token_file,
        )?;
        let openlineage_namespace = self.value(
            "notify",
            "openlineage_namespace",
            &None,
            file.openlineage_namespace,
            "sparklake".to_owned(),
        );
        let parent = file.openlineage_parent.filter(|parent| !parent.is_empty());
        let parent = self.optional("notify", "openlineage_parent", &None, parent);
        let timeout = file.timeout_seconds;
        let timeout = self
            .value(
                "notify",
                "timeout_seconds",
                &None,
                timeout,
                NOTIFY_TIMEOUT_SECONDS,
            )
            .get();
        Ok(NotifySettings {
            metrics_file: metrics.map(|file| file.value),
            findings_file: findings.map(|file| file.value),
            webhook_url,
            min_severity,
            max_findings,
            openlineage_file: lineage_file.map(|file| file.value),
            openlineage_url: lineage_url.map(|url| url.value),
            openlineage_token,
            openlineage_namespace,
            openlineage_parent: parent.map(|parent| parent.value),
            timeout: Duration::from_secs(u64::try_from(timeout).unwrap_or(u64::MAX)),
        })
    }

    /// A secret of section `notify`, by `<name>_env` or `<name>_file`.
    fn secret(
        &mut self,
        name: &'static str,
        variable: Option<String>,
        file: Option<PathBuf>,
    ) -> Result<Option<SecretReference>, ConfigError> {
        let variable = self.optional("notify", &format!("{name}_env"), &None, variable);
        let file = self.optional("notify", &format!("{name}_file"), &None, file);
        if let (Some(_), Some(file)) = (&variable, &file) {
            let problem = format!("`{name}_env` and `{name}_file` are both set");
            return Err(Fault::new(problem, "keep one of them").at(file.origin.clone()));
        }
        let origin = match (&variable, &file) {
            (Some(variable), _) => variable.origin.clone(),
            (None, Some(file)) => file.origin.clone(),
            (None, None) => return Ok(None),
        };
        Ok(Some(SecretReference {
            name,
            variable: variable.map(|variable| variable.value),
            file: file.map(|file| file.value),
            origin,
        }))
    }

    fn redactor(&mut self, file: &RedactionSection) -> Result<Redactor, ConfigError> {
        for (key, values) in [("disable", &file.disable), ("extra", &file.extra)] {
            let origin = match values.is_empty() {
                true => Origin::Default,
                false => self.place(&format!("redaction.{key}")),
            };
            let value = Value::from(values.clone()).to_string();
            self.tell("redaction", key, Some(value), origin);
        }
        let settings = RedactionSettings {
            disable: file.disable.clone(),
            extra: file.extra.clone(),
        };
        Redactor::new(&settings).map_err(|error| {
            let key = match &error {
                RedactionError::UnknownPattern { .. } => "redaction.disable",
                RedactionError::Regex { .. } => "redaction.extra",
            };
            Fault::new(
                error.to_string(),
                "jobs/event-logs.toml describes the section [redaction]",
            )
            .at(self.place(key))
        })
    }

    fn ask(
        &mut self,
        given: &SettingOverrides,
        file: AskSection,
    ) -> Result<AskSettings, ConfigError> {
        let model_url = self.optional("ask", "model_url", &given.model_url, file.model_url);
        if let Some(url) = &model_url {
            secrets::refuse_inline("model_url", &url.value)
                .map_err(|fault| fault.at(url.origin.clone()))?;
        }
        let model = self.optional("ask", "model", &given.model, file.model);
        let api_key_env = self.optional("ask", "api_key_env", &given.api_key_env, file.api_key_env);
        let api_key_file = self.optional(
            "ask",
            "api_key_file",
            &given.api_key_file,
            file.api_key_file,
        );
        let rounds = self.value(
            "ask",
            "max_rounds",
            &given.max_rounds,
            file.max_rounds,
            MAX_ROUNDS,
        );
        let tokens = self.value(
            "ask",
            "max_tokens",
            &given.max_tokens,
            file.max_tokens,
            MAX_TOKENS,
        );
        let seconds = self.value(
            "ask",
            "answer_timeout_seconds",
            &given.answer_timeout_seconds,
            file.answer_timeout_seconds,
            ANSWER_TIMEOUT_SECONDS,
        );
        Ok(AskSettings {
            model_url,
            model: model.map(|model| model.value),
            api_key_env,
            api_key_file,
            max_rounds: rounds.get(),
            max_tokens: u64::try_from(tokens.get()).unwrap_or(u64::MAX),
            answer_timeout: Duration::from_secs(u64::try_from(seconds.get()).unwrap_or(u64::MAX)),
        })
    }

    fn log(&mut self, given: &SettingOverrides, file: &LogSection) -> LogSettings {
        let default = LogSettings::default();
        let (format, level, color) = (&given.log_format, &given.log_level, &given.color);
        LogSettings {
            format: self.value("log", "format", format, file.format, default.format),
            level: self.value("log", "level", level, file.level, default.level),
            color: self.value("log", "color", color, file.color, default.color),
        }
    }

    /// The value of a setting that has a default.
    fn value<T: ToToml>(
        &mut self,
        section: &str,
        key: &str,
        given: &Option<Sourced<T>>,
        in_file: Option<T>,
        default: T,
    ) -> T {
        let set = given
            .clone()
            .or_else(|| self.in_file(section, key, in_file));
        let picked = set.unwrap_or(Sourced {
            value: default,
            origin: Origin::Default,
        });
        self.tell(section, key, Some(picked.value.to_toml()), picked.origin);
        picked.value
    }

    /// The value of a setting that may be left out.
    fn optional<T: ToToml>(
        &mut self,
        section: &str,
        key: &str,
        given: &Option<Sourced<T>>,
        in_file: Option<T>,
    ) -> Option<Sourced<T>> {
        let set = given
            .clone()
            .or_else(|| self.in_file(section, key, in_file));
        let (value, origin) = match &set {
            Some(set) => (Some(set.value.to_toml()), set.origin.clone()),
            None => (None, Origin::Default),
        };
        self.tell(section, key, value, origin);
        set
    }

    fn in_file<T>(&self, section: &str, key: &str, value: Option<T>) -> Option<Sourced<T>> {
        value.map(|value| Sourced {
            value,
            origin: self.place(&format!("{section}.{key}")),
        })
    }

    fn tell(&mut self, section: &str, key: &str, value: Option<String>, origin: Origin) {
        self.effective.push(Effective {
            section: section.to_owned(),
            key: key.to_owned(),
            value,
            origin,
        });
    }

    fn place(&self, path: &str) -> Origin {
        self.file
            .as_ref()
            .map_or(Origin::Default, |file| file.origin(path))
    }

    /// Sources of the command line take the place of those of the file.
    fn sources(
        &mut self,
        given: &SettingOverrides,
        sections: Vec<SourceSection>,
        now: DateTime<Utc>,
    ) -> Result<Vec<SourceSettings>, ConfigError> {
        let of_flag = |kind, uris: &Option<Sourced<Vec<String>>>| {
            uris.as_ref().map(|uris| SourceSettings {
                section: SourceSection::of_uris(kind, uris.value.clone()),
                storage_options: StorageOptions::default(),
                headers: StorageOptions::default(),
                created_after: None,
                created_before: None,
                origin: uris.origin.clone(),
            })
        };
        let mut sources: Vec<SourceSettings> = of_flag(Platform::EventLog, &given.event_logs)
            .into_iter()
            .chain(of_flag(Platform::HistoryServer, &given.history_servers))
            .collect();
        if sources.is_empty() {
            sources = self.of_sections(sections);
        }
        for (index, source) in sources.iter_mut().enumerate() {
            self.refuse_other_kinds(index, source)?;
            check_source(source)?;
            aws_endpoints::check(&source.section)
                .map_err(|(key, fault)| fault.at(self.place(&format!("source[{index}].{key}"))))?;
            self.date_clusters(index, source, now)?;
            source.storage_options.overlay(&given.storage_options)?;
            source.storage_options.check_names()?;
            self.tell_source(index, source);
        }
        Ok(sources)
    }

    /// Refuses the keys that a source of this kind does not know.
    fn refuse_other_kinds(&self, index: usize, source: &SourceSettings) -> Result<(), ConfigError> {
        for key in declared(source).keys() {
            source_keys::refuse_other_kind(source.section.kind, key)
                .map_err(|fault| fault.at(self.place(&format!("source[{index}].{key}"))))?;
        }
        Ok(())
    }

    /// Reads the window in which a source's clusters were made.
    fn date_clusters(
        &self,
        index: usize,
        source: &mut SourceSettings,
        now: DateTime<Utc>,
    ) -> Result<(), ConfigError> {
        let sourced = |key: &str, value: &Option<String>| {
            value.clone().map(|value| Sourced {
                value,
                origin: self.place(&format!("source[{index}].{key}")),
            })
        };
        let section = &source.section;
        let after = sourced("created_after_date", &section.created_after_date);
        let before = sourced("created_before_date", &section.created_before_date);
        (source.created_after, source.created_before) = window(after, before, now)?;
        Ok(())
    }

    fn of_sections(&self, sections: Vec<SourceSection>) -> Vec<SourceSettings> {
        let of_section = |(index, section): (usize, SourceSection)| SourceSettings {
            storage_options: StorageOptions::of_section(&section.storage_options, |name| {
                self.place(&format!("source[{index}].storage_options.{name}"))
            }),
            headers: StorageOptions::of_section(&section.headers, |name| {
                self.place(&format!("source[{index}].headers.{name}"))
            }),
            created_after: None,
            created_before: None,
            origin: self.place(&format!("source[{index}]")),
            section,
        };
        sections.into_iter().enumerate().map(of_section).collect()
    }

    fn tell_source(&mut self, index: usize, source: &SourceSettings) {
        let section = format!("source[{index}]");
        let declared = declared(source);
        for key in source_keys::SOURCE_KEYS {
            if !key.kinds.contains(&source.section.kind)
                || matches!(key.name, "storage_options" | "headers")
            {
                continue;
            }
            let Some(value) = declared.get(key.name) else {
                let default = key.default.map(str::to_owned);
                self.tell(&section, key.name, default, Origin::Default);
                continue;
            };
            let origin = match &source.origin {
                Origin::File { .. } => self.place(&format!("{section}.{}", key.name)),
                given => given.clone(),
            };
            self.tell(&section, key.name, Some(masked(value).to_string()), origin);
        }
        self.tell_options(
            &format!("{section}.storage_options"),
            &source.storage_options,
        );
        self.tell_options(&format!("{section}.headers"), &source.headers);
    }

    fn tell_options(&mut self, section: &str, options: &StorageOptions) {
        for (name, option) in options.iter() {
            let value = secrets::masked(&option.value).to_toml();
            self.tell(section, name, Some(value), option.origin.clone());
        }
    }

    /// A list of the section `rules`.
    fn tell_list(&mut self, key: &str, list: &[&str]) {
        let origin = match list.is_empty() {
            true => Origin::Default,
            false => self.place(&format!("rules.{key}")),
        };
        let value = Value::from(list.to_vec()).to_string();
        self.tell("rules", key, Some(value), origin);
    }

    fn tell_parameters(&mut self, parameters: &BTreeMap<String, BTreeMap<String, SettingValue>>) {
        for (rule, values) in parameters {
            for (name, value) in values {
                let origin = self.place(&format!("rules.parameters.{rule}.{name}"));
                let value = Value::try_from(value).ok().map(|value| value.to_string());
                let section = format!("rules.parameters.{}", toml_key(rule));
                self.tell(&section, name, value, origin);
            }
        }
    }
}

/// What a source says, by key.
fn declared(source: &SourceSettings) -> Table {
    match Value::try_from(&source.section) {
        Ok(Value::Table(table)) => table,
        _ => Table::new(),
    }
}

/// An address without its query, in lists too.
fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(secrets::masked(text)),
        Value::Array(list) => Value::Array(list.iter().map(masked).collect()),
        other => other.clone(),
    }
}

fn check_lake(lake: Option<&Sourced<String>>) -> Result<(), ConfigError> {
    match lake {
        Some(lake) if lake.value.trim().is_empty() => {
            let fault = Fault::new("the lake's location is empty", "give a path or URI");
            Err(fault.at(lake.origin.clone()))
        }
        Some(lake) => secrets::refuse_inline("lake", &lake.value)
            .map_err(|fault| fault.at(lake.origin.clone())),
        None => Ok(()),
    }
}

fn check_source(source: &SourceSettings) -> Result<(), ConfigError> {
    let invalid =
        |problem: &str, cure: &str| Err(Fault::new(problem, cure).at(source.origin.clone()));
    let SourceSection { kind, uris, .. } = &source.section;
    if uris.iter().any(|uri| uri.trim().is_empty()) {
        return invalid("a place of event logs is empty", "give a path or URI");
    }
    for uri in uris {
        secrets::refuse_inline("uris", uri).map_err(|fault| fault.at(source.origin.clone()))?;
    }
    match kind {
        Platform::EventLog if uris.is_empty() => invalid(
            "this source does not say where its event logs are",
            "add uris = [\"/var/log/spark-events\"]",
        ),
        Platform::HistoryServer if uris.is_empty() => invalid(
            "this source does not say where the history server is",
            "add uris = [\"http://history-server:18080\"]",
        ),
        _ => Ok(()),
    }
}

/// The time between two rounds of a run that is repeated.
fn interval(text: Sourced<String>) -> Result<Duration, ConfigError> {
    let fault = |problem: String| {
        let cure = "write how long after the beginning of a round the next one begins: 30s, 5m, 1h";
        Fault::new(problem, cure).at(text.origin.clone())
    };
    let length = parse_duration(&text.value)
        .map_err(|_| fault(format!("`{}` is not a length of time", text.value)))?;
    match length.to_std() {
        Ok(length) if !length.is_zero() => Ok(length),
        _ => Err(fault(format!("`{}` is no time at all", text.value))),
    }
}

type Times = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

fn window(
    since: Option<Sourced<String>>,
    until: Option<Sourced<String>>,
    now: DateTime<Utc>,
) -> Result<Times, ConfigError> {
    let parse = |text: &Sourced<String>, bound| {
        parse_time(&text.value, now, bound).map_err(|fault| fault.at(text.origin.clone()))
    };
    let since_time = since
        .as_ref()
        .map(|text| parse(text, Bound::Since))
        .transpose()?;
    let until_time = until
        .as_ref()
        .map(|text| parse(text, Bound::Until))
        .transpose()?;
    if let (Some(begin), Some(end), Some(until)) = (since_time, until_time, &until)
        && begin >= end
    {
        let problem = format!(
            "the window ends ({}) before it begins ({})",
            end.format("%Y-%m-%dT%H:%M:%SZ"),
            begin.format("%Y-%m-%dT%H:%M:%SZ"),
        );
        let fault = Fault::new(problem, "give an `until` that is later than `since`");
        return Err(fault.at(until.origin.clone()));
    }
    Ok((since_time, until_time))
}

/// A value as TOML, for `config show`.
trait ToToml: Clone {
    fn to_toml(&self) -> String;
}

impl ToToml for String {
    fn to_toml(&self) -> String {
        Value::from(secrets::masked(self)).to_string()
    }
}

impl ToToml for bool {
    fn to_toml(&self) -> String {
        self.to_string()
    }
}

impl ToToml for NonZeroUsize {
    fn to_toml(&self) -> String {
        self.to_string()
    }
}

impl ToToml for PathBuf {
    fn to_toml(&self) -> String {
        Value::from(self.display().to_string()).to_string()
    }
}

macro_rules! shows_as_text {
    ($($kind:ty),*) => {$(
        impl ToToml for $kind {
            fn to_toml(&self) -> String {
                Value::from(self.to_string()).to_string()
            }
        }
    )*};
}
shows_as_text!(
    super::LogFormat,
    super::LogLevel,
    super::Color,
    Severity,
    SummaryFormat,
    Engine
);

impl ToToml for Vec<String> {
    fn to_toml(&self) -> String {
        Value::from(self.clone()).to_string()
    }
}
