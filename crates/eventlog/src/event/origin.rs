//! Who and what a job or query runs for, and with which settings.

use serde::Deserialize;

use super::lenient::or_default;

/// Who and what a job or query runs for, as far as the platform says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Origin {
    pub user_name: Option<String>,
    pub notebook_id: Option<String>,
    pub notebook_path: Option<String>,
    /// The platform's job, such as a Databricks job; not Spark's.
    pub platform_job_id: Option<String>,
    pub platform_run_id: Option<String>,
    /// Session of Spark Connect, of the Thrift server or of a notebook.
    pub session_id: Option<String>,
    /// Operation of Spark Connect or statement of the Thrift server.
    pub statement_id: Option<String>,
    pub streaming_query_id: Option<String>,
}

impl Origin {
    /// Where the value of a job's property belongs.
    pub(super) fn of_property(&mut self, key: &str) -> Option<&mut Option<String>> {
        match key {
            "user" => Some(&mut self.user_name),
            "spark.databricks.notebook.id" => Some(&mut self.notebook_id),
            "spark.databricks.notebook.path" => Some(&mut self.notebook_path),
            "spark.databricks.job.id" => Some(&mut self.platform_job_id),
            "spark.databricks.job.runId" => Some(&mut self.platform_run_id),
            "spark.databricks.replId" => Some(&mut self.session_id),
            "sql.streaming.queryId" => Some(&mut self.streaming_query_id),
            _ => None,
        }
    }

    /// Takes from `other` what is not known yet.
    pub fn complete(&mut self, other: &Self) {
        let Self {
            user_name,
            notebook_id,
            notebook_path,
            platform_job_id,
            platform_run_id,
            session_id,
            statement_id,
            streaming_query_id,
        } = self;
        for (own, theirs) in [
            (user_name, &other.user_name),
            (notebook_id, &other.notebook_id),
            (notebook_path, &other.notebook_path),
            (platform_job_id, &other.platform_job_id),
            (platform_run_id, &other.platform_run_id),
            (session_id, &other.session_id),
            (statement_id, &other.statement_id),
            (streaming_query_id, &other.streaming_query_id),
        ] {
            if own.is_none() {
                own.clone_from(theirs);
            }
        }
    }
}

/// Whether a property of a job is a setting of Spark that a user may have made, and not an id, a
/// state, or what the platform says about its cluster.
#[must_use]
pub fn is_setting(key: &str) -> bool {
    const STATES: [&str; 33] = [
        "spark.app.",
        "spark.databricks.api.",
        "spark.databricks.cluster",
        "spark.databricks.delta.lastCommit",
        "spark.databricks.env",
        "spark.databricks.execution.",
        "spark.databricks.inherited.",
        "spark.databricks.job.",
        "spark.databricks.notebook.",
        "spark.databricks.replId",
        "spark.databricks.sparkContextId",
        "spark.databricks.token",
        "spark.databricks.workload.",
        "spark.databricks.workspace",
        "spark.driver.host",
        "spark.driver.port",
        "spark.executor.id",
        "spark.home",
        "spark.job.",
        "spark.jobGroup.",
        "spark.org.apache.hadoop.yarn.",
        "spark.plugins.internal.",
        "spark.rdd.scope",
        "spark.repl.",
        "spark.scheduler.pool",
        "spark.sql.artifact.",
        "spark.sql.dataset.queryExecution.",
        "spark.sql.execution.id",
        "spark.sql.execution.parent",
        "spark.sql.execution.query.id",
        "spark.sql.execution.root",
        "spark.sql.warehouse.dir",
        "spark.yarn.app.",
    ];
    key.starts_with("spark.")
        && !STATES.iter().any(|state| key.starts_with(state))
        && !key.ends_with("derby.temp.dir")
}

/// An operation of Spark Connect or a statement of the Thrift server began.
#[derive(Debug, Clone, Default)]
pub struct OperationStarted {
    /// The job tag or the job group that all its jobs have.
    pub key: String,
    pub statement_id: Option<String>,
    pub session_id: Option<String>,
    pub user_name: Option<String>,
    pub statement: Option<String>,
}

/// `SparkListenerConnectOperationStarted`.
#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
pub(super) struct ConnectOperationStarted {
    #[serde(deserialize_with = "or_default")]
    job_tag: String,
    operation_id: Option<String>,
    session_id: Option<String>,
    user_id: Option<String>,
    user_name: Option<String>,
    statement_text: Option<String>,
}

/// `SparkListenerThriftServerOperationStart`.
#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
pub(super) struct ThriftOperationStart {
    id: Option<String>,
    session_id: Option<String>,
    statement: Option<String>,
    #[serde(deserialize_with = "or_default")]
    group_id: String,
    user_name: Option<String>,
}

impl From<ConnectOperationStarted> for OperationStarted {
    fn from(event: ConnectOperationStarted) -> Self {
        Self {
            key: event.job_tag,
            statement_id: filled(event.operation_id),
            session_id: filled(event.session_id),
            user_name: filled(event.user_name).or(filled(event.user_id)),
            statement: filled(event.statement_text),
        }
    }
}

impl From<ThriftOperationStart> for OperationStarted {
    fn from(event: ThriftOperationStart) -> Self {
        Self {
            key: event.group_id,
            statement_id: filled(event.id),
            session_id: filled(event.session_id),
            user_name: filled(event.user_name),
            statement: filled(event.statement),
        }
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_told_from_ids_and_states() {
        for key in [
            "spark.sql.shuffle.partitions",
            "spark.sql.adaptive.enabled",
            "spark.databricks.delta.optimizeWrite.enabled",
            "spark.hadoop.fs.s3a.connection.maximum",
            "spark.rapids.sql.enabled",
            "spark.sql.execution.arrow.pyspark.enabled",
        ] {
            assert!(is_setting(key), "{key}");
        }
        for key in [
            "spark.sql.execution.id",
            "spark.sql.execution.query.id",
            "spark.sql.dataset.queryExecution.id",
            "spark.rdd.scope.noOverride",
            "spark.databricks.clusterUsageTags.clusterId",
            "spark.jobGroup.id",
            "spark.app.startTime",
            "spark.r.sql.derby.temp.dir",
            "fs.azure.account.oauth2.client.secret",
            "user",
        ] {
            assert!(!is_setting(key), "{key}");
        }
    }
}
