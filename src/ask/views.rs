//! Views: relations that are defined beside the tables, and can be asked as tables can.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::OnceLock;

use arrow::array::RecordBatch;
use datafusion::common::ScalarValue;

use super::error::AskError;

/// A relation that is not a table of the lake.
#[derive(Debug, Clone)]
pub struct View {
    /// The name that queries use.
    pub name: String,
    /// Where its rows come from.
    pub definition: Definition,
}

/// Where the rows of a view come from.
#[derive(Debug, Clone)]
pub enum Definition {
    /// A query over tables and other views.
    Query {
        /// The query, with `$name` for parameters.
        sql: String,
        /// The values of its parameters.
        parameters: Vec<(String, ScalarValue)>,
        /// The tables and views that it reads.
        reads: Vec<String>,
    },
    /// Constants.
    Rows(RecordBatch),
}

/// Gives all views; called when a query first names something that is not a table.
pub type LoadViews = Box<dyn Fn() -> Result<Vec<View>, Box<dyn Error + Send + Sync>> + Send + Sync>;

/// The views of a lake, read once, when the first is asked for.
pub(super) struct Views {
    load: LoadViews,
    loaded: OnceLock<BTreeMap<String, View>>,
}

impl Views {
    pub(super) fn new(load: LoadViews) -> Self {
        Self {
            load,
            loaded: OnceLock::new(),
        }
    }

    /// The view of that name.
    ///
    /// # Errors
    /// The views cannot be read, or some read each other in a circle.
    pub(super) fn find(&self, name: &str) -> Result<Option<&View>, AskError> {
        Ok(self.all()?.get(name))
    }

    /// All views by name.
    ///
    /// # Errors
    /// As [`Views::find`].
    pub(super) fn all(&self) -> Result<&BTreeMap<String, View>, AskError> {
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let views = (self.load)().map_err(AskError::Views)?;
        let views: BTreeMap<String, View> = views
            .into_iter()
            .map(|view| (view.name.clone(), view))
            .collect();
        refuse_circles(&views)?;
        Ok(self.loaded.get_or_init(|| views))
    }
}

/// Planning a view plans what it reads: a circle would never end.
fn refuse_circles(views: &BTreeMap<String, View>) -> Result<(), AskError> {
    let mut resolved: BTreeSet<&str> = BTreeSet::new();
    while resolved.len() < views.len() {
        let ready: Vec<&str> = views
            .values()
            .filter(|view| !resolved.contains(view.name.as_str()))
            .filter(|view| {
                view.reads()
                    .iter()
                    .all(|read| !views.contains_key(read) || resolved.contains(read.as_str()))
            })
            .map(|view| view.name.as_str())
            .collect();
        if ready.is_empty() {
            let circle: Vec<&str> = views
                .keys()
                .map(String::as_str)
                .filter(|name| !resolved.contains(name))
                .collect();
            return Err(AskError::Views(
                format!(
                    "the views {} read each other in a circle; break it in the rules folder",
                    circle.join(", ")
                )
                .into(),
            ));
        }
        resolved.extend(ready);
    }
    Ok(())
}

impl View {
    fn reads(&self) -> &[String] {
        match &self.definition {
            Definition::Query { reads, .. } => reads,
            Definition::Rows(_) => &[],
        }
    }
}
