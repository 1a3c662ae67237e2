//! The table `simulations`: what each application would take on half to four times its executors.
//!
//! Made in Rust, because SQL cannot schedule. Applications that cannot be predicted, for example
//! without an end or without a task, have no rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
};
use async_trait::async_trait;
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, stream};

use super::conform::arrow_failure;
use super::error::AnalyzeError;
use super::narrow::Names;
use super::step::Step;
use crate::simulate::{
    Band, Facts, Model, Prediction, Scenario, Wanted, Way, columns, cost, knee, list, read,
    standard_grid,
};

/// The table.
const SIMULATIONS: &str = "simulations";

/// Grows when the rows of the same facts change.
const VERSION: u32 = 1;

/// Most tasks of a group of applications that are read together, unless one application has more.
const MAX_TASKS: u64 = 2_000_000;

/// Groups that are read and simulated side by side.
const GROUPS_AT_ONCE: usize = 2;

/// Makes the table, application by application.
#[derive(Debug)]
pub(super) struct Simulations {
    reads: Vec<String>,
}

impl Default for Simulations {
    fn default() -> Self {
        let reads = [
            "application_costs",
            "application_sizing",
            "applications",
            "environment",
            "executors",
            "jobs",
            "stages",
            "task_quantiles",
            "tasks",
        ];
        Self {
            reads: reads.map(str::to_owned).to_vec(),
        }
    }
}

#[async_trait]
impl Step for Simulations {
    fn id(&self) -> &'static str {
        SIMULATIONS
    }

    fn file(&self) -> &'static str {
        SIMULATIONS
    }

    fn reads(&self) -> &[String] {
        &self.reads
    }

    fn version(&self) -> String {
        format!("{SIMULATIONS} {VERSION}")
    }

    fn names(&self) -> Option<Names> {
        Some(Names::default().with(columns()))
    }

    async fn rows(&self, session: &SessionContext) -> Result<RecordBatch, AnalyzeError> {
        let failed = |error: DataFusionError| AnalyzeError::query(SIMULATIONS, error);
        let unread = |error: crate::simulate::ReadError| failed(*error.source);
        let lost = |error| failed(DataFusionError::ExecutionJoin(Box::new(error)));
        let listed = list(session).await.map_err(unread)?;
        let wanted = listed.into_iter().map(|listed| listed.wanted).collect();
        let mut simulated = stream::iter(groups(wanted))
            .map(|group| {
                let session = session.clone();
                // A task of its own: to read millions of tasks keeps a core busy.
                SpawnedTask::spawn(async move {
                    let facts = read(&session, &group).await?;
                    // Scheduling does too: not one that answers others.
                    Ok(SpawnedTask::spawn_blocking(move || simulate(&facts)).await)
                })
            })
            .buffered(GROUPS_AT_ONCE);
        let mut rows = Rows::default();
        while let Some(group) = simulated.next().await {
            let group = group.map_err(lost)?.map_err(unread)?;
            rows.0.extend(group.map_err(lost)?);
        }
        rows.batch()
    }
}

/// Applications that are read together.
fn groups(wanted: Vec<Wanted>) -> Vec<Vec<Wanted>> {
    let mut groups: Vec<Vec<Wanted>> = Vec::new();
    let mut tasks = 0_u64;
    for one in wanted {
        let with = tasks.saturating_add(one.num_tasks);
        match groups.last_mut() {
            Some(group) if with <= MAX_TASKS => {
                tasks = with;
                group.push(one);
            }
            _ => {
                tasks = one.num_tasks;
                groups.push(vec![one]);
            }
        }
    }
    groups
}

/// One row, with what it says about its application.
struct Row {
    application: Arc<Application>,
    prediction: Prediction,
    cost_usd: Option<f64>,
    is_knee: bool,
}

/// What the rows of an application have in common.
struct Application {
    key: crate::model::ApplicationKey,
    cluster_name: String,
    app_date: i32,
    job_key: Option<String>,
    measured_ms: u64,
    driver_ms: u64,
    critical_path_ms: u64,
    ideal_ms: u64,
    model_error_ratio: f64,
    dynamic_allocation: bool,
    task_source: &'static str,
    cost_basis: Option<String>,
    deployment: Option<String>,
}

fn simulate(facts: &[Facts]) -> Vec<Row> {
    facts.iter().flat_map(simulate_one).collect()
}

fn simulate_one(facts: &Facts) -> Vec<Row> {
    let (Ok(model), Some(key)) = (Model::new(facts), facts.key.clone()) else {
        return Vec::new();
    };
    let way = Way::default();
    let price = way.row(facts);
    let application = Arc::new(Application {
        key,
        cluster_name: facts.cluster_name.clone(),
        app_date: facts.app_date,
        job_key: facts.job_key.clone(),
        measured_ms: model.measured_ms(),
        driver_ms: model.driver_ms(),
        critical_path_ms: model.critical_path_ms(),
        ideal_ms: model.ideal_ms(),
        model_error_ratio: model.model_error_ratio(),
        dynamic_allocation: model.dynamic_allocation(),
        task_source: facts.task_source().name(),
        cost_basis: price.map(|price| price.basis.clone()),
        deployment: price.map(|price| price.deployment.clone()),
    });
    let scenarios: Vec<Scenario> = standard_grid(&model)
        .into_iter()
        .map(Scenario::of)
        .collect();
    let predictions = model.predict_all(&scenarios, Band::default());
    let knee = knee(&predictions);
    let rows = predictions
        .into_iter()
        .enumerate()
        .map(|(place, prediction)| Row {
            application: Arc::clone(&application),
            cost_usd: cost(facts, model.current(), &prediction, &way),
            is_knee: knee == Some(place),
            prediction,
        });
    rows.collect()
}

#[derive(Default)]
struct Rows(Vec<Row>);

impl Rows {
    fn batch(&self) -> Result<RecordBatch, AnalyzeError> {
        let columns: [(&str, ArrayRef); 26] = [
            (
                "platform",
                self.texts(|row| Some(&row.application.key.platform)),
            ),
            (
                "cluster_id",
                self.texts(|row| Some(&row.application.key.cluster_id)),
            ),
            (
                "cluster_name",
                self.texts(|row| Some(&row.application.cluster_name)),
            ),
            (
                "application_id",
                self.texts(|row| Some(&row.application.key.application_id)),
            ),
            (
                "attempt_id",
                self.texts(|row| Some(&row.application.key.attempt_id)),
            ),
            (
                "job_key",
                self.texts(|row| row.application.job_key.as_ref()),
            ),
            (
                "executors",
                self.ints(|row| Some(row.prediction.scenario.shape.executors.into())),
            ),
            (
                "cores_per_executor",
                self.ints(|row| Some(row.prediction.scenario.shape.cores.into())),
            ),
            (
                "memory_bytes",
                self.ints(|row| row.prediction.scenario.shape.memory_bytes),
            ),
            (
                "duration_ms",
                self.ints(|row| Some(row.prediction.duration_ms)),
            ),
            ("low_ms", self.ints(|row| Some(row.prediction.low_ms))),
            ("high_ms", self.ints(|row| Some(row.prediction.high_ms))),
            (
                "core_time_ms",
                self.ints(|row| Some(row.prediction.core_time_ms)),
            ),
            (
                "idle_ratio",
                self.doubles(|row| Some(row.prediction.idle_ratio)),
            ),
            ("cost_usd", self.doubles(|row| row.cost_usd)),
            (
                "cost_basis",
                self.texts(|row| row.application.cost_basis.as_ref()),
            ),
            (
                "deployment",
                self.texts(|row| row.application.deployment.as_ref()),
            ),
            (
                "is_current",
                self.flags(|row| Some(row.prediction.is_current)),
            ),
            ("is_knee", self.flags(|row| Some(row.is_knee))),
            ("fits_memory", self.flags(|row| row.prediction.fits_memory)),
            (
                "dynamic_allocation",
                self.flags(|row| Some(row.application.dynamic_allocation)),
            ),
            (
                "measured_ms",
                self.ints(|row| Some(row.application.measured_ms)),
            ),
            (
                "driver_ms",
                self.ints(|row| Some(row.application.driver_ms)),
            ),
            (
                "critical_path_ms",
                self.ints(|row| Some(row.application.critical_path_ms)),
            ),
            ("ideal_ms", self.ints(|row| Some(row.application.ideal_ms))),
            (
                "model_error_ratio",
                self.doubles(|row| Some(row.application.model_error_ratio)),
            ),
        ];
        let sources = self.0.iter().map(|row| row.application.task_source);
        let dates = self.0.iter().map(|row| row.application.app_date);
        let columns = columns.into_iter().chain([
            (
                "task_source",
                Arc::new(StringArray::from_iter_values(sources)) as ArrayRef,
            ),
            (
                "app_date",
                Arc::new(Date32Array::from_iter_values(dates)) as ArrayRef,
            ),
        ]);
        let columns = columns.map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(columns).map_err(arrow_failure(SIMULATIONS))
    }

    fn texts<'r>(&'r self, value: impl Fn(&'r Row) -> Option<&'r String>) -> ArrayRef {
        Arc::new(self.0.iter().map(value).collect::<StringArray>())
    }

    fn ints(&self, value: impl Fn(&Row) -> Option<u64>) -> ArrayRef {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let values = self.0.iter().map(|row| value(row).map(number));
        Arc::new(values.collect::<Int64Array>())
    }

    fn doubles(&self, value: impl Fn(&Row) -> Option<f64>) -> ArrayRef {
        Arc::new(self.0.iter().map(value).collect::<Float64Array>())
    }

    fn flags(&self, value: impl Fn(&Row) -> Option<bool>) -> ArrayRef {
        Arc::new(self.0.iter().map(value).collect::<BooleanArray>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ApplicationKey;

    #[test]
    fn applications_are_read_in_groups_of_bounded_tasks() {
        let wanted = |tasks: &[u64]| {
            let wanted = tasks.iter().map(|num_tasks| Wanted {
                key: ApplicationKey {
                    platform: String::new(),
                    cluster_id: String::new(),
                    application_id: String::new(),
                    attempt_id: String::new(),
                },
                app_date: 0,
                num_tasks: *num_tasks,
            });
            let groups = groups(wanted.collect()).into_iter();
            groups.map(|group| group.len()).collect::<Vec<_>>()
        };
        assert_eq!(wanted(&[1, 2, 3]), [3]);
        assert_eq!(wanted(&[1, MAX_TASKS, 5_000_000, 1, 2]), [1, 1, 1, 2]);
        assert!(wanted(&[]).is_empty());
    }
}
