//! The server of the model: requests go out masked, refusals come back as what to do about them.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::AssistantError;
use super::wire::{Completion, Message, Reply, ToolChoice};
use crate::http::{Auth, Client, ClientSettings, HttpError, Secret};
use crate::redact::Redactor;

/// Path of chat completions below the base URL.
const PATH: &str = "chat/completions";
/// Largest answer in bytes.
const MAX_ANSWER_BYTES: u64 = 8 << 20;
/// Attempts of one request, where the server is busy.
const ATTEMPTS: u32 = 3;
/// Bytes of a request that make about one token: less than what is usual, to be on the safe side.
const BYTES_PER_TOKEN: usize = 3;

/// Where the model is, and who asks.
#[derive(Debug, Clone)]
pub struct ModelSettings {
    /// The address that `chat/completions` is below, such as `https://host/v1`.
    pub base_url: String,
    /// Its name there.
    pub model: String,
    /// Sent as `Authorization: Bearer …`.
    pub api_key: Option<Secret>,
    /// Longest time of one request with its retries.
    pub timeout: Duration,
}

pub(super) struct Endpoint {
    client: Client,
    model: String,
    redactor: Redactor,
    tools: Value,
}

impl Endpoint {
    /// # Errors
    /// The address is none.
    pub(super) fn new(
        settings: &ModelSettings,
        redactor: Redactor,
        tools: Value,
    ) -> Result<Self, AssistantError> {
        let base = Url::parse(&settings.base_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(base) = base else {
            return Err(AssistantError::Settings(format!(
                "`{}` is no address of a model; write one such as https://host/v1 or http://localhost:11434/v1",
                settings.base_url
            )));
        };
        let mut client = ClientSettings::new(base);
        if let Some(key) = &settings.api_key {
            client.http.auth = Auth::Bearer(key.clone());
        }
        client.http.read_timeout = settings.timeout;
        client.http.request_deadline = settings.timeout;
        client.http.attempts = ATTEMPTS;
        client.http.max_delay = Duration::from_secs(20);
        client.http.max_answer_bytes = MAX_ANSWER_BYTES;
        client.http.concurrency = 1;
        let client = Client::new(client);
        Ok(Self {
            client: client.map_err(|error| AssistantError::Settings(error.to_string()))?,
            model: settings.model.clone(),
            redactor,
            tools,
        })
    }

    /// The request as it is sent: nothing leaves but through here.
    pub(super) fn body(&self, messages: &[Message], choice: ToolChoice) -> Value {
        let masked = |text: &str| self.redactor.text(text).into_owned();
        let messages: Vec<Value> = messages
            .iter()
            .map(|message| message.to_json(&masked))
            .collect();
        json!({
            "model": self.model,
            "messages": messages,
            "tools": self.tools,
            "tool_choice": choice.name(),
        })
    }

    /// About how many tokens a request has.
    pub(super) fn tokens(body: &Value) -> u64 {
        (body.to_string().len() / BYTES_PER_TOKEN) as u64
    }

    /// # Errors
    /// The server refuses, or cannot be reached in time.
    pub(super) async fn complete(
        &self,
        body: &Value,
        round: usize,
    ) -> Result<Reply, AssistantError> {
        let answer: Result<Completion, HttpError> =
            self.client.post_json("chat_completions", PATH, body).await;
        let completion = answer.map_err(|error| self.told(error))?;
        completion
            .reply(round)
            .ok_or_else(|| AssistantError::NoAnswer {
                model: self.model.clone(),
            })
    }

    /// An error of the server as what to do about it.
    fn told(&self, error: HttpError) -> AssistantError {
        let address = self.client.address();
        let model = &self.model;
        let HttpError::Status {
            status, message, ..
        } = &error
        else {
            return match error.is_retryable() {
                true => AssistantError::Unreachable(format!(
                    "the model at {address} did not answer: {error}"
                )),
                false => AssistantError::Refused(format!("the model at {address}: {error}")),
            };
        };
        let said = message.to_lowercase();
        let is_about_tools = said.contains("tool") || said.contains("function call");
        match status {
            401 | 403 => AssistantError::Refused(format!(
                "{address} refused the key ({status}: {message}); check the variable of --api-key-env or the file of --api-key-file"
            )),
            404 => AssistantError::Refused(format!(
                "{address} has no model `{model}`, or no `{PATH}` below that address (404: {message}); check --model-url and --model"
            )),
            400 | 422 if is_about_tools => AssistantError::NoTools {
                model: model.clone(),
                reason: format!("{address} answered {status}: {message}"),
            },
            413 => AssistantError::Refused(format!(
                "the conversation is too long for `{model}` ({status}: {message}); ask a narrower question, or take a model with a larger context"
            )),
            429 => AssistantError::Unreachable(format!(
                "{address} has had too many requests or tokens (429: {message}); wait, or raise the limit of this key"
            )),
            500..=599 | 408 => AssistantError::Unreachable(format!(
                "{address} failed ({status}: {message}); ask again later"
            )),
            _ => AssistantError::Refused(format!("{address} answered {status}: {message}")),
        }
    }
}
