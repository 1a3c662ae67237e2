//! How a tool is declared: its arguments and the lists that it answers with.

use serde_json::{Map, Value, json};

use super::rows::Row;

/// A tool.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What it answers and when to choose it.
    pub(super) about: &'static str,
    pub(super) arguments: &'static [Argument],
    /// What it answers with, the most important first.
    pub(super) lists: &'static [List],
}

/// An argument of a tool.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) about: &'static str,
    pub(super) required: bool,
}

/// What an argument can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An application; its keys become parameters.
    Application,
    /// A recurring job, by its key or an application of it; becomes `job_key`.
    Job,
    Text,
    /// A UTC date.
    Date,
    Whole {
        least: i64,
        most: i64,
    },
    Flag,
    Choice(&'static [&'static str]),
}

/// A list of rows that a tool answers with.
#[derive(Debug)]
pub(super) struct List {
    /// Its key in the structured answer.
    pub(super) name: &'static str,
    /// The file of `sql/mcp` that lists it.
    pub(super) query: &'static str,
    /// The columns of a summary, `name:type` with s for text, i for whole numbers, n for numbers, b for
    /// flags and a for lists.
    pub(super) columns: &'static str,
    /// The columns that `detail=full` adds.
    pub(super) more: &'static str,
    /// When it is there.
    pub(super) when: &'static [When],
    pub(super) role: Role,
}

/// What a list is for the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Its first row completes the parameters; it is not shown. Without a row the call is an error.
    Binds,
    /// One row about the subject. Without it the call is an error, where the file says so.
    Subject,
    /// The list that `limit` and `cursor` page through.
    Paged,
    /// A short list beside it.
    Beside,
    /// The same, with `detail=full` only.
    Full,
}

/// A condition on the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Given(&'static str),
    Missing(&'static str),
    Is(&'static str, &'static str),
}

/// Most rows of a page.
pub(super) const MAX_LIMIT: i64 = 100;
/// Rows of a page unless asked otherwise.
pub(super) const DEFAULT_LIMIT: i64 = 10;

pub(super) const fn list(
    name: &'static str,
    query: &'static str,
    role: Role,
    columns: &'static str,
    more: &'static str,
    when: &'static [When],
) -> List {
    List {
        name,
        query,
        columns,
        more,
        when,
        role,
    }
}

pub(super) const fn needed(name: &'static str, kind: Kind, about: &'static str) -> Argument {
    Argument {
        name,
        kind,
        about,
        required: true,
    }
}

pub(super) const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Argument {
    Argument {
        name,
        kind,
        about,
        required: false,
    }
}

/// One column of a list, as it is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: ColumnType,
}

/// The type of a column in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    Text,
    Whole,
    Number,
    Flag,
    Array,
}

impl ColumnType {
    fn of(letter: &str) -> Self {
        match letter {
            "i" => Self::Whole,
            "n" => Self::Number,
            "b" => Self::Flag,
            "a" => Self::Array,
            _ => Self::Text,
        }
    }

    /// Its name in JSON Schema.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Whole => "integer",
            Self::Number => "number",
            Self::Flag => "boolean",
            Self::Array => "array",
        }
    }
}

fn parse_columns(text: &'static str) -> impl Iterator<Item = Column> {
    text.split_whitespace().map(|column| {
        let (name, letter) = column.split_once(':').unwrap_or((column, "s"));
        Column {
            name,
            kind: ColumnType::of(letter),
        }
    })
}

impl List {
    /// The columns that are shown.
    pub(super) fn shown(&self, full: bool) -> impl Iterator<Item = Column> {
        let more = if full { self.more } else { "" };
        parse_columns(self.columns).chain(parse_columns(more))
    }

    /// The rows with nothing but the columns that are shown, in the order of their declaration.
    pub(super) fn only_shown(&self, rows: Vec<Row>, full: bool) -> Vec<Row> {
        let columns: Vec<&str> = self.shown(full).map(|column| column.name).collect();
        let rows = rows.into_iter().map(|mut row| {
            let shown = columns.iter().filter_map(|name| row.remove_entry(*name));
            shown.collect::<Row>()
        });
        rows.collect()
    }

    /// Whether it is there for these arguments; `given` gives an argument's value as text.
    pub(super) fn applies(&self, given: &dyn Fn(&str) -> Option<String>, full: bool) -> bool {
        (full || self.role != Role::Full)
            && self.when.iter().all(|condition| match condition {
                When::Given(name) => given(name).is_some(),
                When::Missing(name) => given(name).is_none(),
                When::Is(name, value) => given(name).as_deref() == Some(*value),
            })
    }

    fn schema(&self, with_columns: bool) -> Value {
        if !with_columns {
            return json!({"$ref": "#/$defs/rows"});
        }
        let columns: Map<String, Value> = self
            .shown(false)
            .map(|column| (column.name.to_owned(), json!({"type": column.kind.name()})))
            .collect();
        json!({"type": "array", "items": {"type": "object", "properties": columns}})
    }
}

impl Tool {
    /// Whether it has a list that is paged through.
    pub(super) fn is_paged(&self) -> bool {
        self.lists.iter().any(|list| list.role == Role::Paged)
    }

    pub(super) fn argument(&self, name: &str) -> Option<&Argument> {
        self.arguments.iter().find(|known| known.name == name)
    }

    /// The names of all arguments, those that most tools share included.
    pub(super) fn argument_names(&self) -> Vec<&'static str> {
        let mut names: Vec<&str> = self.arguments.iter().map(|known| known.name).collect();
        names.push("detail");
        if self.is_paged() {
            names.extend(["limit", "cursor"]);
        }
        names
    }

    /// The JSON Schema of its arguments.
    pub(super) fn input_schema(&self) -> Map<String, Value> {
        let mut properties: Map<String, Value> = self
            .arguments
            .iter()
            .map(|argument| (argument.name.to_owned(), argument.schema()))
            .collect();
        properties.insert("detail".to_owned(), json!({"enum": ["summary", "full"]}));
        if self.is_paged() {
            let limit = json!({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT});
            properties.insert("limit".to_owned(), limit);
            let cursor = json!({"type": "string", "description": "next_cursor of the last answer"});
            properties.insert("cursor".to_owned(), cursor);
        }
        let required: Vec<&str> = self
            .arguments
            .iter()
            .filter(|argument| argument.required)
            .map(|argument| argument.name)
            .collect();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        schema.insert("additionalProperties".to_owned(), json!(false));
        schema
    }

    /// The JSON Schema of its structured answer: the columns of the first list that is shown, the names
    /// of the others. A column that is not known in a row is left out of the row.
    pub(super) fn output_schema(&self) -> Map<String, Value> {
        let mut properties = Map::new();
        properties.insert("verdict".to_owned(), json!({"type": "string"}));
        let mut with_columns = true;
        for list in self.lists {
            if list.role == Role::Binds || properties.contains_key(list.name) {
                continue;
            }
            properties.insert(list.name.to_owned(), list.schema(with_columns));
            with_columns = false;
        }
        properties.insert("cut".to_owned(), json!({"$ref": "#/$defs/rows"}));
        if self.is_paged() {
            properties.insert("next_cursor".to_owned(), json!({"type": "string"}));
        }
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.insert("required".to_owned(), json!(["verdict"]));
        let rows = json!({"rows": {"type": "array", "items": {"type": "object"}}});
        schema.insert("$defs".to_owned(), rows);
        schema
    }
}

impl Argument {
    fn schema(&self) -> Value {
        let mut schema = match self.kind {
            Kind::Whole { least, .. } => json!({"type": "integer", "minimum": least}),
            Kind::Flag => json!({"type": "boolean"}),
            Kind::Choice(choices) => json!({"enum": choices}),
            Kind::Date => json!({"type": "string", "format": "date"}),
            Kind::Application | Kind::Job | Kind::Text => json!({"type": "string"}),
        };
        if !self.about.is_empty()
            && let Some(schema) = schema.as_object_mut()
        {
            schema.insert("description".to_owned(), json!(self.about));
        }
        schema
    }
}
