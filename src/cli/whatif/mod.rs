//! `sparklake whatif`: what an application would take, and cost, on other executors.

mod answer;
mod find;
mod nodes;
mod numbers;

use clap::builder::BoolishValueParser;

use super::Context;
use super::arguments::LakeArguments;
use super::error::CliError;
use super::format::Format;
use super::interrupt::or_interrupted;
use super::lake;
use super::output::Output;
use super::size;
use crate::ask::AskLake;
use crate::simulate::{
    Backtest, Facts, Listed, Model, PastRun, Scenario, Shape, Way, backtest, cost, knee, list,
    read, standard_grid,
};
use answer::Answer;
use numbers::Numbers;

const EXAMPLE: &str = "sparklake whatif --lake ./lake --app app-20260101000000-0001";

/// Runs of the job that a prediction is tested on.
const TESTED_RUNS: usize = 8;

/// Predict run time and cost of an application on other executors
///
/// Schedules the tasks of the run again: on other executors, cores and memory, on spot instances,
/// with more data. Prints which size stops paying (knee), what the application ran with (current),
/// and how far earlier runs of the same job would have been missed.
#[derive(Debug, clap::Args)]
pub(super) struct WhatifArguments {
    #[command(flatten)]
    pub(super) lake: LakeArguments,
    /// Application: its id, or a part of its id or name that no other has
    #[arg(long, value_name = "ID")]
    app: String,
    /// Numbers of executors: 2,4,8 or 2..16 [default: half to four times what there was]
    #[arg(long, value_name = "NUMBERS")]
    executors: Option<Numbers>,
    /// Cores of each executor [default: as it was]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1024))]
    cores: Option<u32>,
    /// Heap of each executor, such as 8g [default: as it was]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory: Option<u64>,
    /// Run on spot instances: their price, and executors that are taken away
    #[arg(long)]
    spot: bool,
    /// Where to price it [default: where the application's cost comes from]
    #[arg(long, value_enum, value_name = "PLATFORM")]
    platform: Option<Deployment>,
    /// Times the data of the run, such as 2 or 0.5
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = growth)]
    data_growth: f64,
    /// Dynamic allocation on or off [default: as it was]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", value_parser = BoolishValueParser::new())]
    dynamic_allocation: Option<bool>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

/// A deployment of `application_costs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Deployment {
    #[value(name = "emr_ec2", alias = "emr")]
    EmrEc2,
    #[value(name = "emr_eks")]
    EmrEks,
    #[value(name = "emr_serverless")]
    EmrServerless,
    #[value(name = "databricks")]
    Databricks,
}

impl Deployment {
    fn name(self) -> &'static str {
        match self {
            Self::EmrEc2 => "emr_ec2",
            Self::EmrEks => "emr_eks",
            Self::EmrServerless => "emr_serverless",
            Self::Databricks => "databricks",
        }
    }
}

pub(super) async fn execute(
    arguments: &WhatifArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    or_interrupted(answer(arguments, context, output)).await
}

async fn answer(
    arguments: &WhatifArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let lake = lake::open(context, EXAMPLE).await?;
    let ask = lake::ask(&lake, context)?;
    let session = ask.session()?;
    let listed = list(&session).await?;
    let application = find::application(&listed, &arguments.app)?;
    let (facts, model) = read_one(&ask, application).await?;
    let scenarios = arguments.scenarios(&model)?;
    nodes::refuse_too_large(&session, &facts, &scenarios, arguments.platform).await?;
    let tested = test(&ask, &listed, application).await?;
    let band = tested.band();
    let predicted = tokio::task::spawn_blocking(move || {
        let predictions = model.predict_all(&scenarios, band);
        (model, predictions)
    });
    let (model, predictions) = predicted.await.map_err(std::io::Error::other)?;
    let way = arguments.way();
    let answer = Answer {
        costs: predictions
            .iter()
            .map(|prediction| cost(&facts, model.current(), prediction, &way))
            .collect(),
        knee: knee(&predictions),
        data_growth: arguments.data_growth,
        facts,
        model,
        predictions,
        tested,
        band,
        way,
    };
    answer.write(arguments.format, output)
}

impl WhatifArguments {
    fn way(&self) -> Way {
        Way {
            deployment: self.platform.map(|platform| platform.name().to_owned()),
            spot: self.spot,
        }
    }

    /// The questions, by size. What the application ran with is among them, to compare.
    fn scenarios(&self, model: &Model) -> Result<Vec<Scenario>, CliError> {
        let current = model.current();
        if (self.data_growth - 1.0).abs() > 1e-9 && !model.grows() {
            return Err(CliError::Usage(
                "--data-growth has nothing to grow: no stage of this application read data from \
                 storage or from a shuffle"
                    .to_owned(),
            ));
        }
        let like = |shape: Shape| Shape {
            cores: self.cores.unwrap_or(shape.cores),
            memory_bytes: self.memory.or(shape.memory_bytes),
            ..shape
        };
        let mut shapes: Vec<Shape> = match &self.executors {
            Some(numbers) => {
                let numbers = numbers.0.iter();
                let shapes = numbers.map(|executors| Shape {
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

async fn read_one(ask: &AskLake, application: &Listed) -> Result<(Facts, Model), CliError> {
    let session = ask.session()?;
    let wanted = std::slice::from_ref(&application.wanted);
    let mut facts = read(&session, wanted).await?;
    let facts = facts.pop().unwrap_or_default();
    let model = Model::new(&facts).map_err(|reason| CliError::NotKnown {
        application: find::named(application),
        reason,
    })?;
    Ok((facts, model))
}

/// Predicts the last runs of the application's job, each from the one before it.
async fn test(ask: &AskLake, listed: &[Listed], of: &Listed) -> Result<Backtest, CliError> {
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
            Err(CliError::NotKnown { .. }) => continue,
            Err(error) => return Err(error),
        };
        past.push(PastRun {
            application_id: run.wanted.key.application_id.clone(),
            input_bytes: facts.input_bytes,
            model,
        });
    }
    let tested = tokio::task::spawn_blocking(move || backtest(&past)).await;
    Ok(tested.map_err(std::io::Error::other)?)
}

fn memory(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 64 << 20;
    let bytes = size::bytes(text)?;
    if bytes < LEAST {
        return Err("an executor needs at least 64m".to_owned());
    }
    Ok(bytes)
}

fn growth(text: &str) -> Result<f64, String> {
    let factor: f64 = text
        .trim()
        .parse()
        .map_err(|_| "write a number such as 2 or 0.5")?;
    if !(0.01..=100.0).contains(&factor) {
        return Err("write a number from 0.01 to 100".to_owned());
    }
    Ok(factor)
}
