//! Text that may come from a log, made safe to show: names in logs can hold anything.

/// Whether a character commands a terminal rather than to be seen: control characters, those that
/// turn the direction of text, separate lines, or hide.
pub fn commands(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// `text` on one line and without what commands a terminal, such as what moves the cursor or turns
/// the direction of the text.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|letter| if commands(letter) { ' ' } else { letter })
        .collect()
}

/// `text`, cut after `most` characters.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// The text on one line, without what a terminal would obey, and not longer than `limit`
/// characters.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(|letter: char| letter.is_whitespace() || commands(letter)) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
            length += 1;
        }
        for character in word.chars() {
            if length >= limit {
                line.push('…');
                return line;
            }
            line.push(character);
            length += 1;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_are_one_line_of_bounded_length() {
        assert_eq!(one_line(" a\n\tb\u{1b}[31mc \u{0}", 100), "a b [31mc");
        assert_eq!(one_line("äöüäöü", 3), "äöü…");
    }
}
