//! The rules as the settings have them.

use crate::analyze::{AnalyzeError, Catalog, Overrides};
use crate::ask::LoadViews;
use crate::config::RulesSettings;

/// The built-in rules, joined by the user's folder; with and without the job file's changes.
pub(super) struct Rules {
    /// As the files have them.
    pub(super) as_written: Catalog,
    /// As they are run.
    pub(super) as_run: Catalog,
}

impl Rules {
    /// Reads all rules.
    ///
    /// # Errors
    /// A file or setting is wrong.
    pub(super) fn of(settings: &RulesSettings) -> Result<Self, AnalyzeError> {
        let as_written = match &settings.dir {
            Some(folder) => Catalog::with_folder(folder)?,
            None => Catalog::built_in()?,
        };
        let mut as_run = as_written.clone();
        as_run.apply(&overrides(settings))?;
        Ok(Self { as_written, as_run })
    }
}

/// Reads the views of the rules when a query needs one: most need none.
pub(super) fn load_views(settings: &RulesSettings) -> LoadViews {
    let settings = settings.clone();
    Box::new(move || Ok(Rules::of(&settings)?.as_run.shared_views()?))
}

/// What the settings change about the rules.
pub(super) fn overrides(settings: &RulesSettings) -> Overrides {
    Overrides {
        disabled: settings.disabled.clone(),
        parameters: settings.parameters.clone(),
        prices: settings.prices.clone(),
    }
}
