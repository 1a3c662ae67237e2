//! The answer for people: what the model said, then what it stands on.

use std::fmt::Write;

use super::Grounded;
use crate::publish::numbers::{count, counted, duration};

impl Grounded {
    /// As plain text.
    pub fn to_text(&self) -> String {
        let mut text = printable_lines(&self.answer);
        // Writing to a text cannot fail.
        let _ = writeln!(text, "\n\nCalls:");
        for (number, call) in self.calls.iter().enumerate() {
            let arguments = crate::model::printable(&call.arguments.to_string());
            let _ = writeln!(
                text,
                "  {}. {} {arguments} ({}, {})\n     {}{}",
                number + 1,
                call.tool,
                counted(call.bytes as i64, "byte", "bytes"),
                duration(call.duration_ms as f64),
                if call.is_error { "Error: " } else { "" },
                call.verdict,
            );
        }
        let _ = writeln!(text, "\nNumbers: {}", self.number_note());
        for remark in &self.remarks {
            let _ = writeln!(text, "Note: {remark}");
        }
        let _ = writeln!(
            text,
            "Model: {}, {}, {}{} tokens",
            crate::model::printable(&self.model),
            counted(self.rounds as i64, "request", "requests"),
            if self.tokens_are_estimated {
                "about "
            } else {
                ""
            },
            count(i64::try_from(self.tokens).unwrap_or(i64::MAX)),
        );
        text
    }

    fn number_note(&self) -> String {
        let missing = &self.numbers.unverified;
        let checked = self.numbers.checked;
        match (checked, missing.len()) {
            (0, _) => "the answer has none.".to_owned(),
            (_, 0) => format!(
                "{} checked, each is in what the tools returned.",
                count(checked as i64)
            ),
            (_, left) => {
                let named: Vec<String> = missing
                    .iter()
                    .map(|text| crate::model::printable(text))
                    .collect();
                format!(
                    "{} checked, {} in nothing that the tools returned: {}.",
                    count(checked as i64),
                    match left {
                        1 => "1 is".to_owned(),
                        left => format!("{} are", count(left as i64)),
                    },
                    named.join(", ")
                )
            }
        }
    }
}

/// The model's text without what commands a terminal.
fn printable_lines(text: &str) -> String {
    let lines = text.lines().map(crate::model::printable);
    lines.collect::<Vec<_>>().join("\n")
}
