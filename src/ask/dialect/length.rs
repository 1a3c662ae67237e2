//! How long a statement may be. Each operator of a chain (`a = 1 OR a = 2 OR …`) is a level of a tree
//! that planner, optimizer and Delta's file skipping walk recursively, and so is each value of a list: without a
//! bound one statement overflows a thread's stack, which ends the whole process.
//!
//! The stacks of the program's threads hold these bounds several times over.

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::ask::AskError;

/// Most bytes of a statement.
const MAX_BYTES: usize = 1 << 20;
/// Most operators and keywords of a statement.
const MAX_OPERATORS: usize = 4_000;
/// Most commas of a statement, and with them values of a list.
const MAX_COMMAS: usize = 20_000;

const IN_PARTS: &str = "split it into several queries";

/// Refuses a statement that is too long.
///
/// # Errors
/// It is; the error says what to do instead.
pub(super) fn check(sql: &str) -> Result<(), DataFusionError> {
    if sql.len() > MAX_BYTES {
        return Err(too_long(sql.len(), "bytes", MAX_BYTES, IN_PARTS));
    }
    // What is no token is for the parser to tell.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
        return Ok(());
    };
    let commas = tokens
        .iter()
        .filter(|token| **token == Token::Comma)
        .count();
    if commas > MAX_COMMAS {
        return Err(too_long(commas, "commas", MAX_COMMAS, IN_PARTS));
    }
    let operators = tokens.iter().filter(|token| can_chain(token)).count();
    if operators > MAX_OPERATORS {
        let cure =
            "write `a IN (1, 2)` instead of `a = 1 OR a = 2`, or split it into several queries";
        return Err(too_long(
            operators,
            "operators and keywords",
            MAX_OPERATORS,
            cure,
        ));
    }
    Ok(())
}

fn too_long(count: usize, what: &str, most: usize, cure: &str) -> DataFusionError {
    DataFusionError::External(Box::new(AskError::Query(format!(
        "the query is too long: it has {count} {what}, and {most} are allowed; {cure}"
    ))))
}

/// Whether a token may make a chain longer: everything but names, values, lists and parentheses, whose
/// depth the parser bounds.
fn can_chain(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.keyword != Keyword::NoKeyword && word.quote_style.is_none(),
        Token::Whitespace(_)
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Comma
        | Token::Period
        | Token::LParen
        | Token::RParen
        | Token::SemiColon
        | Token::EOF => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(sql: &str) -> Option<String> {
        check(sql).err().map(|error| error.to_string())
    }

    #[test]
    fn chains_and_lists_are_bounded_and_names_and_values_are_free() {
        let chain = |count: usize| format!("SELECT {}", vec!["a"; count].join(" + "));
        assert_eq!(refusal(&chain(MAX_OPERATORS)), None);
        let told = refusal(&chain(MAX_OPERATORS + 2)).unwrap_or_default();
        assert!(
            told.contains("it has 4002 operators and keywords, and 4000 are allowed"),
            "{told}"
        );
        for word in ["x IS NULL ", "NOT a ", "a::int", "a[1]", "a LIKE b "] {
            assert!(refusal(&word.repeat(MAX_OPERATORS + 1)).is_some(), "{word}");
        }
        let list = |count: usize| format!("a IN ({})", vec!["'OR AND'"; count].join(","));
        assert_eq!(refusal(&list(MAX_COMMAS)), None);
        assert!(refusal(&list(MAX_COMMAS + 2)).is_some());
        assert!(refusal(&" ".repeat(MAX_BYTES + 1)).is_some());
    }
}
