//! A check as text for people.

use std::fmt::Write;

use comfy_table::{Cell, Table, presets};

use super::{Check, Checked};
use crate::model::printable;

/// The verdict, then a line for each limit, the exceeded ones first.
pub(super) fn write(checked: &Checked, verdict: &str) -> String {
    let mut text = format!("{}\n", printable(verdict));
    let parts = [
        ("EXCEEDED", &checked.violations),
        ("not checked", &checked.not_checked),
        ("ok", &checked.within),
    ];
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["", "limit", ""]);
    for (word, checks) in parts {
        for Check { check, message, .. } in checks {
            let cells = [word, &printable(check), &printable(message)].map(Cell::new);
            table.add_row(cells);
        }
    }
    if !table.is_empty() {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "\n{}", table.trim_fmt());
    }
    text
}
