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
