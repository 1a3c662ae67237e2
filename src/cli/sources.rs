//! From `[[source]]` of the settings to the sources that the pipeline works with.

use std::path::Path;
#[cfg(any(feature = "databricks", feature = "emr"))]
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::error::CliError;
use crate::config::{Environment, RunSettings, SourceSettings, secret};
#[cfg(feature = "emr")]
use crate::discover::JobRunSource;
#[cfg(feature = "emr")]
use crate::discover::aws::AwsSettings;
#[cfg(feature = "databricks")]
use crate::discover::databricks::{DataPlane, Databricks, DatabricksAuth, DatabricksSource};
#[cfg(feature = "emr")]
use crate::discover::emr::{Emr, EmrSource};
#[cfg(feature = "emr")]
use crate::discover::emr_eks::EmrEks;
#[cfg(feature = "emr")]
use crate::discover::emr_serverless::EmrServerless;
use crate::discover::event_logs::{EventLogSource, unsupported_scheme};
use crate::discover::history_server::HistoryServerSource;
#[cfg(any(feature = "databricks", feature = "emr"))]
use crate::discover::{ClusterPlatform, DiscoverError, Pace};
use crate::http::{Auth, ClientSettings, HttpSettings, Secret};
use crate::model::Platform;
use crate::pipeline::Source;
use crate::unit::{AwsAccess, Credentials};

/// Failures in a row after which a kind of request is given up for a Databricks workspace, unless set.
const DATABRICKS_FAILURES: u32 = 20;
/// Addresses of live drivers and History Servers that are given without a scheme.
const DEFAULT_SCHEME: &str = "http://";

/// The sources that `settings` describe: a history server has one address each.
///
/// # Errors
/// A setting is missing or makes no sense, or a secret is not where it is said to be.
pub(super) async fn of(
    settings: &SourceSettings,
    run: &RunSettings,
    environment: &Environment,
) -> Result<Vec<Source>, CliError> {
    let given = GivenSource {
        settings,
        run,
        environment,
    };
    match settings.section.kind {
        Platform::EventLog => {
            for uri in &settings.section.uris {
                if let Some(scheme) = unsupported_scheme(uri) {
                    return given.usage(&format!(
                        "`{uri}` cannot be read: there is no `{scheme}://`; give a path, or an \
                         address that begins with s3://, gs://, abfss:// or https://"
                    ));
                }
            }
            Ok(vec![Source::EventLogs(EventLogSource {
                uris: settings.section.uris.clone(),
                name: settings.section.name.clone(),
                storage_options: settings.storage_options.resolve(environment)?,
            })])
        }
        Platform::HistoryServer => given.history_servers(),
        #[cfg(not(feature = "emr"))]
        Platform::Emr | Platform::EmrServerless | Platform::EmrEks => given.not_built("emr"),
        #[cfg(not(feature = "databricks"))]
        Platform::Databricks => given.not_built("databricks"),
        #[cfg(feature = "emr")]
        Platform::Emr => given.platform(Emr::connect(given.emr()?).await),
        #[cfg(feature = "emr")]
        Platform::EmrServerless => {
            let source = given.job_runs(&given.settings.section.application_ids)?;
            given.platform(EmrServerless::connect(source).await)
        }
        #[cfg(feature = "emr")]
        Platform::EmrEks => {
            let source = given.job_runs(&given.settings.section.virtual_cluster_ids)?;
            given.platform(EmrEks::connect(source).await)
        }
        #[cfg(feature = "databricks")]
        Platform::Databricks => {
            let source = given.databricks()?;
            let uri = source.workspace_url.to_string();
            let platform = Databricks::new(source);
            given.platform(platform.map_err(|source| DiscoverError::Http { uri, source }))
        }
    }
}

/// How the stores of a source's logs are opened by another process; `None` where the options of the
/// source are not enough for that.
pub(super) fn credentials(settings: &SourceSettings) -> Option<Credentials> {
    let section = &settings.section;
    let aws = match section.kind {
        Platform::EventLog => None,
        Platform::Emr | Platform::EmrServerless | Platform::EmrEks => Some(AwsAccess {
            region: section.aws_region.clone(),
            profile: section.aws_profile.clone(),
            endpoint_url: section.aws_endpoint_url.clone(),
            endpoint_urls: section.aws_endpoint_urls.clone(),
            assume_role_arn: section.assume_role_arn.clone(),
            external_id: section.external_id.clone(),
        }),
        // The cluster names the region of its bucket, and files of a workspace need its session.
        Platform::Databricks | Platform::HistoryServer => return None,
    };
    let credentials = Credentials::of(&settings.storage_options);
    Some(Credentials { aws, ..credentials })
}

/// A source as it was given, and what its settings refer to.
struct GivenSource<'g> {
    settings: &'g SourceSettings,
    #[cfg_attr(
        not(any(feature = "databricks", feature = "emr")),
        allow(dead_code, reason = "platforms use it")
    )]
    run: &'g RunSettings,
    environment: &'g Environment,
}

impl GivenSource<'_> {
    #[cfg(not(all(feature = "databricks", feature = "emr")))]
    fn not_built(&self, feature: &str) -> Result<Vec<Source>, CliError> {
        let kind = self.settings.section.kind;
        self.usage(&format!(
            "this sparklake cannot ask {kind}: it was built without the cargo feature `{feature}`; use \
             a build that has it"
        ))
    }

    fn usage<T>(&self, problem: &str) -> Result<T, CliError> {
        let origin = &self.settings.origin;
        Err(CliError::Usage(format!("{origin}: {problem}")))
    }

    #[cfg(any(feature = "databricks", feature = "emr"))]
    fn platform<P: ClusterPlatform + 'static>(
        &self,
        platform: Result<P, DiscoverError>,
    ) -> Result<Vec<Source>, CliError> {
        match platform {
            Ok(platform) => Ok(vec![Source::Platform(Arc::new(platform))]),
            Err(error) => self.usage(&error.to_string()),
        }
    }

    fn history_servers(&self) -> Result<Vec<Source>, CliError> {
        let section = &self.settings.section;
        let access = section.access.unwrap_or_default();
        let of_address = |address: &String| {
            Ok(Source::HistoryServer(Box::new(HistoryServerSource {
                client: ClientSettings::with(self.address(address)?, self.http()?),
                name: section.name.clone(),
                access,
                application_id: None,
            })))
        };
        section.uris.iter().map(of_address).collect()
    }
}

#[cfg(feature = "emr")]
impl GivenSource<'_> {
    fn emr(&self) -> Result<EmrSource, CliError> {
        let section = &self.settings.section;
        let default = EmrSource::default();
        Ok(EmrSource {
            aws: self.aws(),
            cluster_arns: section.emr_cluster_arn.clone(),
            cluster_states: or_default(&section.cluster_states, default.cluster_states),
            cluster_name_filter: section.cluster_name_filter.clone(),
            max_clusters: section.max_clusters.map(usize::from),
            created_after: self.settings.created_after,
            created_before: self.settings.created_before,
            custom_hours_threshold: section
                .custom_hours_threshold
                .map_or(0, |hours| i64::try_from(hours).unwrap_or(i64::MAX)),
            persistent_ui: section.managed_ui.unwrap_or(default.persistent_ui),
            persistent_ui_timeout: section
                .persistent_ui_timeout_seconds
                .map_or(default.persistent_ui_timeout, seconds),
            execution_role_arn: section.execution_role_arn.clone(),
            http: self.http()?,
            pace: self.pace(),
            read_process_logs: section.process_logs.unwrap_or(default.read_process_logs),
            collect_metrics: section.cluster_metrics.unwrap_or(default.collect_metrics),
            yarn_resource_manager_url: section.yarn_resource_manager_url.clone(),
            storage_options: self.settings.storage_options.resolve(self.environment)?,
            max_applications: self.run.max_applications,
        })
    }

    /// Of EMR Serverless and EMR on EKS, whose clusters have these ids.
    fn job_runs(&self, cluster_ids: &[String]) -> Result<JobRunSource, CliError> {
        let section = &self.settings.section;
        let default = JobRunSource::default();
        Ok(JobRunSource {
            aws: self.aws(),
            cluster_ids: cluster_ids.to_vec(),
            cluster_states: section.cluster_states.clone(),
            name_filter: section.cluster_name_filter.clone(),
            job_run_states: section.job_run_states.clone(),
            created_after: self.settings.created_after,
            created_before: self.settings.created_before,
            max_clusters: section.max_clusters.map(usize::from),
            max_applications: self.run.max_applications,
            managed_ui: section.managed_ui.unwrap_or(default.managed_ui),
            managed_ui_timeout: section
                .persistent_ui_timeout_seconds
                .map_or(default.managed_ui_timeout, seconds),
            http: self.http()?,
            storage_options: self.settings.storage_options.resolve(self.environment)?,
            read_process_logs: section.process_logs.unwrap_or(default.read_process_logs),
            pace: self.pace(),
            ..default
        })
    }
}

#[cfg(feature = "databricks")]
impl GivenSource<'_> {
    fn databricks(&self) -> Result<DatabricksSource, CliError> {
        let section = &self.settings.section;
        let Some(workspace) = &section.workspace_url else {
            return self.usage(
                "this source does not say which workspace; add workspace_url = \
                 \"https://example.cloud.databricks.com\"",
            );
        };
        let mut source = DatabricksSource::new(self.address(workspace)?, self.databricks_auth()?);
        source.cluster_states.clone_from(&section.cluster_states);
        source.cluster_name_filter = section.cluster_name_filter.clone().unwrap_or_default();
        source.max_clusters = section.max_clusters.map(usize::from);
        source.created_after = self.settings.created_after;
        source.created_before = self.settings.created_before;
        source.http = self.http()?;
        source.storage_options = self.settings.storage_options.resolve(self.environment)?;
        source.destinations = section.destinations.clone();
        source.data_plane = self.data_plane()?;
        source.read_process_logs = section.process_logs.unwrap_or(source.read_process_logs);
        source.pace = self.pace();
        source.max_applications = self.run.max_applications;
        Ok(source)
    }

    fn databricks_auth(&self) -> Result<DatabricksAuth, CliError> {
        let section = &self.settings.section;
        let secret_of_client = self.secret(
            "client_secret",
            section.client_secret_env.as_deref(),
            section.client_secret_file.as_deref(),
        )?;
        match (self.token()?, &section.client_id, secret_of_client) {
            (Some(token), None, _) => Ok(DatabricksAuth::Token(token)),
            (_, Some(client_id), Some(client_secret)) => Ok(DatabricksAuth::OAuthM2m {
                client_id: client_id.clone(),
                client_secret,
            }),
            (_, Some(_), None) => self
                .usage("client_id needs its secret; add client_secret_env or client_secret_file"),
            (None, None, _) => self.usage(
                "this source does not say who asks; add token_env or token_file, or client_id with \
                 client_secret_env",
            ),
        }
    }

    fn data_plane(&self) -> Result<Option<DataPlane>, CliError> {
        let section = &self.settings.section;
        let cookie = self.secret(
            "data_plane_cookie",
            section.data_plane_cookie_env.as_deref(),
            section.data_plane_cookie_file.as_deref(),
        )?;
        match (&section.data_plane_url, cookie) {
            (Some(url), Some(cookie)) => Ok(Some(DataPlane {
                url: self.address(url)?,
                cookie,
            })),
            (None, None) => Ok(None),
            _ => self.usage(
                "the data plane needs both its address (data_plane_url) and a cookie \
                 (data_plane_cookie_env or data_plane_cookie_file)",
            ),
        }
    }
}

#[cfg(feature = "emr")]
impl GivenSource<'_> {
    fn aws(&self) -> AwsSettings {
        let section = &self.settings.section;
        let default = AwsSettings::default();
        AwsSettings {
            region: section.aws_region.clone(),
            profile: section.aws_profile.clone(),
            endpoint_url: section.aws_endpoint_url.clone(),
            endpoint_urls: section.aws_endpoint_urls.clone(),
            max_endpoint_failures: section
                .max_endpoint_failures
                .map_or(default.max_endpoint_failures, |most| {
                    u32::try_from(most.get()).unwrap_or(u32::MAX)
                }),
            assume_role_arn: section.assume_role_arn.clone(),
            external_id: section.external_id.clone(),
            max_attempts: section
                .max_attempts
                .map_or(default.max_attempts, |attempts| {
                    u32::try_from(attempts.get()).unwrap_or(u32::MAX)
                }),
            ..default
        }
    }
}

#[cfg(any(feature = "databricks", feature = "emr"))]
impl GivenSource<'_> {
    fn pace(&self) -> Pace {
        let section = &self.settings.section;
        let default = Pace::default();
        Pace {
            max_cluster_threads: section
                .max_cluster_threads
                .map_or(default.max_cluster_threads, usize::from),
            batch_size: section.batch_size.map_or(default.batch_size, usize::from),
            batch_delay: section
                .batch_delay_seconds
                .map_or(default.batch_delay, Duration::from_secs),
        }
    }
}

impl GivenSource<'_> {
    /// How servers are talked to.
    fn http(&self) -> Result<HttpSettings, CliError> {
        let section = &self.settings.section;
        let default = HttpSettings::default();
        let count =
            |number: std::num::NonZeroUsize| u32::try_from(number.get()).unwrap_or(u32::MAX);
        let headers = self.settings.headers.resolve(self.environment)?;
        Ok(HttpSettings {
            auth: self.auth()?,
            headers: headers
                .into_iter()
                .map(|(name, value)| (name, Secret::new(value)))
                .collect(),
            cookies: self.secret(
                "cookies",
                section.cookies_env.as_deref(),
                section.cookies_file.as_deref(),
            )?,
            ca_file: section.ca_file.clone(),
            accept_invalid_certificates: section
                .accept_invalid_certificates
                .unwrap_or(default.accept_invalid_certificates),
            read_timeout: section
                .timeout_seconds
                .map_or(default.read_timeout, seconds),
            request_deadline: section
                .request_deadline_seconds
                .map_or(default.request_deadline, seconds),
            attempts: section.max_attempts.map_or(default.attempts, count),
            concurrency: section
                .max_requests
                .map_or(default.concurrency, usize::from),
            max_endpoint_failures: match (section.max_endpoint_failures, section.kind) {
                (Some(most), _) => count(most),
                // One client asks for all clusters of a workspace: a few that one may not see must
                // not end it for the others.
                (None, Platform::Databricks) => DATABRICKS_FAILURES,
                (None, _) => default.max_endpoint_failures,
            },
            ..default
        })
    }

    fn auth(&self) -> Result<Auth, CliError> {
        let section = &self.settings.section;
        let password = self.secret(
            "password",
            section.password_env.as_deref(),
            section.password_file.as_deref(),
        )?;
        // The token of a Databricks workspace is sent by its own login.
        let token = match section.kind {
            Platform::Databricks => None,
            _ => self.token()?,
        };
        match (&section.username, password, token) {
            (Some(username), Some(password), None) => Ok(Auth::Basic {
                username: username.clone(),
                password,
            }),
            (None, None, Some(token)) => Ok(Auth::Bearer(token)),
            (None, None, None) => Ok(Auth::None),
            (Some(_), None, _) => {
                self.usage("username needs its password; add password_env or password_file")
            }
            (None, Some(_), _) => self.usage("the password has no user; add username"),
            (Some(_), Some(_), Some(_)) => {
                self.usage("give a username with its password, or a token, not both")
            }
        }
    }

    fn token(&self) -> Result<Option<Secret>, CliError> {
        let section = &self.settings.section;
        self.secret(
            "token",
            section.token_env.as_deref(),
            section.token_file.as_deref(),
        )
    }

    fn secret(
        &self,
        name: &str,
        variable: Option<&str>,
        file: Option<&Path>,
    ) -> Result<Option<Secret>, CliError> {
        let origin = &self.settings.origin;
        let secret = secret(name, variable, file, origin, self.environment)?;
        Ok(secret.map(Secret::new))
    }

    /// The address that a user wrote, also without its scheme.
    fn address(&self, text: &str) -> Result<Url, CliError> {
        let text = text.trim();
        let whole = match text.contains("://") {
            true => text.to_owned(),
            false => format!("{DEFAULT_SCHEME}{text}"),
        };
        match Url::parse(&whole) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
            _ => self.usage(&format!(
                "`{text}` is not the address of a server; write for example http://host:18080"
            )),
        }
    }
}

fn seconds(number: std::num::NonZeroUsize) -> Duration {
    Duration::from_secs(u64::try_from(number.get()).unwrap_or(u64::MAX))
}

#[cfg(feature = "emr")]
fn or_default(given: &[String], default: Vec<String>) -> Vec<String> {
    if given.is_empty() {
        default
    } else {
        given.to_vec()
    }
}
