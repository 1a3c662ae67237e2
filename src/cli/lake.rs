//! Opening the lake that the settings name.

use super::Context;
use super::error::CliError;
use crate::load::{Lake, StoreSafety};

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
