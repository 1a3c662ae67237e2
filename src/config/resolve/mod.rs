//! Decides each setting: flag, then environment variable, then job file, then default.

mod notify;
mod sources;
mod value;
mod window;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use chrono::{DateTime, Utc};
use toml::Value;

use self::value::ToToml;
use self::window::window;
use super::document::LoadedFile;
use super::engine::{Engine, TlsFiles};
use super::environment::Environment;
use super::error::{ConfigError, Fault};
use super::job_file::{
    AskSection, JobFile, LakeSection, LogSection, RedactionSection, RulesSection, RunSection,
    SummaryFormat,
};
use super::origin::{Origin, Sourced};
use super::secrets::{self, StorageOptions};
use super::settings::{
    AskSettings, Effective, LakeSettings, LogSettings, RulesSettings, RunSettings,
    SettingOverrides, Settings,
};
use super::show::toml_key;
use super::time::parse_duration;
use crate::model::SettingValue;
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
        let tls = self.tls(given, [file.tls_certificate, file.tls_key, file.tls_ca])?;
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
            trust_network: self.value(
                "run",
                "trust_network",
                &given.trust_network,
                file.trust_network,
                false,
            ),
            tls,
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

    fn tls(
        &mut self,
        given: &SettingOverrides,
        file: [Option<PathBuf>; 3],
    ) -> Result<Option<TlsFiles>, ConfigError> {
        let [certificate, key, ca] = file;
        let files = [
            self.optional(
                "run",
                "tls_certificate",
                &given.tls_certificate,
                certificate,
            ),
            self.optional("run", "tls_key", &given.tls_key, key),
            self.optional("run", "tls_ca", &given.tls_ca, ca),
        ];
        let set = files.iter().flatten().next();
        let origin = set.map_or(Origin::Default, |set| set.origin.clone());
        let [certificate, key, ca] = files.map(|file| file.map(|file| file.value));
        TlsFiles::of(certificate, key, ca)
            .map_err(|problem| Fault::new(problem, "give all three or none").at(origin))
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
