//! Small pieces of text for people.

pub(super) use crate::model::{printable, shortened};

use crate::model::commands;

/// As [`printable`], with its lines left as they are.
pub(super) fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// Makes a stream of bytes printable: line ends and tabs stay, everything else that commands a
/// terminal becomes a space. Characters may be cut between two pieces.
#[derive(Debug, Default)]
pub(super) struct Printable {
    cut: Vec<u8>,
}

impl Printable {
    /// The printable form of the next bytes.
    pub(super) fn next(&mut self, bytes: &[u8]) -> String {
        self.cut.extend_from_slice(bytes);
        let complete = complete_length(&self.cut);
        let rest = self.cut.split_off(complete);
        let text = String::from_utf8_lossy(&self.cut)
            .chars()
            .map(|letter| match letter {
                '\n' | '\t' => letter,
                letter if commands(letter) => ' ',
                letter => letter,
            })
            .collect();
        self.cut = rest;
        text
    }
}

/// The length of `bytes` without a character that is cut at the end.
fn complete_length(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        // Cut bytes behind other wrong ones are not waited for.
        _ => bytes.len(),
    }
}

/// `1 history`, `2 histories`.
pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a [31mb c");
        assert_eq!(
            printable("exe\u{202e}gpj.txt\u{9b}2J\u{2066}x\u{feff}"),
            "exe gpj.txt 2J x "
        );
    }

    #[test]
    fn a_stream_is_printable_wherever_it_is_cut() {
        let text = "naïve\t\u{202e}\u{1b}]0;x\u{7}\u{9b}1m – 你好\r\n";
        let expected = "naïve\t  ]0;x  1m – 你好 \n";
        for cut in 0..=text.len() {
            let (left, right) = text.as_bytes().split_at(cut);
            let mut printable = Printable::default();
            let got = printable.next(left) + &printable.next(right);
            assert_eq!(got, expected, "{cut}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened("äöü", 2), "äö…");
        assert_eq!(shortened("äöü", 3), "äöü");
    }
}
