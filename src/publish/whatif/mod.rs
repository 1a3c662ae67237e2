//! What an application would take, and cost, on other executors: the answer of `sparklake whatif` and
//! of the tool of that name. [`crate::simulate`] makes the predictions; what is here chooses the sizes,
//! refuses those that no machine holds, tests the predictions on earlier runs and puts them into rows
//! ([`WhatIf::rows`]) and sentences ([`WhatIf::sentences`]).

mod counts;
mod machines;
mod rows;
mod sentences;

use crate::ask::{AskError, AskLake};
use crate::simulate::{
    Backtest, Band, Facts, Listed, Model, PastRun, Prediction, ReadError, Scenario, Shape, Unknown,
    Way, backtest, cost, knee, read, standard_grid,
};
pub use counts::ExecutorCounts;

/// Runs of the job that a prediction is tested on.
const TESTED_RUNS: usize = 8;
/// Least heap of an executor in bytes.
const LEAST_HEAP: u64 = 64 << 20;

/// What is asked. What is `None` is as it was in the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Numbers of executors; `None`: half to four times what there was.
    pub executors: Option<ExecutorCounts>,
    /// Cores of each executor.
    pub cores: Option<u32>,
    /// Heap of each executor.
    pub memory_bytes: Option<u64>,
    /// Whether they run on spot instances.
    pub spot: bool,
    /// Where they are priced; `None`: where the application's cost comes from.
    pub deployment: Option<Deployment>,
    /// Times the data of the run.
    pub data_growth: f64,
    /// Dynamic allocation on or off.
    pub dynamic_allocation: Option<bool>,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            executors: None,
            cores: None,
            memory_bytes: None,
            spot: false,
            deployment: None,
            data_growth: 1.0,
            dynamic_allocation: None,
        }
    }
}

/// A deployment of `application_costs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deployment {
    /// EMR on EC2.
    EmrEc2,
    /// EMR on EKS.
    EmrEks,
    /// EMR Serverless.
    EmrServerless,
    /// Databricks.
    Databricks,
}

impl Deployment {
    /// Their names, as in `application_costs`.
    pub const NAMES: [&'static str; 4] = ["emr_ec2", "emr_eks", "emr_serverless", "databricks"];

    /// Its name in `application_costs`.
    pub fn name(self) -> &'static str {
        match self {
            Self::EmrEc2 => "emr_ec2",
            Self::EmrEks => "emr_eks",
            Self::EmrServerless => "emr_serverless",
            Self::Databricks => "databricks",
        }
    }

    /// The deployment of that name.
    pub fn named(name: &str) -> Option<Self> {
        [
            Self::EmrEc2,
            Self::EmrEks,
            Self::EmrServerless,
            Self::Databricks,
        ]
        .into_iter()
        .find(|one| one.name() == name)
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WhatifError {
    /// The question makes no sense for this application.
    #[error("{0}")]
    Usage(String),
    /// Nothing can be predicted.
    #[error("nothing can be predicted for {application}: {reason}")]
    NotKnown {
        /// The application that was asked for.
        application: String,
        /// What its history lacks.
        reason: Unknown,
    },
    /// The lake cannot be asked.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A table could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A column could not be brought into another form.
    #[error("the answer cannot be read: {0}")]
    Format(#[from] arrow::error::ArrowError),
    /// The predictions ended early.
    #[error("the prediction ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// All that was asked and found.
#[derive(Debug)]
pub struct WhatIf {
    /// What the lake knows of the application.
    pub facts: Facts,
    /// Its tasks, ready to be scheduled again.
    pub model: Model,
    /// One for each size, by size.
    pub predictions: Vec<Prediction>,
    /// What each of them costs in USD.
    pub costs: Vec<Option<f64>>,
    /// The place of the last size that pays.
    pub knee: Option<usize>,
    /// Times the data of the run.
    pub data_growth: f64,
    /// How far earlier runs of the job would have been missed.
    pub tested: Backtest,
    /// The interval around predictions.
    pub band: Band,
    /// How the executors are bought.
    pub way: Way,
}

/// Answers a question about one application out of those that `listed` names.
///
/// # Errors
/// Nothing can be predicted, no machine holds what is asked for, or the lake cannot be asked.
pub async fn what_if(
    ask: &AskLake,
    listed: &[Listed],
    application: &Listed,
    question: &Question,
) -> Result<WhatIf, WhatifError> {
    question.check()?;
    let (facts, model) = read_one(ask, application).await?;
    let scenarios = question.scenarios(&model)?;
    let session = ask.session()?;
    machines::refuse_too_large(&session, &facts, &scenarios, question.deployment).await?;
    let tested = test(ask, listed, application).await?;
    let band = tested.band();
    let predicted = tokio::task::spawn_blocking(move || {
        let predictions = model.predict_all(&scenarios, band);
        (model, predictions)
    });
    let (model, predictions) = predicted.await?;
    let way = question.way();
    Ok(WhatIf {
        costs: predictions
            .iter()
            .map(|prediction| cost(&facts, model.current(), prediction, &way))
            .collect(),
        knee: knee(&predictions),
        data_growth: question.data_growth,
        facts,
        model,
        predictions,
        tested,
        band,
        way,
    })
}

/// The id of an application, with its name where its history tells one.
pub fn named(application: &Listed) -> String {
    let id = &application.wanted.key.application_id;
    let text = match application.name.as_str() {
        "" => id.clone(),
        name => format!("{id} ({name})"),
    };
    crate::model::printable(&text)
}

/// Heap of an executor as people write it, such as `8g`.
///
/// # Errors
/// What to write instead.
pub fn heap(text: &str) -> Result<u64, String> {
    let bytes = crate::model::size_in_bytes(text)?;
    if bytes < LEAST_HEAP {
        return Err("an executor needs at least 64m".to_owned());
    }
    Ok(bytes)
}

/// A factor of the data as people write it, such as `2` or `0.5`.
///
/// # Errors
/// What to write instead.
pub fn growth(text: &str) -> Result<f64, String> {
    let factor: f64 = text
        .trim()
        .parse()
        .map_err(|_| "write a number such as 2 or 0.5")?;
    match is_growth(factor) {
        true => Ok(factor),
        false => Err("write a number from 0.01 to 100".to_owned()),
    }
}

fn is_growth(factor: f64) -> bool {
    (0.01..=100.0).contains(&factor)
}

impl Question {
    /// What callers that build a question by hand could get wrong.
    fn check(&self) -> Result<(), WhatifError> {
        let has_none = |counts: &ExecutorCounts| counts.0.is_empty() || counts.0.contains(&0);
        let is_wrong = self.executors.as_ref().is_some_and(has_none)
            || self.cores == Some(0)
            || self.memory_bytes.is_some_and(|bytes| bytes < LEAST_HEAP)
            || !is_growth(self.data_growth);
        match is_wrong {
            true => Err(WhatifError::Usage(
                "executors and cores are numbers from 1 on, memory is at least 64m, data grows by 0.01 to 100"
                    .to_owned(),
            )),
            false => Ok(()),
        }
    }

    fn way(&self) -> Way {
        Way {
            deployment: self.deployment.map(|one| one.name().to_owned()),
            spot: self.spot,
        }
    }

    /// The scenarios, by size. What the application ran with is among them, to compare.
    fn scenarios(&self, model: &Model) -> Result<Vec<Scenario>, WhatifError> {
        let current = model.current();
        if (self.data_growth - 1.0).abs() > 1e-9 && !model.grows() {
            return Err(WhatifError::Usage(
                "the data growth has nothing to grow: no stage of this application read data from \
                 storage or from a shuffle"
                    .to_owned(),
            ));
        }
        let like = |shape: Shape| Shape {
            cores: self.cores.unwrap_or(shape.cores),
            memory_bytes: self.memory_bytes.or(shape.memory_bytes),
            ..shape
        };
        let mut shapes: Vec<Shape> = match &self.executors {
            Some(counts) => {
                let counts = counts.0.iter();
                let shapes = counts.map(|executors| Shape {
                    executors: *executors,
                    ..current
                });
                shapes.map(like).collect()
            }
            // In local mode the grid is one of cores, unless these are given.
            None => standard_grid(model).into_iter().map(like).collect(),
        };
        if !self.spot {
            shapes.push(current);
        }
        shapes.sort_unstable_by_key(|shape| (shape.total_cores(), *shape));
        shapes.dedup();
        let scenarios = shapes.into_iter().map(|shape| Scenario {
            data_growth: self.data_growth,
            dynamic_allocation: self.dynamic_allocation,
            spot: self.spot,
            ..Scenario::of(shape)
        });
        Ok(scenarios.collect())
    }
}

async fn read_one(ask: &AskLake, application: &Listed) -> Result<(Facts, Model), WhatifError> {
    let session = ask.session()?;
    let wanted = std::slice::from_ref(&application.wanted);
    let mut facts = read(&session, wanted).await?;
    let facts = facts.pop().unwrap_or_default();
    let model = Model::new(&facts).map_err(|reason| WhatifError::NotKnown {
        application: named(application),
        reason,
    })?;
    Ok((facts, model))
}

/// Predicts the last runs of the application's job, each from the one before it.
async fn test(ask: &AskLake, listed: &[Listed], of: &Listed) -> Result<Backtest, WhatifError> {
    let mut runs: Vec<&Listed> = listed
        .iter()
        .filter(|run| run.job_key.is_some() && run.job_key == of.job_key && run.has_succeeded)
        .collect();
    runs.sort_by_key(|run| run.start_ms);
    let mut past = Vec::new();
    for run in runs.iter().skip(runs.len().saturating_sub(TESTED_RUNS)) {
        let (facts, model) = match read_one(ask, run).await {
            Ok(known) => known,
            // A run that cannot be predicted tells nothing about those that can.
            Err(WhatifError::NotKnown { .. }) => continue,
            Err(error) => return Err(error),
        };
        past.push(PastRun {
            application_id: run.wanted.key.application_id.clone(),
            input_bytes: facts.input_bytes,
            model,
        });
    }
    Ok(tokio::task::spawn_blocking(move || backtest(&past)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ApplicationKey;
    use crate::simulate::Wanted;

    #[test]
    fn an_application_without_a_name_is_its_id() {
        let listed = |name: &str| Listed {
            wanted: Wanted {
                key: ApplicationKey {
                    platform: "event_log".to_owned(),
                    cluster_id: "c".to_owned(),
                    application_id: "app-1".to_owned(),
                    attempt_id: "0".to_owned(),
                },
                app_date: 0,
                num_tasks: 0,
            },
            name: name.to_owned(),
            job_key: None,
            start_ms: 0,
            has_succeeded: true,
        };
        assert_eq!(named(&listed("etl")), "app-1 (etl)");
        assert_eq!(named(&listed("")), "app-1");
    }

    #[test]
    fn a_question_built_by_hand_is_checked_like_a_typed_one() {
        let wrong = [
            Question {
                executors: Some(ExecutorCounts(vec![0])),
                ..Question::default()
            },
            Question {
                cores: Some(0),
                ..Question::default()
            },
            Question {
                memory_bytes: Some(1),
                ..Question::default()
            },
            Question {
                data_growth: f64::NAN,
                ..Question::default()
            },
        ];
        for question in wrong {
            assert!(question.check().is_err(), "{question:?}");
        }
        assert!(Question::default().check().is_ok());
        for name in Deployment::NAMES {
            assert_eq!(Deployment::named(name).map(Deployment::name), Some(name));
        }
        assert!(heap("32m").is_err() && growth("0").is_err());
        assert_eq!((heap("1g"), growth("2")), (Ok(1 << 30), Ok(2.0)));
    }
}
