//! `${NAME}` and `${NAME:-default}` in the texts of a job file.
//!
//! Values are filled in after the file is parsed, so a variable can hold quotes or line breaks and
//! never becomes syntax. `$$` stands for one `$`.

use super::environment::Environment;
use super::error::Fault;

const FORM: &str = "write ${NAME} or ${NAME:-default}, or $$ for a dollar sign";

/// `text` with all references replaced.
pub(super) fn interpolate(text: &str, environment: &Environment) -> Result<String, Fault> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            filled.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('{') {
            let (reference, after) = after
                .split_once('}')
                .ok_or_else(|| Fault::new(format!("`${{{after}` has no closing brace"), FORM))?;
            filled.push_str(value(reference, environment)?);
            rest = after;
        } else {
            // A lone dollar sign is nothing special.
            filled.push('$');
            rest = after;
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

fn value<'a>(reference: &'a str, environment: &'a Environment) -> Result<&'a str, Fault> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if !is_name(name) {
        let problem = format!("`${{{reference}}}` does not name a variable");
        return Err(Fault::new(problem, FORM));
    }
    environment.get(name).or(default).ok_or_else(|| {
        Fault::new(
            format!("the environment variable {name} is not set"),
            format!("set it, or write ${{{name}:-default}}"),
        )
    })
}

/// Whether `name` can be the name of an environment variable.
pub(super) fn is_name(name: &str) -> bool {
    let mut letters = name.bytes();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
}
