//! Questions in plain words, answered by a model of the user's choice that calls the tools of
//! [`super::mcp`] in this process.
//!
//! [`wire`] speaks chat completions, [`endpoint`] sends them (masked), [`conversation`] has the model call
//! tools within bounds of rounds, tokens and time, [`grounds`] checks each number of the answer
//! against what the tools returned, and [`show`] prints it all.

mod conversation;
mod endpoint;
mod grounds;
mod quantity;
mod show;
mod wire;

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

pub use conversation::Assistant;
pub use endpoint::ModelSettings;

/// How far the model may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssistantBounds {
    /// Most rounds of tool calls before it has to answer.
    pub rounds: usize,
    /// Most tokens of all requests and replies together, as the server counts them, else estimated.
    pub tokens: u64,
    /// Longest time of the whole.
    pub time: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AssistantError {
    /// A setting makes no sense.
    #[error("{0}")]
    Settings(String),
    /// The server refuses for good.
    #[error("{0}")]
    Refused(String),
    /// The server cannot be reached, or not now.
    #[error("{0}")]
    Unreachable(String),
    /// The model cannot call tools.
    #[error(
        "the model `{model}` does not call tools, and without them it knows nothing of this lake ({reason}); choose a model with tool calls (function calling)"
    )]
    NoTools {
        /// Its name.
        model: String,
        /// How that showed.
        reason: String,
    },
    /// The model said nothing.
    #[error("the model `{model}` gave an empty answer; ask again, or choose another model")]
    NoAnswer {
        /// Its name.
        model: String,
    },
    /// The model goes on calling tools.
    #[error(
        "the model `{model}` still called tools after {rounds} rounds instead of answering; ask a narrower question, raise --max-rounds, or choose another model"
    )]
    Endless {
        /// Its name.
        model: String,
        /// Rounds that it had.
        rounds: usize,
    },
    /// The bound of tokens does not last for an answer.
    #[error(
        "{used} of {allowed} tokens are used, and the next request needs about {next}; raise --max-tokens, or ask a narrower question"
    )]
    Tokens {
        /// Tokens that were used.
        used: u64,
        /// The bound.
        allowed: u64,
        /// About what the next request needs.
        next: u64,
    },
    /// The time is up.
    #[error(
        "there is no answer after {seconds} s; raise --answer-timeout-seconds, or choose a faster model"
    )]
    Time {
        /// The bound.
        seconds: u64,
    },
}

impl AssistantError {
    /// Whether it may go well the next time, although nothing was changed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Time { .. })
    }

    /// Whether settings have to change.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Settings(_))
    }
}

/// An answer and what it stands on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Grounded {
    /// What was asked.
    pub question: String,
    /// What the model said; numbers that no tool returned are followed by `[unverified]`.
    pub answer: String,
    /// The model that said it.
    pub model: String,
    /// The calls of tools that it stands on, in their order.
    pub calls: Vec<CallMade>,
    /// What became of its numbers.
    pub numbers: NumberCheck,
    /// Rounds of the conversation.
    pub rounds: usize,
    /// Tokens of all requests and replies.
    pub tokens: u64,
    /// Whether the server does not count tokens, so that they are estimated.
    pub tokens_are_estimated: bool,
    /// Why it may be incomplete.
    pub remarks: Vec<String>,
}

/// One call of a tool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallMade {
    /// The tool.
    pub tool: String,
    /// What it was called with.
    pub arguments: Value,
    /// The beginning of its answer: its verdict, or what was wrong.
    pub verdict: String,
    /// Whether it gave no answer but an error.
    pub is_error: bool,
    /// Size of the answer in bytes.
    pub bytes: usize,
    /// How long it took.
    pub duration_ms: u64,
}

/// The numbers of an answer against what the tools returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NumberCheck {
    /// Numbers, ids, dates and versions in the answer.
    pub checked: usize,
    /// Those that neither a tool nor the question has.
    pub unverified: Vec<String>,
}
