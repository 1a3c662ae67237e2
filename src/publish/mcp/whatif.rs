//! The tool `whatif`: what an application would take, and cost, on other executors.

use serde_json::{Map, Value};

use super::arguments::{Arguments, ToolError};
use super::declare::Kind::{Application, Choice, Flag, Text, Whole};
use super::declare::{Role, Tool, list, needed, optional};
use super::engine::Engine;
use super::reply::{Answered, Reply};
use super::rows::{self, Row};
use super::tools::APPLICATION;
use crate::ask::AskLake;
use crate::publish::whatif::{
    Deployment, ExecutorCounts, Question, WhatIf, WhatifError, growth, heap, what_if,
};
use crate::simulate;

/// The tool that predicts.
pub(super) static WHATIF: Tool = Tool {
    name: "whatif",
    title: "What if",
    about: "What one application would take and cost on other executors, cores, memory, on spot, elsewhere, with more \
        data: its measured tasks scheduled again, with the interval and how far earlier runs would have been missed.",
    arguments: &[
        needed("app", Application, APPLICATION),
        optional(
            "executors",
            Text,
            "such as 2,4,8 or 2..16; default half to four times",
        ),
        optional(
            "cores",
            Whole {
                least: 1,
                most: 1_024,
            },
            "of each executor",
        ),
        optional("memory", Text, "heap of each, such as 8g"),
        optional("spot", Flag, ""),
        optional("platform", Choice(&Deployment::NAMES), "where to price it"),
        optional("data_growth", Text, "times the data, such as 2"),
        optional("dynamic_allocation", Choice(&["on", "off"]), ""),
    ],
    lists: &[
        list(
            "scenarios",
            "",
            Role::Paged,
            "executors:i cores_per_executor:i memory_bytes:i duration_ms:i low_ms:i high_ms:i cost_usd:n is_current:b \
             is_knee:b fits_memory:b idle_ratio:n lost_executors:i",
            "core_time_ms:i",
            &[],
        ),
        list("basis", "", Role::Beside, BASIS, "", &[]),
    ],
};

/// Columns that are the same for all scenarios.
const BASIS: &str = "measured_ms:i driver_ms:i critical_path_ms:i ideal_ms:i model_error_ratio:n task_source:s \
    backtest_runs:i backtest_error_ratio:n backtest_p90_ratio:n backtest_bias_ratio:n backtest_coverage_ratio:n \
    last_run_error_ratio:n by_input_error_ratio:n perfect_scaling_error_ratio:n";

impl Engine {
    /// # Errors
    /// The application is not there, nothing can be predicted for it, or the question makes no sense.
    pub(super) async fn whatif(
        &self,
        given: Option<&Map<String, Value>>,
    ) -> Result<Reply, ToolError> {
        let arguments = Arguments::parse(&WHATIF, given)?;
        let question = question(&arguments)?;
        let wanted = arguments.text("app").unwrap_or_default();
        let found = self.application(&wanted).await?;
        let ask = found.place.ask();
        let key = |name| found.key(name).unwrap_or_default();
        let _alone = self.heavy_turn().await;
        let answer = self.predicted(ask, &question, |one| {
            let of = &one.wanted.key;
            of.platform == key("platform")
                && of.cluster_id == key("cluster_id")
                && of.application_id == key("application_id")
                && of.attempt_id == key("attempt_id")
        });
        let answer = match tokio::time::timeout(self.timeout(), answer).await {
            Ok(answer) => answer?,
            Err(_) => {
                return Err(ToolError::new(format!(
                    "the prediction took longer than {:?}; ask for fewer sizes with `executors`",
                    self.timeout()
                )));
            }
        };
        let mut sentences = answer.sentences();
        sentences.extend(found.remark(&wanted));
        reply(&answer, &sentences, &arguments)
    }

    async fn predicted(
        &self,
        ask: &AskLake,
        question: &Question,
        is_wanted: impl Fn(&simulate::Listed) -> bool,
    ) -> Result<WhatIf, ToolError> {
        let session = ask
            .session()
            .map_err(|error| ToolError::new(error.to_string()))?;
        let listed = simulate::list(&session).await;
        let listed = listed.map_err(|error| ToolError::new(error.to_string()))?;
        let application = listed.iter().find(|one| is_wanted(one)).ok_or_else(|| {
            ToolError::new("the application is not in `applications` any more; ask again")
        })?;
        let answer = what_if(ask, &listed, application, question).await;
        answer.map_err(told)
    }
}

/// An error with what the model can do about it.
fn told(error: WhatifError) -> ToolError {
    ToolError::new(match &error {
        WhatifError::NotKnown { .. } => {
            format!("{error}; `diagnose` says what its history does tell")
        }
        _ => error.to_string(),
    })
}

fn question(arguments: &Arguments) -> Result<Question, ToolError> {
    let wrong = |name: &'static str| move |problem| ToolError::new(format!("`{name}`: {problem}"));
    let executors = arguments.text("executors");
    let executors =
        executors.map(|text| text.parse::<ExecutorCounts>().map_err(wrong("executors")));
    let memory = arguments.text("memory");
    let memory = memory.map(|text| heap(&text).map_err(wrong("memory")));
    let data = arguments.text("data_growth");
    let data = data.map(|text| growth(&text).map_err(wrong("data_growth")));
    let cores = arguments.whole("cores");
    let deployment = arguments.text("platform");
    Ok(Question {
        executors: executors.transpose()?,
        cores: cores.and_then(|cores| u32::try_from(cores).ok()),
        memory_bytes: memory.transpose()?,
        spot: arguments.text("spot").is_some(),
        deployment: deployment.and_then(|name| Deployment::named(&name)),
        data_growth: data.transpose()?.unwrap_or(1.0),
        dynamic_allocation: arguments
            .text("dynamic_allocation")
            .map(|value| value == "on"),
    })
}

fn reply(answer: &WhatIf, sentences: &[String], arguments: &Arguments) -> Result<Reply, ToolError> {
    let failed = |error: arrow::error::ArrowError| ToolError::new(error.to_string());
    let rows = rows::rows(&answer.rows().map_err(failed)?).map_err(failed)?;
    let total = rows.len() as u64;
    let basis: Vec<Row> = rows.iter().take(1).cloned().collect();
    let mut lists = Vec::new();
    for list in WHATIF.lists {
        let is_paged = list.role == Role::Paged;
        let rows = match is_paged {
            true => {
                let before = usize::try_from(arguments.offset).unwrap_or(usize::MAX);
                let most = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
                rows.iter().skip(before).take(most).cloned().collect()
            }
            false => basis.clone(),
        };
        lists.push(Answered {
            name: list.name,
            title: match is_paged {
                true => "Predicted sizes".to_owned(),
                false => "What the predictions rest on".to_owned(),
            },
            rows: list.only_shown(rows, arguments.full),
            total: is_paged.then_some(total),
            offset: is_paged.then(|| u64::try_from(arguments.offset).unwrap_or(0)),
        });
    }
    Ok(Reply {
        verdict: sentences.join(" ").replace('\n', " "),
        lists,
        full: arguments.full,
        page: None,
    })
}
