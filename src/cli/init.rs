//! `sparklake init`: a job file to begin with.

use super::error::CliError;
use super::output::Output;

/// Print a commented job file for a source
///
/// Save it, fill in what it asks for, then try it: sparklake doctor JOB.toml
#[derive(Debug, clap::Args)]
pub(super) struct InitArguments {
    /// Where histories come from
    #[arg(value_enum, value_name = "SOURCE")]
    source: JobTemplate,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum JobTemplate {
    /// Clusters of EMR on EC2
    Emr,
    /// EMR Serverless
    EmrServerless,
    /// EMR on EKS
    EmrEks,
    /// A Databricks workspace
    Databricks,
    /// A Spark History Server, or a driver that runs
    HistoryServer,
    /// Folders of event logs
    EventLogs,
}

impl JobTemplate {
    fn text(self) -> &'static str {
        match self {
            Self::Emr => include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/emr.toml")),
            Self::EmrServerless => {
                include_str!(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/jobs/emr-serverless.toml"
                ))
            }
            Self::EmrEks => {
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/emr-eks.toml"))
            }
            Self::Databricks => {
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/databricks.toml"))
            }
            Self::HistoryServer => {
                include_str!(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/jobs/history-server.toml"
                ))
            }
            Self::EventLogs => {
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/event-logs.toml"))
            }
        }
    }
}

pub(super) fn execute(arguments: &InitArguments, output: &mut Output) -> Result<(), CliError> {
    Ok(output.text(arguments.source.text())?)
}
