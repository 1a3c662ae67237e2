//! What can go wrong while judging a lake, with the file or table at fault and what to do about it.

use datafusion::error::DataFusionError;

use crate::ask::AskError;

/// A fault in a `.sql` or reference file, or in the settings that go with it.
///
/// Its text reads `file:line: what is wrong; what to do`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}; {cure}")]
pub struct CatalogError {
    /// Path of the file as the user knows it; built-in files begin with `sql/`.
    pub file: String,
    /// Line of the fault, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub cure: String,
}

impl CatalogError {
    pub(super) fn new(
        file: &str,
        line: usize,
        problem: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            line,
            problem: problem.into(),
            cure: cure.into(),
        }
    }
}

/// Any failure of the analysis.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalyzeError {
    /// A rule, table, view, question or reference file is wrong.
    #[error(transparent)]
    Catalog(#[from] CatalogError),

    /// A setting names a rule or parameter that does not exist, or gives it a value it cannot take.
    #[error("{what}; {cure}")]
    Setting {
        /// What the setting says.
        what: String,
        /// What to do about it.
        cure: String,
    },

    /// The files of a user's rules folder could not be read.
    #[error("cannot read the rules folder at {path}: {source}")]
    Folder {
        /// The file or folder that could not be read.
        path: String,
        /// Why.
        source: std::io::Error,
    },

    /// A query could not be planned or run.
    #[error("{file}: the query failed: {source}")]
    Query {
        /// The file that holds the query.
        file: String,
        /// DataFusion's reason.
        source: Box<DataFusionError>,
    },

    /// A query's answer does not fit the contract of the table that it fills.
    #[error("{file}: {problem}; {cure}")]
    Contract {
        /// The file that holds the query.
        file: String,
        /// Which column differs and how.
        problem: String,
        /// What to do about it.
        cure: String,
    },

    /// Nothing was run because an earlier step that this one reads had failed.
    #[error("{file}: not run, because `{needs}` that it reads could not be made")]
    Dependency {
        /// The file that was not run.
        file: String,
        /// The table or view that is missing.
        needs: String,
    },

    /// The query engine could not be set up.
    #[error("the query engine could not be set up: {0}")]
    Session(Box<DataFusionError>),

    /// The lake could not be asked.
    #[error(transparent)]
    Ask(#[from] AskError),
}

impl AnalyzeError {
    pub(crate) fn query(file: &str, source: DataFusionError) -> Self {
        Self::Query {
            file: file.to_owned(),
            source: Box::new(source),
        }
    }

    /// The file of the query at fault, where it is one.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Query { file, .. }
            | Self::Contract { file, .. }
            | Self::Dependency { file, .. } => Some(file),
            Self::Catalog(error) => Some(&error.file),
            Self::Setting { .. } | Self::Folder { .. } | Self::Session(_) | Self::Ask(_) => None,
        }
    }

    /// Whether what the user wrote is wrong: a file of rules, or a setting.
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Catalog(_) | Self::Setting { .. } | Self::Folder { .. }
        )
    }

    /// Whether the same call may succeed when it is simply made again later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Query { source, .. } | Self::Session(source) => is_storage_trouble(source),
            Self::Ask(error) => error.is_retryable(),
            Self::Catalog(_)
            | Self::Setting { .. }
            | Self::Folder { .. }
            | Self::Contract { .. }
            | Self::Dependency { .. } => false,
        }
    }
}

/// Only storage can heal by itself: a wrong query stays wrong, too little memory stays too little.
fn is_storage_trouble(error: &DataFusionError) -> bool {
    matches!(
        error.find_root(),
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_trouble_is_retryable_and_a_wrong_query_is_not() {
        let storage = DataFusionError::IoError(std::io::Error::other("reset"));
        assert!(AnalyzeError::query("a.sql", storage).is_retryable());
        let plan = DataFusionError::Plan("no such column".to_owned());
        assert!(!AnalyzeError::query("a.sql", plan).is_retryable());
    }

    #[test]
    fn a_catalog_error_names_file_line_and_cure() {
        let error = CatalogError::new(
            "rules/x.sql",
            3,
            "unknown key `titel`",
            "did you mean `title`?",
        );
        assert_eq!(
            error.to_string(),
            "rules/x.sql:3: unknown key `titel`; did you mean `title`?"
        );
    }
}
