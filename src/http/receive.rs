//! What is made of an answer's body.

use std::io::{self, Write};
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::exchange::Answer;
use super::failure::{Failure, Timeouts};
use super::page;

/// Larger bodies are parsed where they do not hold up other tasks.
const LARGE_BODY: usize = 1 << 20;

/// As much room is made beforehand, whatever the server promises.
const MAX_PREPARED: u64 = 16 << 20;

/// Takes the body of an answer in; one that fails is called again with the next attempt's.
pub(super) trait Receive {
    /// What it gives.
    type Output;

    /// Whether the time while bytes come counts towards the request's deadline.
    const COUNTS_TIME: bool;

    /// Reads the body.
    fn receive(
        &mut self,
        answer: Answer,
        timeouts: &Timeouts,
    ) -> impl Future<Output = Result<Self::Output, Failure>> + Send;
}

/// Reads JSON into memory.
pub(super) struct Json<T> {
    max_bytes: u64,
    shape: PhantomData<fn() -> T>,
}

impl<T> Json<T> {
    /// Not more than `max_bytes`, after decompression.
    pub(super) fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            shape: PhantomData,
        }
    }
}

impl<T: DeserializeOwned> Receive for Json<T> {
    type Output = T;

    const COUNTS_TIME: bool = true;

    async fn receive(&mut self, mut answer: Answer, timeouts: &Timeouts) -> Result<T, Failure> {
        let body = collect(&mut answer, timeouts, self.max_bytes).await?;
        parse(&answer, &body)
    }
}

async fn collect(
    answer: &mut Answer,
    timeouts: &Timeouts,
    max_bytes: u64,
) -> Result<Vec<u8>, Failure> {
    let promised = answer.promised();
    if promised.is_some_and(|promised| promised > max_bytes) {
        return Err(answer.exchange.too_large(max_bytes));
    }
    let prepared = promised.unwrap_or_default().min(MAX_PREPARED);
    let mut body = Vec::with_capacity(usize::try_from(prepared).unwrap_or_default());
    loop {
        let received = body.len() as u64;
        match answer.response.chunk().await {
            Ok(Some(chunk)) if received + chunk.len() as u64 > max_bytes => {
                return Err(answer.exchange.too_large(max_bytes));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(answer.exchange.broke_off(error, timeouts, received)),
        }
    }
}

fn parse<T: DeserializeOwned>(answer: &Answer, body: &[u8]) -> Result<T, Failure> {
    if page::is_page(answer.content_type(), body) {
        return Err(answer.exchange.page(body));
    }
    // The parser's limit of depth stays in place: what nests deeper is refused, and the stack holds.
    let parsed = if body.len() >= LARGE_BODY && runs_on_many_threads() {
        tokio::task::block_in_place(|| serde_json::from_slice(body))
    } else {
        serde_json::from_slice(body)
    };
    parsed.map_err(|error| match error.classify() {
        Category::Eof if body.is_empty() => {
            answer.exchange.incomplete("the answer is empty".to_owned())
        }
        Category::Eof => answer.exchange.incomplete(format!(
            "the JSON ends in its middle, after {} bytes",
            body.len()
        )),
        _ if !begins_like_json(body) => answer.exchange.text(body),
        _ => answer.exchange.misshapen(&error),
    })
}

fn runs_on_many_threads() -> bool {
    Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Whether the first character can begin JSON, in the wider sense that the error shows the rest.
fn begins_like_json(body: &[u8]) -> bool {
    body.iter()
        .find(|byte| !byte.is_ascii_whitespace())
        .is_some_and(|byte| b"{[\"".contains(byte))
}

/// Copies the body to somewhere.
pub(super) struct Copy<'a, W, R> {
    into: &'a mut W,
    restart: R,
    max_bytes: u64,
    /// Written by this or an earlier attempt.
    written: u64,
}

impl<'a, W, R> Copy<'a, W, R> {
    /// Not more than `max_bytes`.
    pub(super) fn new(into: &'a mut W, restart: R, max_bytes: u64) -> Self {
        Self {
            into,
            restart,
            max_bytes,
            written: 0,
        }
    }
}

impl<W, R> Receive for Copy<'_, W, R>
where
    W: Write + Send,
    R: Fn(&mut W) -> io::Result<()> + Send,
{
    type Output = u64;

    const COUNTS_TIME: bool = false;

    async fn receive(&mut self, mut answer: Answer, timeouts: &Timeouts) -> Result<u64, Failure> {
        if page::is_page_type(answer.content_type()) {
            let body = collect(&mut answer, timeouts, MAX_PREPARED).await?;
            return Err(answer.exchange.page(&body));
        }
        let promised = answer.promised();
        if promised.is_some_and(|promised| promised > self.max_bytes) {
            return Err(answer.exchange.too_large(self.max_bytes));
        }
        if self.written > 0 {
            (self.restart)(self.into).map_err(|error| answer.exchange.not_written(&error))?;
            self.written = 0;
        }
        loop {
            let chunk = match answer.response.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(error) => {
                    return Err(answer.exchange.broke_off(error, timeouts, self.written));
                }
            };
            if self.written == 0 && is_loading_text(answer.content_type(), &chunk) {
                return Err(answer.exchange.page(&chunk));
            }
            if self.written + chunk.len() as u64 > self.max_bytes {
                return Err(answer.exchange.too_large(self.max_bytes));
            }
            self.into
                .write_all(&chunk)
                .map_err(|error| answer.exchange.not_written(&error))?;
            self.written += chunk.len() as u64;
        }
        if let Some(promised) = promised.filter(|promised| *promised != self.written) {
            return Err(answer.exchange.incomplete(format!(
                "{} bytes came of {promised} promised ones",
                self.written
            )));
        }
        self.into
            .flush()
            .map_err(|error| answer.exchange.not_written(&error))?;
        Ok(self.written)
    }
}

/// Whether the server says in plain text that it still loads; a log that quotes it further down is
/// a log.
fn is_loading_text(content_type: &str, first: &[u8]) -> bool {
    (content_type.is_empty() || content_type.starts_with("text/"))
        && page::is_loading(&first[..first.len().min(4_096)])
}
