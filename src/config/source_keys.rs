//! The keys of a `[[source]]`: which kinds of source know them, their defaults and what they mean.
//! `config show`, the errors about keys and the manual page take them from here.

use Platform::{Databricks, Emr, EmrEks, EmrServerless, EventLog, HistoryServer};

use super::error::Fault;
use crate::model::Platform;

/// A key of a `[[source]]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceKey {
    /// Its name.
    pub name: &'static str,
    /// The kinds of source that know it.
    pub kinds: &'static [Platform],
    /// Its default as TOML; `None` where it has none, or one that depends on the kind.
    pub default: Option<&'static str>,
    /// What it means.
    pub description: &'static str,
}

const ALL: &[Platform] = &[
    EventLog,
    HistoryServer,
    Emr,
    EmrServerless,
    EmrEks,
    Databricks,
];
const NAMED: &[Platform] = &[EventLog, HistoryServer];
const STORED: &[Platform] = &[EventLog, Emr, EmrServerless, EmrEks, Databricks];
const SERVER: &[Platform] = &[HistoryServer];
const TOKEN: &[Platform] = &[HistoryServer, Databricks];
const HTTP: &[Platform] = &[HistoryServer, Emr, EmrServerless, EmrEks, Databricks];
const CLUSTERS: &[Platform] = &[Emr, EmrServerless, EmrEks, Databricks];
const AWS: &[Platform] = &[Emr, EmrServerless, EmrEks];
const EMR: &[Platform] = &[Emr];
const EMR_UI: &[Platform] = &[Emr, EmrEks];
const SERVERLESS: &[Platform] = &[EmrServerless];
const EKS: &[Platform] = &[EmrEks];
const JOB_RUNS: &[Platform] = &[EmrServerless, EmrEks];
const DATABRICKS: &[Platform] = &[Databricks];

/// Every key, in the order in which they are shown.
pub const SOURCE_KEYS: &[SourceKey] = &[
    key(ALL, "kind", None, "What it is"),
    key(
        NAMED,
        "name",
        None,
        "What to call it: cluster_id and cluster_name in the tables; the folder or host by default",
    ),
    key(
        NAMED,
        "uris",
        None,
        "Folders or files of event logs, or addresses of history servers",
    ),
    key(
        STORED,
        "storage_options",
        None,
        "Settings of the object store",
    ),
    key(
        SERVER,
        "access",
        Some("\"log_then_rest\""),
        "Whether the raw log, the walk over REST, or both ways are used",
    ),
    key(
        SERVER,
        "username",
        None,
        "User of basic authentication, with password_env or password_file",
    ),
    key(
        SERVER,
        "password_env",
        None,
        "Variable that holds the password",
    ),
    key(
        SERVER,
        "password_file",
        None,
        "File that holds the password",
    ),
    key(TOKEN, "token_env", None, "Variable that holds the token"),
    key(TOKEN, "token_file", None, "File that holds the token"),
    key(
        SERVER,
        "cookies_env",
        None,
        "Variable that holds the value of a Cookie header",
    ),
    key(
        SERVER,
        "cookies_file",
        None,
        "File that holds the value of a Cookie header",
    ),
    key(
        HTTP,
        "headers",
        None,
        "More headers of each request; secrets as <name>_env or <name>_file",
    ),
    key(HTTP, "ca_file", None, "More certificate authorities, PEM"),
    key(
        HTTP,
        "accept_invalid_certificates",
        Some("false"),
        "Whether invalid certificates are accepted",
    ),
    key(
        HTTP,
        "max_requests",
        Some("8"),
        "Requests to one server at the same time",
    ),
    key(
        HTTP,
        "max_attempts",
        Some("5"),
        "Attempts of one request, the first included",
    ),
    key(
        HTTP,
        "timeout_seconds",
        Some("300"),
        "Longest wait for one answer, in seconds",
    ),
    key(
        HTTP,
        "request_deadline_seconds",
        Some("1200"),
        "Longest time for one request with all its attempts, in seconds",
    ),
    key(
        HTTP,
        "max_endpoint_failures",
        None,
        "Failures in a row after which a kind of call is given up in this run: 3 by default, 20 for a \
         Databricks workspace",
    ),
    key(
        CLUSTERS,
        "cluster_states",
        None,
        "States of clusters to look at; ALL for any",
    ),
    key(
        CLUSTERS,
        "cluster_name_filter",
        None,
        "Part of the names of clusters to look at, in any case",
    ),
    key(
        CLUSTERS,
        "max_clusters",
        None,
        "Most clusters, newest first",
    ),
    key(
        CLUSTERS,
        "created_after_date",
        None,
        "Only clusters made since then",
    ),
    key(
        CLUSTERS,
        "created_before_date",
        None,
        "Only clusters made before then",
    ),
    key(
        CLUSTERS,
        "max_cluster_threads",
        Some("4"),
        "Clusters asked at the same time",
    ),
    key(
        CLUSTERS,
        "batch_size",
        Some("8"),
        "Clusters committed together",
    ),
    key(
        CLUSTERS,
        "batch_delay_seconds",
        Some("0"),
        "Rest between two batches, in seconds",
    ),
    key(
        CLUSTERS,
        "process_logs",
        Some("false"),
        "Whether logs of drivers and executors are searched for known errors",
    ),
    key(
        EMR,
        "cluster_metrics",
        Some("true"),
        "Whether memory and cores in use are asked for",
    ),
    key(
        EMR,
        "yarn_resource_manager_url",
        None,
        "Address of the YARN ResourceManager; {master_dns} stands for the name of the master",
    ),
    key(
        AWS,
        "managed_ui",
        Some("true"),
        "Whether history that only the platform shows is fetched from there",
    ),
    key(AWS, "aws_region", None, "AWS region"),
    key(
        AWS,
        "aws_profile",
        None,
        "Profile of the AWS configuration files",
    ),
    key(
        AWS,
        "aws_endpoint_url",
        None,
        "Address of all AWS services, S3 included: a test server, a gateway",
    ),
    key(
        AWS,
        "aws_endpoint_urls",
        None,
        "Addresses of single AWS services, such as VPC endpoints: service = address",
    ),
    key(AWS, "assume_role_arn", None, "Role to assume"),
    key(
        EMR,
        "execution_role_arn",
        None,
        "Role for the application interface, on clusters with runtime roles",
    ),
    key(
        AWS,
        "external_id",
        None,
        "External id for assuming the role",
    ),
    key(
        EMR,
        "emr_cluster_arn",
        None,
        "Clusters to look at, by ARN or id; all that the filters let through by default",
    ),
    key(
        EMR,
        "custom_hours_threshold",
        Some("0"),
        "Only clusters with at least so many normalized instance hours",
    ),
    key(
        EMR_UI,
        "persistent_ui_timeout_seconds",
        Some("180"),
        "Longest wait for the persistent application interface, in seconds",
    ),
    key(
        SERVERLESS,
        "application_ids",
        None,
        "Applications to look at; all by default",
    ),
    key(
        EKS,
        "virtual_cluster_ids",
        None,
        "Virtual clusters to look at; all by default",
    ),
    key(
        JOB_RUNS,
        "job_run_states",
        None,
        "States of job runs to look at; ALL for any",
    ),
    key(
        DATABRICKS,
        "workspace_url",
        None,
        "Address of the workspace",
    ),
    key(
        DATABRICKS,
        "client_id",
        None,
        "Service principal, for OAuth machine-to-machine",
    ),
    key(
        DATABRICKS,
        "client_secret_env",
        None,
        "Variable that holds its secret",
    ),
    key(
        DATABRICKS,
        "client_secret_file",
        None,
        "File that holds its secret",
    ),
    key(
        DATABRICKS,
        "destinations",
        None,
        "Where a log destination is read instead, such as the bucket behind a mount",
    ),
    key(
        DATABRICKS,
        "data_plane_url",
        None,
        "Address of the data plane, to read the Spark UI from with a cookie; not supported by Databricks",
    ),
    key(
        DATABRICKS,
        "data_plane_cookie_env",
        None,
        "Variable that holds the cookie DATAPLANE_DOMAIN_DBAUTH",
    ),
    key(
        DATABRICKS,
        "data_plane_cookie_file",
        None,
        "File that holds the cookie DATAPLANE_DOMAIN_DBAUTH",
    ),
];

const fn key(
    kinds: &'static [Platform],
    name: &'static str,
    default: Option<&'static str>,
    description: &'static str,
) -> SourceKey {
    SourceKey {
        name,
        kinds,
        default,
        description,
    }
}

/// The key of that name.
pub(super) fn source_key(name: &str) -> Option<&'static SourceKey> {
    SOURCE_KEYS.iter().find(|key| key.name == name)
}

/// Refuses a key that a source of this kind does not know.
pub(super) fn refuse_other_kind(kind: Platform, name: &str) -> Result<(), Fault> {
    match source_key(name) {
        Some(key) if !key.kinds.contains(&kind) => {
            let kinds: Vec<&str> = key.kinds.iter().map(|kind| kind.as_str()).collect();
            Err(Fault::new(
                format!("`{name}` is no setting of a source of kind {kind}"),
                format!("it belongs to {}; remove it here", kinds.join(", ")),
            ))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::field_names::field_names;
    use crate::config::source_section::SourceSection;

    #[test]
    fn every_key_is_declared_once() {
        let declared: Vec<&str> = SOURCE_KEYS.iter().map(|key| key.name).collect();
        let distinct: BTreeSet<&str> = declared.iter().copied().collect();
        let known: BTreeSet<&str> = field_names::<SourceSection>().iter().copied().collect();
        assert_eq!(distinct, known);
        assert_eq!(distinct.len(), declared.len());
    }

    #[test]
    fn defaults_are_toml() {
        for key in SOURCE_KEYS {
            if let Some(default) = key.default {
                let text = format!("{} = {default}", key.name);
                toml::from_str::<toml::Table>(&text).expect(key.name);
            }
        }
    }
}
