//! `sparklake export settings`: what a recurring job should change, in the form that its platform takes.

use std::path::PathBuf;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use serde_json::{Map, Value, json};

use super::Context;
use super::arguments::LakeArguments;
use super::catalog::Rules;
use super::error::CliError;
use super::lake;
use crate::analyze::AnalyzeError;
use crate::ask::QueryLimits;
use crate::publish::settings::{Change, diff, spark_defaults, spark_submit};

/// The file of `sql/status` that finds the changes.
const QUERY: &str = "job_settings";

/// The settings that a recurring job should change, next or at all
#[derive(Debug, clap::Args)]
pub(super) struct JobSettingsArguments {
    #[command(flatten)]
    pub(super) lake: LakeArguments,
    /// The recurring job: its job_key
    #[arg(long, value_name = "JOB_KEY")]
    job: String,
    /// All proposed changes, and not only the next one
    #[arg(long)]
    all: bool,
    /// Form of the settings
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: SettingsFormat,
    /// File to write to, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum SettingsFormat {
    /// What changes, why, and from which value
    #[default]
    Diff,
    /// Options of spark-submit
    SparkSubmit,
    /// Lines of spark-defaults.conf
    SparkDefaults,
    /// A configuration of EMR on EC2 and EMR on EKS
    Emr,
    /// A configuration override of an EMR Serverless job run
    EmrServerless,
    /// The Spark configuration of a Databricks cluster
    Databricks,
}

/// The text to write.
///
/// # Errors
/// The lake cannot be read, or nothing is proposed for such a job.
pub(super) async fn text(
    arguments: &JobSettingsArguments,
    context: &Context,
) -> Result<String, CliError> {
    let example = "sparklake export settings --lake ./lake --job nightly";
    let lake = lake::open(context, example).await?;
    let catalog = Rules::of(&context.settings.rules)?.as_run;
    let query = &catalog.status(QUERY)?.query;
    let parameters = [
        ("job_key", ScalarValue::from(arguments.job.as_str())),
        ("all", ScalarValue::from(arguments.all)),
    ];
    let answer = lake::ask(&lake, context)?
        .query(&query.statement, &parameters, &QueryLimits::default())
        .await?;
    let changes = changes(&answer.into_batch()?)
        .map_err(|error| AnalyzeError::query(&query.file, error.into()))?;
    if changes.is_empty() {
        return Err(CliError::Usage(format!(
            "nothing is proposed for the job `{}`; `sparklake sql \"SELECT job_key, status FROM \
             recommendations\"` lists the jobs that have recommendations",
            arguments.job
        )));
    }
    Ok(arguments.format.write(&changes))
}

fn changes(rows: &RecordBatch) -> Result<Vec<Change>, arrow::error::ArrowError> {
    let text = |name: &str| -> Result<ArrayRef, arrow::error::ArrowError> {
        let column = rows.column_by_name(name).ok_or_else(|| {
            arrow::error::ArrowError::SchemaError(format!("there is no column `{name}`"))
        })?;
        cast(column, &DataType::Utf8)
    };
    let [keys, current, recommended, reasons] = [
        text("config_key")?,
        text("current_value")?,
        text("recommended_value")?,
        text("reason")?,
    ];
    let value = |column: &ArrayRef, row: usize| {
        let column = column.as_string::<i32>();
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let change = |row| Change {
        key: value(&keys, row).unwrap_or_default(),
        current: value(&current, row),
        recommended: value(&recommended, row).unwrap_or_default(),
        reason: value(&reasons, row).unwrap_or_default(),
    };
    Ok((0..rows.num_rows()).map(change).collect())
}

impl SettingsFormat {
    fn write(self, changes: &[Change]) -> String {
        let properties: Map<String, Value> = changes
            .iter()
            .filter(|change| !change.is_of_session())
            .map(|change| (change.key.clone(), Value::from(change.recommended.clone())))
            .collect();
        let classification = json!({"Classification": "spark-defaults", "Properties": properties});
        let document = match self {
            Self::Diff => return diff(changes),
            Self::SparkSubmit => return spark_submit(changes),
            Self::SparkDefaults => return spark_defaults(changes),
            Self::Emr => json!([classification]),
            Self::EmrServerless => json!({"applicationConfiguration": [
                {"classification": "spark-defaults", "properties": properties}
            ]}),
            Self::Databricks => json!({"spark_conf": properties}),
        };
        format!("{document:#}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> Vec<Change> {
        let change = |key: &str, current: Option<&str>, recommended: &str| Change {
            key: key.to_owned(),
            current: current.map(str::to_owned),
            recommended: recommended.to_owned(),
            reason: format!("Set {key}."),
        };
        vec![
            change("spark.executor.memory", Some("4g"), "8g"),
            change(
                "spark.executor.extraJavaOptions",
                None,
                "-XX:+UseG1GC -Dx='y'",
            ),
        ]
    }

    #[test]
    fn each_platform_gets_its_own_form() {
        let written = |format: SettingsFormat| format.write(&changes());
        assert_eq!(
            written(SettingsFormat::Diff),
            "# Set spark.executor.memory.\n-spark.executor.memory 4g\n+spark.executor.memory 8g\n\
             # Set spark.executor.extraJavaOptions.\n\
             +spark.executor.extraJavaOptions -XX:+UseG1GC -Dx='y'\n"
        );
        assert_eq!(
            written(SettingsFormat::SparkSubmit),
            "--conf spark.executor.memory=8g \\\n\
             --conf 'spark.executor.extraJavaOptions=-XX:+UseG1GC -Dx='\\''y'\\'''\n"
        );
        assert_eq!(
            written(SettingsFormat::SparkDefaults),
            "# was 4g: Set spark.executor.memory.\nspark.executor.memory 8g\n\
             # was not set: Set spark.executor.extraJavaOptions.\n\
             spark.executor.extraJavaOptions -XX:+UseG1GC -Dx='y'\n"
        );
        let json = |format| -> Value { serde_json::from_str(&written(format)).expect("JSON") };
        let emr = json(SettingsFormat::Emr);
        assert_eq!(emr[0]["Classification"], "spark-defaults");
        assert_eq!(emr[0]["Properties"]["spark.executor.memory"], "8g");
        let serverless = json(SettingsFormat::EmrServerless);
        let properties = &serverless["applicationConfiguration"][0]["properties"];
        assert_eq!(
            properties["spark.executor.extraJavaOptions"],
            "-XX:+UseG1GC -Dx='y'"
        );
        assert_eq!(
            json(SettingsFormat::Databricks)["spark_conf"]["spark.executor.memory"],
            "8g"
        );
    }
}
