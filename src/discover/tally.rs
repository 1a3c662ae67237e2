//! What came of questions that were asked about each of many job runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::problem::{DiscoverError, DiscoverProblem};
use super::{Call, CallOutcome, Exploration};

/// Problems of one kind that are told one by one.
const TOLD: usize = 3;

/// Sums up the same question about many runs, so that `status_details` has one line for it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    found: BTreeMap<&'static str, usize>,
    failed: BTreeMap<(&'static str, String), Vec<DiscoverError>>,
    problems: Vec<DiscoverProblem>,
}

impl Tally {
    /// `name` was asked and gave `count` things.
    pub(super) fn found(&mut self, name: &'static str, count: usize) {
        *self.found.entry(name).or_default() += count;
    }

    /// `name` was asked and failed.
    pub(super) fn failed(&mut self, name: &'static str, error: DiscoverError) {
        let key = (name, error.code());
        self.failed.entry(key).or_default().push(error);
    }

    /// Something that was found is not as it should be.
    pub(super) fn problems(&mut self, problems: Vec<DiscoverProblem>) {
        self.problems.extend(problems);
    }

    /// Adds what came of the questions about another run.
    pub(super) fn add(&mut self, other: Self) {
        for (name, count) in other.found {
            self.found(name, count);
        }
        for (key, errors) in other.failed {
            self.failed.entry(key).or_default().extend(errors);
        }
        self.problems.extend(other.problems);
    }

    /// Tells it to `exploration`: each question once, and each kind of failure of it once, with the
    /// first few of the problems.
    pub(super) fn tell(self, exploration: &mut Exploration) {
        for (name, count) in self.found {
            exploration.found(name, count);
        }
        for ((name, code), errors) in self.failed {
            let retryable = errors.iter().any(DiscoverError::is_retryable);
            let outcome = CallOutcome::Failed { code, retryable };
            exploration.calls.push(Call { name, outcome });
            let untold = errors.len().saturating_sub(TOLD);
            if untold > 0 {
                tracing::warn!(question = name, untold, "more failures of the same kind");
            }
            let told = errors.into_iter().take(TOLD);
            exploration.problems.extend(told.map(|error| {
                let uri = match error.uri() {
                    "" => exploration.cluster.uri.clone(),
                    uri => uri.to_owned(),
                };
                DiscoverProblem { uri, error }
            }));
        }
        exploration.problems.extend(self.problems);
    }
}

/// Questions that are not asked again, because the answer will be the same: permissions that lack.
#[derive(Debug, Default)]
pub(super) struct Refused(Mutex<BTreeSet<&'static str>>);

impl Refused {
    /// Whether `name` may still be asked.
    pub(super) fn may_ask(&self, name: &'static str) -> bool {
        let refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !refused.contains(name)
    }

    /// Learns from an error whether it is worth to ask `name` about another run.
    pub(super) fn learn(&self, name: &'static str, error: &DiscoverError) {
        if is_refusal(error) {
            let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            refused.insert(name);
        }
    }
}

/// Whether whoever asks is refused, and not only what was asked for.
fn is_refusal(error: &DiscoverError) -> bool {
    let DiscoverError::Platform {
        code,
        retryable: false,
        ..
    } = error
    else {
        return false;
    };
    [
        "AccessDenied",
        "NO_CREDENTIALS",
        "Expired",
        "UnrecognizedClient",
        "InvalidClientTokenId",
        "Signature",
    ]
    .iter()
    .any(|mark| code.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::super::Cluster;
    use super::*;
    use crate::model::Platform;

    fn error(code: &str, retryable: bool) -> DiscoverError {
        DiscoverError::Platform {
            uri: "run".to_owned(),
            call: "emr-serverless:GetJobRun".to_owned(),
            code: code.to_owned(),
            message: String::new(),
            cure: String::new(),
            retryable,
        }
    }

    #[test]
    fn each_question_is_told_once_and_few_of_many_problems() {
        let mut tally = Tally::default();
        for _ in 0..40 {
            let mut other = Tally::default();
            other.found("job_run_details", 1);
            other.failed("dashboards", error("AWS_ThrottlingException", true));
            tally.add(other);
        }
        tally.failed("dashboards", error("AWS_ValidationException", false));
        let mut exploration = Exploration::of(Cluster::new(
            Platform::EmrServerless,
            "a",
            "a",
            "a",
            "STARTED",
        ));
        tally.tell(&mut exploration);
        let failed = |code: &str, retryable| CallOutcome::Failed {
            code: code.to_owned(),
            retryable,
        };
        let outcomes: Vec<_> = exploration
            .calls
            .iter()
            .map(|call| (call.name, call.outcome.clone()))
            .collect();
        assert_eq!(
            outcomes,
            [
                ("job_run_details", CallOutcome::Found(40)),
                ("dashboards", failed("AWS_ThrottlingException", true)),
                ("dashboards", failed("AWS_ValidationException", false)),
            ]
        );
        assert_eq!(exploration.problems.len(), TOLD + 1);
    }

    #[test]
    fn only_a_missing_permission_ends_the_questions() {
        let refused = Refused::default();
        refused.learn("a", &error("AWS_ThrottlingException", true));
        refused.learn("a", &error("AWS_ResourceNotFoundException", false));
        assert!(refused.may_ask("a"));
        refused.learn("a", &error("AWS_AccessDeniedException", false));
        assert!(!refused.may_ask("a"));
        assert!(refused.may_ask("b"));
    }
}
