//! What can be wrong with a contract.

use thiserror::Error;

/// A contract that cannot be used. Contracts are compiled in, so this is a fault of the build.
#[derive(Debug, Error)]
#[error("contract {file}: {problem}")]
pub struct ContractError {
    /// File or table that was being read.
    pub file: String,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

impl ContractError {
    /// Where in the file it is, in bytes from its beginning, where that is known.
    pub fn offset(&self) -> Option<usize> {
        match &self.problem {
            Problem::Syntax(error) => error.span().map(|span| span.start),
            _ => None,
        }
    }

    /// Never: the same contract fails again.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

/// What is wrong with a contract.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Problem {
    #[error("the file does not exist")]
    Missing,
    #[error("the file is not UTF-8")]
    NotUtf8,
    #[error("{0}")]
    Syntax(#[source] Box<toml::de::Error>),
    #[error("the table is called `{name}`, which is not the name of the file")]
    NotTheFileName { name: String },
    #[error("`{name}` is not snake_case")]
    NotSnakeCase { name: String },
    #[error("`{of}` has an empty title, grain or description")]
    NoDescription { of: String },
    #[error("column `{column}` is declared twice")]
    DuplicateColumn { column: String },
    #[error("column `{column}` has the unknown unit `{unit}`")]
    UnknownUnit { column: String, unit: String },
    #[error("column `{column}` references something that is not `table.column`")]
    MalformedReference { column: String },
    #[error("column `{column}` references `{target}`, which does not exist")]
    DanglingReference { column: String, target: String },
    #[error("the table has no key")]
    NoKey,
    #[error("key or partition column `{key}` is not a column")]
    KeyIsNoColumn { key: String },
    #[error("key or partition column `{key}` is nullable")]
    KeyIsNullable { key: String },
}

impl Problem {
    pub(super) fn in_file(self, file: &str) -> ContractError {
        ContractError {
            file: file.to_owned(),
            problem: self,
        }
    }
}
