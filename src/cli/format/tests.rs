use std::io::Write;
use std::sync::Arc;

use arrow::array::{Int64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;

use super::Format;
use crate::cli::output::Target;

fn batch() -> RecordBatch {
    let numbers = Int64Array::from(vec![Some(7), None]);
    let names = StringArray::from(vec![Some("a|b,\"c\"\u{1b}[2J"), None]);
    let lists = vec![Some(vec![Some(1), None]), None];
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(lists);
    RecordBatch::try_from_iter_with_nullable([
        ("number", Arc::new(numbers) as _, true),
        ("name", Arc::new(names) as _, true),
        ("list", Arc::new(lists) as _, true),
    ])
    .expect("batch")
}

fn written(format: Format, batches: &[RecordBatch]) -> String {
    let mut output = Vec::new();
    let mut writer = format
        .writer(&batch().schema(), &mut output)
        .expect("writer");
    for batch in batches {
        writer.write(batch).expect("written");
    }
    writer.finish().expect("finished");
    drop(writer);
    String::from_utf8(output).expect("UTF-8")
}

#[test]
fn csv_quotes_and_leaves_null_empty() {
    assert_eq!(
        written(Format::Csv, &[batch()]),
        "number,name,list\n7,\"a|b,\"\"c\"\"\u{1b}[2J\",\"[1,null]\"\n,,\n"
    );
}

#[test]
fn json_has_every_column_in_every_object() {
    let parsed: serde_json::Value =
        serde_json::from_str(&written(Format::Json, &[batch(), batch()])).expect("JSON");
    let rows = parsed.as_array().expect("array");
    assert_eq!(rows.len(), 4);
    assert_eq!(
        rows.get(1),
        Some(&serde_json::json!({"number": null, "name": null, "list": null}))
    );
    let lines = written(Format::Ndjson, &[batch()]);
    assert_eq!(lines.lines().count(), 2);
    assert!(lines.ends_with('\n'));
}

#[test]
fn an_answer_without_rows_is_still_an_answer() {
    assert_eq!(written(Format::Csv, &[]), "number,name,list\n");
    assert_eq!(written(Format::Json, &[]), "[]\n");
    assert_eq!(written(Format::Ndjson, &[]), "");
    assert_eq!(
        written(Format::Markdown, &[]),
        "| number | name | list |\n|---:|---|---|\n"
    );
    assert!(written(Format::Table, &[]).contains("number"));
}

#[test]
fn markdown_stays_within_its_cells() {
    let text = written(Format::Markdown, &[batch()]);
    assert_eq!(
        text.lines().nth(2),
        Some("| 7 | a\\|b,\"c\" \\[2J | \\[1,null\\] |")
    );
    assert_eq!(text.lines().nth(3), Some("| NULL | NULL | NULL |"));
}

#[test]
fn a_table_holds_no_control_characters() {
    let text = written(Format::Table, &[batch()]);
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.contains("NULL"));
}

#[test]
fn one_row_can_be_read_line_by_line() {
    assert_eq!(
        written(Format::Vertical, &[batch()]),
        "-[ row 1 ]-\nnumber | 7\nname   | a|b,\"c\" [2J\nlist   | [1,null]\n\
         -[ row 2 ]-\nnumber | NULL\nname   | NULL\nlist   | NULL\n"
    );
    assert_eq!(written(Format::Vertical, &[]), "no rows\n");
}

/// A terminal that is 40 characters wide.
struct Narrow(Vec<u8>);

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Target for Narrow {
    fn width(&self) -> Option<u16> {
        Some(40)
    }
}

#[test]
fn a_table_fits_the_terminal_and_says_what_it_leaves_out() {
    let long = StringArray::from(vec!["a sentence that is longer than the line ".repeat(3)]);
    let number = || Arc::new(Int64Array::from(vec![1])) as _;
    let rows = RecordBatch::try_from_iter([
        ("id", number()),
        ("text", Arc::new(long) as _),
        ("third", number()),
        ("fourth", number()),
    ])
    .expect("batch");
    let mut output = Narrow(Vec::new());
    Format::Table
        .write_all(&rows, &mut output)
        .expect("written");
    let text = String::from_utf8(output.0).expect("UTF-8");
    let (table, note) = text.trim_end().rsplit_once('\n').expect("lines");
    assert!(
        table.lines().all(|line| line.chars().count() <= 40),
        "{text}"
    );
    assert!(
        table.contains("third") && !table.contains("fourth"),
        "{text}"
    );
    assert!(
        note.starts_with("3 of 4 columns fit the terminal"),
        "{note}"
    );
}

#[test]
fn a_long_table_comes_in_pages() {
    let many: Vec<RecordBatch> = (0..600).map(|_| batch()).collect();
    assert_eq!(written(Format::Table, &many).matches("number").count(), 2);
}
