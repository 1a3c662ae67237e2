//! Texts as content of HTML and SVG.

use crate::model::printable;

/// `text` as content or attribute of HTML and XML, on one line and without control characters.
pub fn escaped(text: &str) -> String {
    escape(&printable(text))
}

/// The same with its lines left as they are.
pub fn escaped_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(escaped).collect();
    lines.join("\n")
}

/// A sentence of ours as content of HTML: what stands between two backticks is code.
pub fn prose(text: &str) -> String {
    let escaped = escaped(text);
    let mut html = String::with_capacity(escaped.len());
    let mut rest = escaped.as_str();
    while let Some((before, quoted, after)) = next_code(rest) {
        html.push_str(before);
        html.push_str("<code>");
        html.push_str(quoted);
        html.push_str("</code>");
        rest = after;
    }
    html + rest
}

fn next_code(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('`')?;
    let (quoted, after) = rest.split_once('`')?;
    Some((before, quoted, after))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_become_text() {
        assert_eq!(
            escaped("<a href=\"x\" on='y'>&\u{1b}\u{202e}\n"),
            "&lt;a href=&quot;x&quot; on=&#39;y&#39;&gt;&amp;   "
        );
        assert_eq!(escaped_lines("a<\nb\u{7}"), "a&lt;\nb ");
    }

    #[test]
    fn backticks_of_a_sentence_are_code_and_one_alone_stays() {
        assert_eq!(
            prose("`a<b` & `c`; 5` of it"),
            "<code>a&lt;b</code> &amp; <code>c</code>; 5` of it"
        );
    }
}
