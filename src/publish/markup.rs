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
}
