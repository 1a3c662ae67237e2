//! The comment header of a `.sql` file.
//!
//! ```sql
//! -- id: task_skew
//! -- title: A few tasks run much longer than the rest of their stage
//! --   (an indented line goes on with the text above it)
//! ```
//! The header is the block of comment lines at the top; it ends at the first line that is not one.
//! It is plain text on purpose: an analyst writes a rule without learning a second format, and the
//! file stays valid SQL for every engine.

use super::error::CatalogError;
use crate::model::did_you_mean;

/// One `key: value` of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub key: String,
    pub value: String,
    pub line: usize,
}

/// The header of one file; fields are taken out one by one, and what is left over is an error.
#[derive(Debug)]
pub(super) struct Header<'a> {
    file: &'a str,
    fields: Vec<Field>,
    known: Vec<&'static str>,
}

impl<'a> Header<'a> {
    /// Reads the header of `text`, the content of `file`.
    pub(super) fn parse(file: &'a str, text: &str) -> Result<Self, CatalogError> {
        let mut fields: Vec<Field> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let Some(comment) = line.strip_prefix("--") else {
                break;
            };
            let number = index + 1;
            if comment.trim().is_empty() {
                continue;
            }
            match (is_continuation(comment), fields.last_mut()) {
                (true, Some(field)) => {
                    field.value.push(' ');
                    field.value.push_str(comment.trim());
                }
                _ => fields.push(parse_field(file, number, comment)?),
            }
        }
        Ok(Self {
            file,
            fields,
            known: Vec::new(),
        })
    }

    /// Takes the field `key` out; `None` where the header has none or leaves it empty.
    pub(super) fn optional(&mut self, key: &'static str) -> Result<Option<Field>, CatalogError> {
        let mut found = self.repeated(key);
        if let [_, second, ..] = found.as_slice() {
            return Err(CatalogError::new(
                self.file,
                second.line,
                format!("`{key}` is given twice"),
                "keep one of them",
            ));
        }
        Ok(found.pop().filter(|field| !field.value.is_empty()))
    }

    /// Takes the field `key` out; an error where the header has none.
    pub(super) fn required(&mut self, key: &'static str) -> Result<Field, CatalogError> {
        self.optional(key)?.ok_or_else(|| {
            CatalogError::new(
                self.file,
                1,
                format!("the header has no `{key}`"),
                format!("add a line `-- {key}: …` at the top of the file"),
            )
        })
    }

    /// Takes out all fields of that key, in their order.
    pub(super) fn repeated(&mut self, key: &'static str) -> Vec<Field> {
        self.known.push(key);
        self.fields
            .extract_if(.., |field| field.key == key)
            .collect()
    }

    /// An error if a field is left that nothing asked for.
    pub(super) fn finish(self) -> Result<(), CatalogError> {
        let Some(unknown) = self.fields.first() else {
            return Ok(());
        };
        Err(CatalogError::new(
            self.file,
            unknown.line,
            format!("unknown key `{}` in the header", unknown.key),
            did_you_mean(&unknown.key, self.known.iter().copied()),
        ))
    }
}

fn is_continuation(comment: &str) -> bool {
    comment.starts_with("  ") || comment.starts_with('\t')
}

fn parse_field(file: &str, line: usize, comment: &str) -> Result<Field, CatalogError> {
    let pair = comment
        .split_once(':')
        .map(|(key, value)| (key.trim(), value.trim()));
    match pair {
        Some((key, value)) if is_key(key) => Ok(Field {
            key: key.to_owned(),
            value: value.to_owned(),
            line,
        }),
        _ => Err(CatalogError::new(
            file,
            line,
            format!("`{}` is not a `key: value` line", comment.trim()),
            "write `-- key: value`, indent the line to go on with the text above it, \
             or put free comments below the header after an empty line",
        )),
    }
}

fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indented_lines_continue_and_the_first_other_line_ends_the_header() {
        let text = "-- id: a\n-- title: one\n--   two\n--\n\n-- free: comment\nSELECT 1";
        let mut header = Header::parse("a.sql", text).expect("valid");
        assert_eq!(header.required("id").expect("given").value, "a");
        let title = header.required("title").expect("given");
        assert_eq!((title.value.as_str(), title.line), ("one two", 2));
        header.finish().expect("nothing left");
    }

    #[test]
    fn a_missing_key_says_which_line_to_add() {
        let mut header = Header::parse("a.sql", "-- id: a\nSELECT 1").expect("valid");
        let error = header.required("title").expect_err("missing");
        assert_eq!(
            error.to_string(),
            "a.sql:1: the header has no `title`; add a line `-- title: …` at the top of the file"
        );
    }

    #[test]
    fn an_unknown_key_names_its_line_and_neighbor() {
        let mut header = Header::parse("a.sql", "-- id: a\n-- titel: b\n").expect("valid");
        header.optional("id").expect("valid");
        header.optional("title").expect("valid");
        let error = header.finish().expect_err("left over");
        assert_eq!(
            error.to_string(),
            "a.sql:2: unknown key `titel` in the header; did you mean `title`?"
        );
    }

    #[test]
    fn a_key_given_twice_names_the_second_line() {
        let mut header = Header::parse("a.sql", "-- id: a\n-- id: b\n").expect("valid");
        let error = header.optional("id").expect_err("twice");
        assert_eq!(error.line, 2);
    }

    #[test]
    fn a_line_without_a_key_is_refused() {
        let error = Header::parse("a.sql", "-- just words\n").expect_err("no key");
        assert!(
            error
                .to_string()
                .starts_with("a.sql:1: `just words` is not a `key: value` line")
        );
    }
}
