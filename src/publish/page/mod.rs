//! A page: sections of blocks with finished texts. Text ([`text`]), Markdown ([`markdown`]) and HTML
//! ([`html`]) are made from it, so they say the same. Texts are safe to show on a terminal; each
//! rendering escapes them.

pub(super) mod html;
pub(super) mod markdown;
mod site;
mod site_html;
pub(super) mod text;

use serde::Serialize;

pub(super) use site::{Choice, Field, Form, Link, Sibling, Tab};

use super::numbers::NOT_KNOWN;
use crate::model::printable;

/// How something is judged: the color of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Rules looked and found nothing that is worth work.
    Good,
    /// Something small can be won.
    Minor,
    /// Something is worth work.
    Act,
    /// It failed, in whole or in part.
    Failed,
    /// The history does not tell.
    Unknown,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Page {
    /// What it is about.
    pub(super) title: String,
    /// One line below it: ids, times.
    pub(super) subtitle: String,
    /// The color of the verdict; `None` where there is none.
    pub(super) level: Option<Level>,
    /// Pages about the same thing; only where there is a server.
    pub(super) siblings: Vec<Sibling>,
    /// The sections, in order. The first has no heading of its own in HTML: it is the verdict.
    pub(super) sections: Vec<Section>,
}

/// A section of a page.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Section {
    /// Its anchor.
    pub(super) id: &'static str,
    /// Its heading.
    pub(super) title: String,
    /// What is in it.
    pub(super) blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    /// The first sentence of a paragraph that stands out, and the rest.
    Lead {
        /// The sentence.
        first: String,
        /// What follows it.
        rest: String,
    },
    /// A paragraph.
    Text(String),
    /// Small type below a table or picture.
    Note(String),
    /// Names and values.
    Facts(Vec<Fact>),
    /// A table.
    Table(Table),
    /// Findings or pieces of advice.
    Items(Vec<Item>),
    /// Text to paste.
    Code {
        /// What it is.
        caption: String,
        /// The text, of any number of lines.
        text: String,
    },
    /// A picture, with what it says in words.
    Chart(Chart),
    /// What a list shows; only where there is a server.
    Form(Form),
    /// Labels and addresses of other pages; only where there is a server.
    Links(Vec<(String, String)>),
}

/// A name and a value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Fact {
    /// The name.
    pub(super) name: String,
    /// The value.
    pub(super) value: String,
    /// A line below it.
    pub(super) note: String,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Table {
    /// What it shows.
    pub(super) caption: String,
    /// Its columns.
    pub(super) columns: Vec<Column>,
    /// Its rows.
    pub(super) rows: Vec<Row>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Column {
    /// Its heading.
    pub(super) title: String,
    /// Whether it holds numbers, which stand to the right.
    pub(super) is_number: bool,
    /// Whether it holds sentences or addresses, which are never cut.
    pub(super) is_prose: bool,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Row {
    /// The values, one a column.
    pub(super) cells: Vec<String>,
    /// A color of the row: a severity or the id of a part of the core time; empty for none.
    pub(super) mark: String,
    /// Columns whose values have pages of their own.
    pub(super) links: Vec<(usize, Link)>,
    /// Columns with a second line in small type.
    pub(super) notes: Vec<(usize, String)>,
    /// Columns whose values are shares of a whole, from 0 to 1, which a bar shows.
    pub(super) shares: Vec<(usize, Share)>,
    /// Its anchor; empty for none.
    pub(super) anchor: String,
}

/// A share of a whole in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share(u16);

impl Share {
    /// Of a ratio; nothing of one that is no number.
    pub(super) fn of(ratio: Option<f64>) -> Option<Self> {
        let ratio = ratio.filter(|ratio| ratio.is_finite())?;
        Some(Self((1e3 * ratio.clamp(0.0, 1.0)).round() as u16))
    }

    /// In percent.
    pub(super) fn percent(self) -> f64 {
        f64::from(self.0) / 10.0
    }
}

/// A finding or a piece of advice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Item {
    /// Its place in an order; `None` where there is none.
    pub(super) rank: Option<i64>,
    /// How much it matters.
    pub(super) severity: String,
    /// Its title.
    pub(super) title: String,
    /// The page of what it is about.
    pub(super) link: Option<Link>,
    /// Facts in small type: subject, saving, confidence.
    pub(super) facts: Vec<String>,
    /// Paragraphs.
    pub(super) texts: Vec<String>,
    /// Setting, its value, and the one to set.
    pub(super) setting: Option<(String, String, String)>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Chart {
    /// Its heading.
    pub(super) title: String,
    /// What it shows, in a sentence.
    pub(super) says: String,
    /// The markup of [`crate::publish::charts`], which is escaped.
    pub(super) svg: String,
    /// Classes and names of its colors.
    pub(super) legend: Vec<(&'static str, &'static str)>,
}

impl Section {
    /// An empty section.
    pub(super) fn new(id: &'static str, title: &str) -> Self {
        Self {
            id,
            title: title.to_owned(),
            blocks: Vec::new(),
        }
    }

    /// With another block.
    pub(super) fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// With another block where there is one.
    pub(super) fn with_some(mut self, block: Option<Block>) -> Self {
        self.blocks.extend(block);
        self
    }
}

impl Fact {
    /// A name and a value.
    pub(super) fn new(name: &str, value: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            value: value.into(),
            note: String::new(),
        }
    }

    /// With a line below it.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

impl Table {
    /// A table without rows. A heading that begins with `#` is that of a column of numbers, one with
    /// `~` that of prose.
    pub(super) fn new(caption: &str, columns: &[&'static str]) -> Self {
        let column = |title: &&'static str| Column {
            title: title.trim_start_matches(['#', '~']).to_owned(),
            is_number: title.starts_with('#'),
            is_prose: title.starts_with('~'),
        };
        Self {
            caption: caption.to_owned(),
            columns: columns.iter().map(column).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(super) fn row<const N: usize>(&mut self, mark: &str, cells: [String; N]) {
        self.rows.push(Row {
            cells: cells.into(),
            mark: mark.to_owned(),
            ..Row::default()
        });
    }

    /// Adds a row of a table whose columns are not known beforehand.
    pub(super) fn add_row(&mut self, cells: Vec<String>) {
        self.rows.push(Row {
            cells,
            ..Row::default()
        });
    }

    /// Adds a column.
    pub(super) fn column(&mut self, title: &str, is_number: bool) {
        self.columns.push(Column {
            title: title.to_owned(),
            is_number,
            is_prose: false,
        });
    }

    /// Says which page the value in that column of the last row has.
    pub(super) fn link(&mut self, column: usize, link: Link) {
        if let Some(row) = self.rows.last_mut() {
            row.links.push((column, link));
        }
    }

    /// Adds a second line to the value in that column of the last row.
    pub(super) fn note(&mut self, column: usize, note: impl Into<String>) {
        let note = note.into();
        if let Some(row) = self.rows.last_mut().filter(|_| !note.is_empty()) {
            row.notes.push((column, note));
        }
    }

    /// Says which share of a whole the value in that column of the last row is.
    pub(super) fn share(&mut self, column: usize, ratio: Option<f64>) {
        if let (Some(row), Some(share)) = (self.rows.last_mut(), Share::of(ratio)) {
            row.shares.push((column, share));
        }
    }

    /// Names the last row for links within the page.
    pub(super) fn anchor(&mut self, anchor: String) {
        if let Some(row) = self.rows.last_mut() {
            row.anchor = anchor;
        }
    }

    /// Whether the column at that index holds numbers.
    pub(super) fn is_number(&self, index: usize) -> bool {
        self.columns
            .get(index)
            .is_some_and(|column| column.is_number)
    }

    /// The table as a block, or nothing where it has no rows.
    pub(super) fn block(self) -> Option<Block> {
        (!self.rows.is_empty()).then_some(Block::Table(self))
    }
}

impl Row {
    /// The value in that column, with its second line.
    fn whole(&self, column: usize) -> String {
        let cell = self.cells.get(column).map_or("", String::as_str);
        match self.notes.iter().find(|(of, _)| *of == column) {
            Some((_, note)) => format!("{cell} ({note})"),
            None => cell.to_owned(),
        }
    }
}

/// A text of a log that is shown: on one line, or [`NOT_KNOWN`].
pub(super) fn shown(text: Option<&String>) -> String {
    text.map(|text| printable(text))
        .filter(|text| !text.trim().is_empty())
        .unwrap_or_else(|| NOT_KNOWN.to_owned())
}

/// The severity of a rank of `sql/report`: 5 is critical.
pub(super) fn severity(rank: Option<i64>) -> &'static str {
    match rank {
        Some(5..) => "critical",
        Some(4) => "high",
        Some(3) => "medium",
        Some(2) => "low",
        Some(1) => "info",
        _ => "",
    }
}
