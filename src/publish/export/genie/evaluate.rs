//! Runs the benchmarks of a Genie space through its evaluation interface, and says how often the answers are right
//! and the same.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Client, Method};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::publish::PublishError;

/// Most pages of results that are asked for.
const MAX_PAGES: usize = 100;
/// Results of one page; the interface's most.
const PAGE_SIZE: usize = 100;

/// Where the space is.
#[derive(Debug)]
pub struct Access {
    /// Address of the workspace.
    pub host: String,
    /// Id of the space.
    pub space_id: String,
    /// The token; never shown.
    pub token: String,
    /// Time between two questions whether a run has ended.
    pub poll: Duration,
    /// Longest time that one run may take.
    pub timeout: Duration,
}

/// How good the answers are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The runs, in order.
    pub runs: Vec<EvaluationRun>,
    /// Correct answers of all answers of all runs; NULL where there was none.
    pub accuracy_ratio: Option<f64>,
    /// Questions that were judged the same in every run, of those that every run has; NULL for one run.
    pub repeatability_ratio: Option<f64>,
    /// Questions that were not answered right in every run, with their judgements.
    pub unsure: Vec<Unsure>,
}

/// One run of the benchmarks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvaluationRun {
    /// Its id.
    pub id: String,
    /// Questions.
    pub questions: u64,
    /// Correct answers.
    pub correct: u64,
    /// Answers that a person has to judge.
    pub needs_review: u64,
}

/// A question that was not answered right in every run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unsure {
    /// The question, or its id where the interface does not give it.
    pub question: String,
    /// The judgement of each run.
    pub judgements: Vec<String>,
}

/// What the interface says of a run.
#[derive(Debug, Deserialize)]
struct RunState {
    eval_run_id: String,
    eval_run_status: Option<String>,
    #[serde(default)]
    num_questions: u64,
    #[serde(default)]
    num_correct: u64,
    #[serde(default)]
    num_needs_review: u64,
}

/// Runs the benchmarks `runs` times.
///
/// # Errors
/// The interface refuses or cannot be reached, a run fails or takes too long.
pub async fn evaluate(access: &Access, runs: usize) -> Result<Evaluation, PublishError> {
    let client = Client::builder()
        .timeout(Duration::from_secs(60))
        .build()
        .map_err(|error| failed("the HTTP client", &error.without_url()))?;
    let interface = Interface { access, client };
    let mut done = Vec::with_capacity(runs);
    let mut judged: Vec<BTreeMap<String, (String, String)>> = Vec::with_capacity(runs);
    for _ in 0..runs {
        let state = interface.run().await?;
        judged.push(interface.results(&state.eval_run_id).await?);
        done.push(EvaluationRun {
            id: state.eval_run_id,
            questions: state.num_questions,
            correct: state.num_correct,
            needs_review: state.num_needs_review,
        });
    }
    Ok(summary(done, &judged))
}

/// Accuracy and repeatability. `judged` has, for each run, question id → question and judgement.
fn summary(runs: Vec<EvaluationRun>, judged: &[BTreeMap<String, (String, String)>]) -> Evaluation {
    let questions: u64 = runs.iter().map(|run| run.questions).sum();
    let correct: u64 = runs.iter().map(|run| run.correct).sum();
    let ratio = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let mut same = 0;
    let mut compared = 0;
    let mut unsure = Vec::new();
    for (id, (question, first)) in judged.first().into_iter().flatten() {
        let judgements: Vec<String> = judged
            .iter()
            .filter_map(|run| run.get(id).map(|(_, judgement)| judgement.clone()))
            .collect();
        if judgements.len() == judged.len() {
            compared += 1;
            same += u64::from(judgements.iter().all(|judgement| judgement == first));
        }
        if judgements.iter().any(|judgement| !is_good(judgement)) {
            let question = question.clone();
            unsure.push(Unsure {
                question,
                judgements,
            });
        }
    }
    Evaluation {
        accuracy_ratio: ratio(correct, questions),
        repeatability_ratio: if judged.len() > 1 {
            ratio(same, compared)
        } else {
            None
        },
        unsure,
        runs,
    }
}

fn is_good(judgement: &str) -> bool {
    matches!(judgement, "GOOD" | "CORRECT")
}

struct Interface<'a> {
    access: &'a Access,
    client: Client,
}

impl Interface<'_> {
    /// Starts a run and waits for its end.
    async fn run(&self) -> Result<RunState, PublishError> {
        let started: RunState = read(self.ask(Method::POST, "eval-runs", Some(json!({}))).await?)?;
        let path = format!("eval-runs/{}", started.eval_run_id);
        let mut waited = Duration::ZERO;
        loop {
            let state: RunState = read(self.ask(Method::GET, &path, None).await?)?;
            match state.eval_run_status.as_deref() {
                Some("DONE") => return Ok(state),
                Some(ended @ ("EVALUATION_FAILED" | "CANCELLED" | "TIMEOUT")) => {
                    return Err(PublishError::Export(format!(
                        "evaluation run {} ended as {ended}; open the space's benchmarks to see why",
                        state.eval_run_id
                    )));
                }
                _ if waited >= self.access.timeout => {
                    return Err(PublishError::Export(format!(
                        "evaluation run {} takes longer than {} s; give it more with --timeout",
                        state.eval_run_id,
                        self.access.timeout.as_secs()
                    )));
                }
                _ => {}
            }
            tokio::time::sleep(self.access.poll).await;
            waited += self.access.poll;
        }
    }

    /// The judgements of a run, by question.
    async fn results(&self, run: &str) -> Result<BTreeMap<String, (String, String)>, PublishError> {
        let mut results = BTreeMap::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut path = format!("eval-runs/{run}/results?page_size={PAGE_SIZE}");
            if let Some(token) = &token {
                let token: String =
                    url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
                path.push_str(&format!("&page_token={token}"));
            }
            let page = self.ask(Method::GET, &path, None).await?;
            let mut entries = ["eval_results", "results"].iter();
            let found = entries.find_map(|name| page.get(name)?.as_array());
            for entry in found.into_iter().flatten() {
                let text = |names: &[&str]| {
                    let found = names.iter().find_map(|name| entry.get(name)?.as_str());
                    found.map(str::to_owned)
                };
                let Some(id) = text(&["benchmark_question_id", "question_id", "result_id"]) else {
                    continue;
                };
                let question = text(&["question"]).unwrap_or_else(|| id.clone());
                let judgement =
                    text(&["assessment", "eval_result_status", "status"]).unwrap_or_default();
                results.insert(id, (question, judgement));
            }
            token = page
                .get("next_page_token")
                .and_then(Value::as_str)
                .map(str::to_owned);
            if token.as_deref().is_none_or(str::is_empty) {
                break;
            }
        }
        Ok(results)
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, PublishError> {
        let host = self.access.host.trim_end_matches('/');
        let url = format!(
            "{host}/api/2.0/genie/spaces/{}/{path}",
            self.access.space_id
        );
        let mut request = self
            .client
            .request(method, url)
            .bearer_auth(&self.access.token);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await;
        let answer = answer.map_err(|error| failed("the workspace", &error.without_url()))?;
        let status = answer.status();
        let text = answer.text().await;
        let text = text.map_err(|error| failed("the answer", &error.without_url()))?;
        if !status.is_success() {
            let message: Option<Value> = serde_json::from_str(&text).ok();
            let message =
                message.and_then(|value| Some(value.get("message")?.as_str()?.to_owned()));
            return Err(PublishError::Export(format!(
                "the Genie interface answered {}{}; check --host, --space-id and the token, which needs CAN EDIT on the space",
                status.as_u16(),
                message
                    .map(|message| format!(" ({message})"))
                    .unwrap_or_default(),
            )));
        }
        serde_json::from_str(&text).map_err(|error| failed("the answer", &error))
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, PublishError> {
    serde_json::from_value(value).map_err(|error| failed("the answer", &error))
}

fn failed(what: &str, error: &dyn std::error::Error) -> PublishError {
    PublishError::Export(format!("{what} cannot be used: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(entries: &[(&str, &str)]) -> BTreeMap<String, (String, String)> {
        let entries = entries.iter();
        entries
            .map(|(id, judgement)| {
                (
                    (*id).to_owned(),
                    (format!("{id}?"), (*judgement).to_owned()),
                )
            })
            .collect()
    }

    #[test]
    fn accuracy_counts_all_runs_and_repeatability_the_questions_that_stay_the_same() {
        let run = |correct| EvaluationRun {
            id: "r".to_owned(),
            questions: 4,
            correct,
            needs_review: 0,
        };
        let first = judged(&[("a", "GOOD"), ("b", "GOOD"), ("c", "BAD"), ("d", "GOOD")]);
        let second = judged(&[("a", "GOOD"), ("b", "BAD"), ("c", "BAD"), ("d", "GOOD")]);
        let evaluation = summary(vec![run(3), run(2)], &[first, second]);
        assert_eq!(evaluation.accuracy_ratio, Some(0.625));
        assert_eq!(evaluation.repeatability_ratio, Some(0.75));
        let unsure: Vec<&str> = evaluation
            .unsure
            .iter()
            .map(|unsure| unsure.question.as_str())
            .collect();
        assert_eq!(unsure, ["b?", "c?"]);
        let once = summary(vec![run(4)], &[judged(&[("a", "GOOD")])]);
        assert_eq!(
            (once.accuracy_ratio, once.repeatability_ratio),
            (Some(1.0), None)
        );
    }
}
