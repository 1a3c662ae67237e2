//! `sparklake whatif`: what an application would take, and cost, on other executors.

mod find;
mod show;

use clap::builder::BoolishValueParser;

use super::Context;
use super::arguments::LakeArguments;
use super::error::CliError;
use super::format::Format;
use super::interrupt::or_interrupted;
use super::lake;
use super::output::Output;
use crate::publish::whatif::{self, ExecutorCounts, Question, growth, heap};
use crate::simulate::list;

const EXAMPLE: &str = "sparklake whatif --lake ./lake --app app-20260101000000-0001";

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
    executors: Option<ExecutorCounts>,
    /// Cores of each executor [default: as it was]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1024))]
    cores: Option<u32>,
    /// Heap of each executor, such as 8g [default: as it was]
    #[arg(long, value_name = "SIZE", value_parser = heap)]
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
    fn of_costs(self) -> whatif::Deployment {
        match self {
            Self::EmrEc2 => whatif::Deployment::EmrEc2,
            Self::EmrEks => whatif::Deployment::EmrEks,
            Self::EmrServerless => whatif::Deployment::EmrServerless,
            Self::Databricks => whatif::Deployment::Databricks,
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
    let listed = list(&ask.session()?).await?;
    let application = find::application(&listed, &arguments.app)?;
    let question = arguments.question();
    let answer = whatif::what_if(&ask, &listed, application, &question).await?;
    show::write(&answer, arguments.format, output)
}

impl WhatifArguments {
    fn question(&self) -> Question {
        Question {
            executors: self.executors.clone(),
            cores: self.cores,
            memory_bytes: self.memory,
            spot: self.spot,
            deployment: self.platform.map(Deployment::of_costs),
            data_growth: self.data_growth,
            dynamic_allocation: self.dynamic_allocation,
        }
    }
}
