//! Stops asking AWS for what keeps failing, whichever cluster it is asked about.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_emr::config::interceptors::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_emr::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_emr::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;

/// Parts of error codes that are about whoever asks, not about what was asked for.
const REFUSALS: [&[u8]; 6] = [
    b"AccessDenied",
    b"Throttl",
    b"Expired",
    b"UnrecognizedClient",
    b"InvalidClientTokenId",
    b"Signature",
];
/// Bytes of an error's answer that are searched for them.
const SEARCHED_BYTES: usize = 4_096;

/// Failed calls in a row, by service and operation. Clones share the count.
#[derive(Debug, Clone)]
pub struct EndpointCap {
    max: u32,
    failures: Arc<Mutex<HashMap<String, u32>>>,
}

/// A call that was not made, as the ones before it failed.
#[derive(Debug)]
pub(super) struct GivenUp {
    pub(super) failures: u32,
}

impl fmt::Display for GivenUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "it is not called any more in this run, after {} failed calls in a row \
             (max_endpoint_failures)",
            self.failures
        )
    }
}

impl std::error::Error for GivenUp {}

impl EndpointCap {
    /// Stops an operation after `max` failures in a row; 0 for never. Calls that are under way when
    /// the last of them fails are not stopped.
    #[must_use]
    pub fn new(max: u32) -> Self {
        Self {
            max,
            failures: Arc::default(),
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        // What a panicking thread left behind is whole: every change is one call.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, operation: &str) -> Result<(), GivenUp> {
        match self.counts().get(operation) {
            Some(failures) if self.max > 0 && *failures >= self.max => Err(GivenUp {
                failures: *failures,
            }),
            _ => Ok(()),
        }
    }

    fn note(&self, operation: &str, outcome: CallEnd) {
        let mut counts = self.counts();
        match outcome {
            CallEnd::Answered => {
                counts.remove(operation);
            }
            CallEnd::Failed => {
                let count = counts.entry(operation.to_owned()).or_default();
                // Calls that were not made do not count.
                if self.max == 0 || *count < self.max {
                    *count += 1;
                }
            }
            CallEnd::Refused => {}
        }
    }
}

/// How a call ended, all its attempts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallEnd {
    Answered,
    /// The service failed, or refuses whoever asks.
    Failed,
    /// The service has no answer for what was asked, and may have one for another cluster.
    Refused,
}

impl CallEnd {
    fn of(context: &FinalizerInterceptorContextRef<'_>) -> Self {
        if matches!(context.output_or_error(), Some(Ok(_))) {
            return Self::Answered;
        }
        let Some(response) = context.response() else {
            return Self::Failed;
        };
        let kind = response
            .headers()
            .get("x-amzn-errortype")
            .unwrap_or_default();
        let body = response.body().bytes().unwrap_or_default();
        Self::of_error(response.status().as_u16(), kind, body)
    }

    fn of_error(status: u16, kind: &str, body: &[u8]) -> Self {
        let body = body.get(..SEARCHED_BYTES).unwrap_or(body);
        let is_refusal = |text: &[u8]| {
            REFUSALS
                .iter()
                .any(|mark| memchr::memmem::find(text, mark).is_some())
        };
        if status >= 500 || status == 429 || is_refusal(kind.as_bytes()) || is_refusal(body) {
            Self::Failed
        } else {
            Self::Refused
        }
    }
}

fn operation(config: &ConfigBag) -> Option<String> {
    let metadata = config.load::<Metadata>()?;
    Some(format!("{}:{}", metadata.service(), metadata.name()))
}

impl Intercept for EndpointCap {
    fn name(&self) -> &'static str {
        "EndpointCap"
    }

    /// Not before: the interceptors of a client run first, when the operation is not known yet.
    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match operation(config) {
            Some(operation) => self.check(&operation).map_err(BoxError::from),
            None => Ok(()),
        }
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(operation) = operation(config) {
            self.note(&operation, CallEnd::of(context));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_given_up_after_failures_in_a_row_and_others_are_not() {
        let cap = EndpointCap::new(3);
        for end in [CallEnd::Failed, CallEnd::Failed, CallEnd::Answered] {
            cap.note("EMR:ListSteps", end);
        }
        cap.note("EMR:ListSteps", CallEnd::Failed);
        cap.note("EMR:ListSteps", CallEnd::Refused);
        cap.note("EMR:ListSteps", CallEnd::Failed);
        assert!(cap.check("EMR:ListSteps").is_ok());
        cap.note("EMR:ListSteps", CallEnd::Failed);
        cap.note("EMR:ListSteps", CallEnd::Failed);
        let given_up = cap.check("EMR:ListSteps").unwrap_err();
        assert_eq!(given_up.failures, 3);
        assert!(cap.check("EMR:DescribeCluster").is_ok());
        let never = EndpointCap::new(0);
        (0..9).for_each(|_| never.note("EMR:ListSteps", CallEnd::Failed));
        assert!(never.check("EMR:ListSteps").is_ok());
    }

    #[test]
    fn what_is_about_one_cluster_is_no_failure_of_the_endpoint() {
        let end = |status, body: &str| CallEnd::of_error(status, "", body.as_bytes());
        assert_eq!(end(500, ""), CallEnd::Failed);
        assert_eq!(
            end(400, r#"{"__type":"AccessDeniedException"}"#),
            CallEnd::Failed
        );
        assert_eq!(
            end(400, r#"{"__type":"InvalidRequestException"}"#),
            CallEnd::Refused
        );
        assert_eq!(
            CallEnd::of_error(403, "AccessDeniedException:http://x", b""),
            CallEnd::Failed
        );
    }
}
