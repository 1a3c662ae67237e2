//! Opening the lake that the settings name.

use super::Context;
use super::catalog::load_views;
use super::error::CliError;
use crate::ask::{AskLake, AskOptions};
use crate::config::RulesSettings;
use crate::load::{Lake, StoreSafety};
use crate::unit::shards::ShardObjects;

/// Names the one run that waits in a lake.
const LATEST: &str = "latest";

/// Opens the lake that the settings name.
///
/// # Errors
/// None is named, or there is none; `example` is a line that would work.
pub(super) async fn open(context: &Context, example: &str) -> Result<Lake, CliError> {
    let lake = &context.settings.lake;
    let Some(uri) = &lake.uri else {
        return Err(CliError::Usage(format!(
            "no lake is given; add --lake, for example: {example}"
        )));
    };
    let options = lake.storage_options.resolve(&context.environment)?;
    let safety = StoreSafety::from_allow_unsafe(lake.allow_unsafe_store);
    Ok(Lake::open_with(uri, options, safety).await?)
}

/// Makes the lake's tables and the rules' views ready to be asked.
///
/// # Errors
/// The query engine cannot be set up.
pub(super) fn ask(lake: &Lake, context: &Context) -> Result<AskLake, CliError> {
    ask_with(lake, context, AskOptions::default())
}

/// The same with bounds of its own.
///
/// # Errors
/// As [`ask`].
pub(super) fn ask_with(
    lake: &Lake,
    context: &Context,
    options: AskOptions,
) -> Result<AskLake, CliError> {
    let options = AskOptions {
        views: load_views(&context.settings.rules),
        ..options
    };
    Ok(AskLake::new(lake, options)?)
}

/// A lake without rows, for what only depends on the tables' contracts and the rules' views.
///
/// # Errors
/// The query engine cannot be set up.
pub(super) fn ask_nothing(rules: &RulesSettings) -> Result<AskLake, CliError> {
    let options = AskOptions {
        views: load_views(rules),
        ..AskOptions::default()
    };
    Ok(AskLake::empty(options)?)
}

/// The run of this id that is to wait in the lake; for `latest` the one that waits, or `None`.
///
/// # Errors
/// As [`open`], or the id is none.
pub(super) async fn waiting_run(
    context: &Context,
    run_id: &str,
    example: &str,
) -> Result<Option<ShardObjects>, CliError> {
    let lake = open(context, example).await?;
    if run_id != LATEST {
        return Ok(Some(ShardObjects::of(&lake, run_id)?));
    }
    let latest = ShardObjects::of_waiting_run(&lake).await?;
    if latest.is_none() {
        tracing::info!("no run waits in the lake: there is nothing to do");
    }
    Ok(latest)
}
