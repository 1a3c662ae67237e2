//! `sparklake ask`: a question in plain words, answered by a model with the tools of `mcp`.

use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;

use super::Context;
use super::arguments::{ModelArguments, SettingsArguments};
use super::error::CliError;
use super::interrupt::or_interrupted;
use super::mcp::{self, McpArguments};
use super::output::Output;
use crate::config::{AskSettings, Origin, SettingOverrides, secret};
use crate::http::Secret;
use crate::publish::assistant::{Assistant, AssistantBounds, ModelSettings};

const EXAMPLE: &str = "sparklake ask \"why did last night's load take twice as long?\" --lake ./lake \
    --model-url http://localhost:11434/v1 --model qwen3";

/// Ask a question in plain words; a model of your choice answers with the tools of `mcp`
///
/// The model is behind an address that speaks OpenAI's chat completions with tools: Databricks model
/// serving, Bedrock, Ollama, vLLM and others. Nothing is sent unless its address and name are set, and
/// what is sent is masked like everything else. The answer lists the calls that it stands on. Each of
/// its numbers is checked against what the tools returned; one that is not there is marked
/// [unverified].
#[derive(Debug, clap::Args)]
pub(super) struct AskArguments {
    /// The question
    #[arg(value_name = "QUESTION")]
    question: String,
    #[command(flatten)]
    mcp: McpArguments,
    #[command(flatten)]
    model: ModelArguments,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: AskFormat,
    /// File to write to, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum AskFormat {
    #[default]
    Text,
    Json,
}

impl SettingsArguments for AskArguments {
    fn job_file(&self) -> Option<PathBuf> {
        self.mcp.live.job_file()
    }

    fn give(&self, matches: &ArgMatches, given: &mut SettingOverrides) {
        self.mcp.live.give(matches, given);
        self.model.give(matches, given);
    }
}

pub(super) async fn execute(
    arguments: &AskArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let question = arguments.question.trim();
    if question.is_empty() {
        return Err(CliError::Usage(format!(
            "the question is empty; for example: {EXAMPLE}"
        )));
    }
    let settings = &context.settings.ask;
    let model = model_settings(settings, context)?;
    let server = mcp::server(&arguments.mcp, context, EXAMPLE).await?;
    let bounds = AssistantBounds {
        rounds: settings.max_rounds,
        tokens: settings.max_tokens,
        time: settings.answer_timeout,
    };
    let redactor = context.settings.redactor.clone();
    let assistant = Assistant::new(server, &model, bounds, redactor)?;
    tracing::info!(
        model = model.model,
        "asking the model; questions and answers of tools go to its address"
    );
    let answer = or_interrupted(async { Ok(assistant.answer(question).await?) }).await?;
    let text = match arguments.format {
        AskFormat::Text => answer.to_text(),
        AskFormat::Json => {
            let json = serde_json::to_string_pretty(&answer).map_err(std::io::Error::from)?;
            format!("{json}\n")
        }
    };
    super::export::put(&text, arguments.out.as_deref(), output)
}

fn model_settings(settings: &AskSettings, context: &Context) -> Result<ModelSettings, CliError> {
    let (Some(url), Some(model)) = (&settings.model_url, &settings.model) else {
        return Err(CliError::Usage(format!(
            "no model is configured, so nothing is sent; give --model-url and --model, or model_url and model in \
             [ask] of a job file, for example: {EXAMPLE}"
        )));
    };
    let (variable, file) = (&settings.api_key_env, &settings.api_key_file);
    let origin = match (variable, file) {
        (Some(variable), _) => variable.origin.clone(),
        (None, Some(file)) => file.origin.clone(),
        (None, None) => Origin::Default,
    };
    let key = secret(
        "api_key",
        variable.as_ref().map(|one| one.value.as_str()),
        file.as_ref().map(|one| one.value.as_path()),
        &origin,
        &context.environment,
    )?;
    if key.is_some() && url.value.starts_with("http://") && !is_here(&url.value) {
        tracing::warn!("the key of the model is sent without TLS; use an https address");
    }
    Ok(ModelSettings {
        base_url: url.value.clone(),
        model: model.clone(),
        api_key: key.map(Secret::new),
        // The bound of the whole comes first.
        timeout: settings
            .answer_timeout
            .saturating_add(Duration::from_secs(5)),
    })
}

/// Whether an address is on this machine.
fn is_here(url: &str) -> bool {
    let host = url.strip_prefix("http://").unwrap_or(url);
    let host = host.split('/').next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}
