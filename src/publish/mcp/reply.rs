//! The answer of a tool: the verdict first, then lists of rows, in a budget of bytes. The same facts go
//! out twice, as structured content and as a text of lines; what does not fit is cut from the longest
//! list, and the answer says what was cut and how to get it.

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value, json};

use super::apps;
use super::rows::{Row, cut_texts, on_one_line};

/// Most bytes of a summary, as JSON.
pub(super) const SUMMARY_BYTES: usize = 12_000;
/// Most bytes of any answer, as JSON.
pub(super) const FULL_BYTES: usize = 48_000;
/// Longest texts, in characters, one after the other until the answer fits.
const TEXT_LENGTHS: [usize; 4] = [4_000, 1_000, 300, 80];
/// Longest texts of a summary, in characters.
const SUMMARY_TEXT: usize = 400;
/// Longest text of a cell of the text form, in characters.
const CELL_SUMMARY: usize = 300;
const CELL_FULL: usize = 1_000;

/// The rows of one list.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) rows: Vec<Row>,
    /// Rows that there are, where the query counts them.
    pub(super) total: Option<u64>,
    /// Rows before the first, where it is paged through.
    pub(super) offset: Option<u64>,
}

/// An answer before it is fitted.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) verdict: String,
    pub(super) lists: Vec<Answered>,
    pub(super) full: bool,
    /// The dashboard's page about the same, for clients that show pages.
    pub(super) page: Option<String>,
}

impl Answered {
    /// Rows after the last one shown.
    fn rows_left(&self) -> u64 {
        let shown = self.offset.unwrap_or(0) + self.rows.len() as u64;
        self.total.map_or(0, |total| total.saturating_sub(shown))
    }

    fn bytes(&self) -> usize {
        let rows = self.rows.iter();
        rows.map(|row| serde_json::to_string(row).map_or(0, |text| text.len()))
            .sum()
    }
}

impl Reply {
    /// The answer as a tool result within its budget.
    pub(super) fn fitted(mut self) -> CallToolResult {
        let budget = if self.full { FULL_BYTES } else { SUMMARY_BYTES };
        for list in &mut self.lists {
            // What was fetched counts as there, where the query does not count.
            list.total = list.total.or(Some(list.rows.len() as u64));
            if !self.full {
                list.rows
                    .iter_mut()
                    .for_each(|row| cut_texts(row, SUMMARY_TEXT));
            }
        }
        let mut lengths = TEXT_LENGTHS.into_iter();
        loop {
            let result = self.result();
            let bytes = serde_json::to_vec(&result).map_or(0, |text| text.len());
            if bytes <= budget {
                return result;
            }
            if self.shorten_longest(bytes - budget) {
                continue;
            }
            let Some(length) = lengths.next() else {
                return result;
            };
            self.verdict = on_one_line(&Value::from(self.verdict.as_str()), length);
            let rows = self.lists.iter_mut().flat_map(|list| &mut list.rows);
            rows.for_each(|row| cut_texts(row, length));
        }
    }

    /// Takes rows from the end of the largest list with more than one row: about as many as `excess`
    /// bytes need, at most half. False where there is none.
    fn shorten_longest(&mut self, excess: usize) -> bool {
        let longest = self
            .lists
            .iter_mut()
            .filter(|list| list.rows.len() > 1)
            .max_by_key(|list| list.bytes());
        let Some(list) = longest else {
            return false;
        };
        let rows = list.rows.len();
        // The text repeats what the row says, in about half of its bytes.
        let row_bytes = (list.bytes() * 3 / 2 / rows).max(1);
        let cut = (excess / row_bytes).clamp(1, (rows / 2).max(1));
        list.rows.truncate(rows - cut);
        true
    }

    fn result(&self) -> CallToolResult {
        let mut structured = Map::new();
        structured.insert("verdict".to_owned(), json!(self.verdict));
        let mut text = self.verdict.clone();
        let mut cut = Vec::new();
        let mut cursor = None;
        for list in &self.lists {
            if list.rows.is_empty() {
                continue;
            }
            structured.insert(list.name.to_owned(), json!(list.rows));
            text.push_str(&list.text(self.full));
            let left = list.rows_left();
            if left > 0 {
                let next = list.offset.map(|offset| offset + list.rows.len() as u64);
                let how = match next {
                    Some(next) => format!("call again with cursor \"{next}\""),
                    None if self.full => "ask `query`".to_owned(),
                    None => "call again with detail=full, or ask `query`".to_owned(),
                };
                text.push_str(&format!("\n({left} more rows of {}: {how})", list.name));
                cut.push(json!({"list": list.name, "rows_left": left, "how_to_get": how}));
                cursor = cursor.or(next);
            }
        }
        if !cut.is_empty() {
            structured.insert("cut".to_owned(), Value::Array(cut));
        }
        if let Some(cursor) = cursor {
            structured.insert("next_cursor".to_owned(), json!(cursor.to_string()));
        }
        let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
        result.structured_content = Some(Value::Object(structured));
        result.meta = self.page.as_deref().map(apps::result_meta);
        result
    }
}

impl Answered {
    /// The rows as lines of text under their columns; a single row as `column: value`.
    fn text(&self, full: bool) -> String {
        let most = if full { CELL_FULL } else { CELL_SUMMARY };
        let mut text = format!("\n\n{}", self.title);
        if let [row] = self.rows.as_slice() {
            for (name, value) in row {
                text.push_str(&format!("\n{name}: {}", on_one_line(value, most)));
            }
            return text;
        }
        let mut columns: Vec<&str> = Vec::new();
        for row in &self.rows {
            let new = row.keys().map(String::as_str);
            let new: Vec<&str> = new.filter(|name| !columns.contains(name)).collect();
            columns.extend(new);
        }
        text.push('\n');
        text.push_str(&columns.join("|"));
        for row in &self.rows {
            let cells = columns.iter().map(|name| {
                let cell = row.get(*name).map(|value| on_one_line(value, most));
                cell.unwrap_or_default().replace('|', "/")
            });
            text.push('\n');
            text.push_str(&cells.collect::<Vec<_>>().join("|"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(index: usize, text: &str) -> Row {
        let mut row = Row::new();
        row.insert("id".to_owned(), json!(index));
        row.insert("text".to_owned(), json!(text));
        row
    }

    fn answered(name: &'static str, rows: usize, text: &str, offset: Option<u64>) -> Answered {
        Answered {
            name,
            title: name.to_owned(),
            rows: (0..rows).map(|index| row(index, text)).collect(),
            total: Some(500),
            offset,
        }
    }

    fn bytes(result: &CallToolResult) -> usize {
        serde_json::to_vec(result).expect("JSON").len()
    }

    #[test]
    fn an_answer_that_is_too_long_is_cut_and_says_how_to_get_the_rest() {
        let reply = Reply {
            verdict: "It is slow.".to_owned(),
            lists: vec![
                answered("findings", 100, &"x".repeat(300), Some(20)),
                answered("beside", 3, "short", None),
            ],
            full: false,
            page: None,
        };
        let result = reply.fitted();
        assert!(bytes(&result) <= SUMMARY_BYTES);
        let content = result.structured_content.expect("structured");
        let shown = content["findings"].as_array().expect("rows").len() as u64;
        assert!(shown > 5, "{shown} rows are left");
        assert_eq!(content["beside"].as_array().expect("rows").len(), 3);
        assert_eq!(content["next_cursor"], json!((20 + shown).to_string()));
        assert_eq!(content["cut"][0]["rows_left"], json!(500 - 20 - shown));
        assert_eq!(content["cut"][1]["list"], json!("beside"));
    }

    #[test]
    fn one_row_that_is_too_long_loses_text_and_stays() {
        let reply = Reply {
            verdict: "v".repeat(100_000),
            lists: vec![answered("plan", 1, &"ä\"\n".repeat(1_000_000), None)],
            full: true,
            page: None,
        };
        let result = reply.fitted();
        assert!(bytes(&result) <= FULL_BYTES);
        let content = result.structured_content.expect("structured");
        assert_eq!(content["plan"][0]["id"], json!(0));
        let text = content["plan"][0]["text"].as_str().expect("text");
        assert!(
            text.ends_with("(3000000 characters)"),
            "{}",
            &text[text.len() - 40..]
        );
    }

    #[test]
    fn a_whole_answer_has_no_cut_and_no_cursor() {
        let mut list = answered("rows", 2, "a|b", Some(0));
        list.total = Some(2);
        let reply = Reply {
            verdict: "Two.".to_owned(),
            lists: vec![list],
            full: false,
            page: None,
        };
        let result = reply.fitted();
        let content = result.structured_content.expect("structured");
        assert_eq!(content.get("cut"), None);
        assert_eq!(content.get("next_cursor"), None);
        let text = serde_json::to_string(&result.content).expect("JSON");
        assert!(
            text.contains(r"Two.\n\nrows\nid|text\n0|a/b\n1|a/b"),
            "{text}"
        );
    }
}
