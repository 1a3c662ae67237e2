//! Job and stage events.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::block::StorageLevel;
use super::lenient::{any_as_text, or_default};
use super::origin::{Origin, is_setting};
use super::task::Accumulable;

/// `SparkListenerJobStart`.
#[derive(Debug, Deserialize)]
pub struct JobStart {
    #[serde(rename = "Job ID")]
    pub job_id: i64,
    /// Epoch milliseconds; -1 where the log does not say.
    #[serde(rename = "Submission Time", default = "never")]
    pub submission_time: i64,
    #[serde(rename = "Stage Infos", default, deserialize_with = "or_default")]
    pub stage_infos: Vec<StageInfo>,
    #[serde(rename = "Stage IDs", default, deserialize_with = "or_default")]
    pub stage_ids: Vec<i64>,
    #[serde(rename = "Properties", default, deserialize_with = "or_default")]
    pub properties: JobProperties,
}

fn never() -> i64 {
    -1
}

impl JobStart {
    /// Spark 1.1 logged the ids of a job's stages alone: as in Spark's reader, stages without a name
    /// or tasks stand in until they are submitted.
    pub(super) fn stand_in_for_stages(&mut self) {
        if self.stage_infos.is_empty() {
            let infos = self.stage_ids.iter().copied().map(StageInfo::unknown);
            self.stage_infos = infos.collect();
        }
    }
}

/// `SparkListenerJobEnd`.
#[derive(Debug, Deserialize)]
pub struct JobEnd {
    #[serde(rename = "Job ID")]
    pub job_id: i64,
    #[serde(rename = "Completion Time", default = "never")]
    pub completion_time: i64,
    #[serde(rename = "Job Result")]
    pub result: JobResult,
}

/// How a job ended.
#[derive(Debug, Deserialize)]
pub struct JobResult {
    #[serde(rename = "Result")]
    pub result: String,
    #[serde(rename = "Exception", default)]
    pub exception: Option<JobFailure>,
}

/// The exception that failed a job.
#[derive(Debug, Deserialize)]
pub struct JobFailure {
    #[serde(rename = "Message", default, deserialize_with = "any_as_text")]
    pub message: Option<String>,
}

/// `SparkListenerStageSubmitted`.
#[derive(Debug, Deserialize)]
pub struct StageSubmitted {
    #[serde(rename = "Stage Info")]
    pub stage_info: StageInfo,
    #[serde(rename = "Properties", default, deserialize_with = "or_default")]
    pub properties: StageProperties,
}

/// `SparkListenerStageCompleted`.
#[derive(Deserialize)]
pub(super) struct StageCompleted {
    #[serde(rename = "Stage Info")]
    pub(super) stage_info: Box<StageInfo>,
}

/// What a stage is. Times are epoch milliseconds.
#[derive(Debug, Clone, Deserialize)]
pub struct StageInfo {
    #[serde(rename = "Stage ID")]
    pub stage_id: i64,
    #[serde(rename = "Stage Attempt ID", default, deserialize_with = "or_default")]
    pub attempt_id: i64,
    #[serde(rename = "Stage Name", default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(rename = "Number of Tasks", default, deserialize_with = "or_default")]
    pub num_tasks: i64,
    #[serde(rename = "RDD Info", default, deserialize_with = "or_default")]
    pub rdd_infos: Vec<RddInfo>,
    #[serde(rename = "Parent IDs", default, deserialize_with = "or_default")]
    pub parent_ids: Vec<i64>,
    #[serde(rename = "Details", default, deserialize_with = "or_default")]
    pub details: String,
    #[serde(rename = "Submission Time", default)]
    pub submission_time: Option<i64>,
    #[serde(rename = "Completion Time", default)]
    pub completion_time: Option<i64>,
    #[serde(rename = "Failure Reason", default)]
    pub failure_reason: Option<String>,
    #[serde(
        rename = "Accumulables",
        default,
        deserialize_with = "users_accumulables"
    )]
    pub accumulables: Vec<Accumulable>,
    #[serde(
        rename = "Resource Profile Id",
        default,
        deserialize_with = "or_default"
    )]
    pub resource_profile_id: i64,
    #[serde(
        rename = "Shuffle Push Enabled",
        default,
        deserialize_with = "or_default"
    )]
    pub shuffle_push_enabled: bool,
    #[serde(
        rename = "Shuffle Push Mergers Count",
        default,
        deserialize_with = "or_default"
    )]
    pub shuffle_push_mergers_count: i64,
}

impl StageInfo {
    /// A stage of which nothing but its id is known.
    fn unknown(stage_id: i64) -> Self {
        Self {
            stage_id,
            attempt_id: 0,
            name: "unknown".to_owned(),
            num_tasks: 0,
            rdd_infos: Vec::new(),
            parent_ids: Vec::new(),
            details: "unknown".to_owned(),
            submission_time: None,
            completion_time: None,
            failure_reason: None,
            accumulables: Vec::new(),
            resource_profile_id: 0,
            shuffle_push_enabled: false,
            shuffle_push_mergers_count: 0,
        }
    }
}

/// Keeps the user's accumulators: the others repeat task and SQL metrics.
fn users_accumulables<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Accumulable>, D::Error> {
    let all: Option<Vec<Accumulable>> = Option::deserialize(deserializer)?;
    Ok(all
        .unwrap_or_default()
        .into_iter()
        .filter(Accumulable::is_users)
        .collect())
}

/// What an RDD is, and how much of it was cached when the event was written.
#[derive(Debug, Clone, Deserialize)]
pub struct RddInfo {
    #[serde(rename = "RDD ID")]
    pub rdd_id: i64,
    #[serde(rename = "Name", default, deserialize_with = "or_default")]
    pub name: String,
    /// JSON with the name of the operation.
    #[serde(rename = "Scope", default, deserialize_with = "any_as_text")]
    pub scope: Option<String>,
    #[serde(rename = "Callsite", default, deserialize_with = "or_default")]
    pub call_site: String,
    #[serde(rename = "Parent IDs", default, deserialize_with = "or_default")]
    pub parent_ids: Vec<i64>,
    #[serde(rename = "Storage Level", default, deserialize_with = "or_default")]
    pub storage_level: StorageLevel,
    #[serde(
        rename = "Number of Partitions",
        default,
        deserialize_with = "or_default"
    )]
    pub num_partitions: i64,
}

/// The properties of a stage that tables show; the other hundreds are skipped.
#[derive(Debug, Default, Clone)]
pub struct StageProperties {
    /// `spark.job.description`
    pub description: Option<String>,
    /// `spark.scheduler.pool`
    pub scheduler_pool: Option<String>,
    /// `spark.sql.execution.id`
    pub sql_execution_id: Option<i64>,
}

/// The properties of a job that tables show.
#[derive(Debug, Default, Clone)]
pub struct JobProperties {
    /// `spark.job.description`
    pub description: Option<String>,
    /// `spark.jobGroup.id`
    pub job_group: Option<String>,
    /// `spark.job.tags`
    pub job_tags: Option<String>,
    /// `spark.sql.execution.id`
    pub sql_execution_id: Option<i64>,
    /// Who and what it runs for, as far as the platform sets it.
    pub origin: Origin,
    /// All that are settings of the session, the application's among them.
    pub settings: Vec<(String, String)>,
}

impl<'de> Deserialize<'de> for StageProperties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut properties = Self::default();
        each_property(deserializer, |key, value| match key {
            "spark.job.description" => properties.description = value.text(),
            "spark.scheduler.pool" => properties.scheduler_pool = value.text(),
            "spark.sql.execution.id" => properties.sql_execution_id = value.number(),
            _ => {}
        })?;
        Ok(properties)
    }
}

impl<'de> Deserialize<'de> for JobProperties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut properties = Self::default();
        each_property(deserializer, |key, value| match key {
            "spark.job.description" => properties.description = value.text(),
            "spark.jobGroup.id" => properties.job_group = value.text(),
            "spark.job.tags" => properties.job_tags = value.text(),
            "spark.sql.execution.id" => properties.sql_execution_id = value.number(),
            key if is_setting(key) => {
                let pair = value.text().map(|value| (key.to_owned(), value));
                properties.settings.extend(pair);
            }
            key => {
                if let Some(slot) = properties.origin.of_property(key) {
                    *slot = value.text().filter(|text| !text.is_empty());
                }
            }
        })?;
        Ok(properties)
    }
}

/// Gives each property to `take`, which copies the values it wants.
fn each_property<'de, D: Deserializer<'de>>(
    deserializer: D,
    take: impl FnMut(&str, &PropertyValue<'de>),
) -> Result<(), D::Error> {
    deserializer.deserialize_map(PropertiesVisitor(take))
}

struct PropertiesVisitor<F>(F);

/// The value of a property; not copied unless it is taken.
struct PropertyValue<'v>(&'v RawValue);

impl PropertyValue<'_> {
    /// The text; None for null and for what is no text.
    fn text(&self) -> Option<String> {
        serde_json::from_str(self.0.get()).ok()?
    }

    fn number(&self) -> Option<i64> {
        self.text()?.parse().ok()
    }
}

impl<'de, F: FnMut(&str, &PropertyValue<'de>)> Visitor<'de> for PropertiesVisitor<F> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a map of properties")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let value: &'de RawValue = map.next_value()?;
            (self.0)(&key, &PropertyValue(value));
        }
        Ok(())
    }
}
