//! From `[[source]]` of the settings to the sources that the pipeline works with.

use super::error::CliError;
use crate::config::{Environment, RunSettings, SourceKind, SourceSettings};
use crate::discover::event_logs::EventLogSource;
use crate::pipeline::Source;

/// The source that `settings` describe.
pub(super) fn of(
    settings: &SourceSettings,
    _run: &RunSettings,
    environment: &Environment,
) -> Result<Source, CliError> {
    let section = &settings.section;
    match section.kind {
        SourceKind::EventLog => Ok(Source::EventLogs(EventLogSource {
            uris: section.uris.clone(),
            name: section.name.clone(),
            storage_options: settings.storage_options.resolve(environment)?,
        })),
        kind => Err(CliError::Usage(format!(
            "{}: sources of kind {kind} are not built yet; give the folder of its event logs \
             instead, with --event-logs or kind = \"event_log\"",
            settings.origin
        ))),
    }
}
