//! The tables and views of a lake with all that is known about their columns, as exports describe them.

use std::collections::BTreeMap;

use arrow::datatypes::Field;

use crate::analyze::{Catalog, Relation as View};
use crate::ask::{AskError, AskLake};
use crate::schema::{self, COMMENT_KEY, Column as TableColumn, Table, TableKind, dictionary};

/// A table or view of the lake.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Its name.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What it is.
    pub kind: RelationKind,
    /// What one row stands for; empty for a view that only other views and rules read.
    pub grain: String,
    /// What it holds and how to use it.
    pub description: String,
    /// Columns that together identify a row; empty where none are declared.
    pub keys: Vec<String>,
    /// Partition columns of a table.
    pub partition_by: Vec<String>,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The query of a view, with the values of its parameters.
    pub sql: Option<String>,
    /// The tables and views that a view reads.
    pub reads: Vec<String>,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// A Delta table of the lake.
    Table(TableKind),
    /// A view for people and models.
    ConsumerView,
    /// A view that rules and other views share.
    SharedView,
}

/// A column of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type in SQL, in lower case: `bigint`, `array<string>`.
    pub data_type: String,
    /// Whether it can be NULL; always true in views.
    pub nullable: bool,
    /// Unit of its numbers.
    pub unit: Option<String>,
    /// What it holds; empty where nothing describes it.
    pub description: String,
    /// Every value it can have, where they are few.
    pub values: Vec<String>,
    /// `table.column` it points to.
    pub references: Option<(String, String)>,
}

impl Column {
    /// The description with unit and values, in one text.
    pub fn comment(&self) -> String {
        let mut comment = self.description.clone();
        if let Some(unit) = &self.unit {
            comment.push_str(&format!(" Unit: {unit}."));
        }
        if !self.values.is_empty() {
            comment.push_str(&format!(" Values: {}.", self.values.join(", ")));
        }
        comment
    }
}

impl Relation {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether it is a table.
    pub fn is_table(&self) -> bool {
        matches!(self.kind, RelationKind::Table(_))
    }

    /// Title, grain and description in one text; the grain first, since it decides how a row counts.
    pub fn comment(&self) -> String {
        let mut grain = self.grain.clone();
        if let Some(first) = grain.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let starts_with_grain = self
            .description
            .to_lowercase()
            .starts_with(&self.grain.to_lowercase());
        match grain.is_empty() || starts_with_grain {
            true => self.description.clone(),
            false => format!("{grain}. {}", self.description),
        }
    }
}

/// All tables, then all views, each after those that it reads. `empty` is a lake without rows.
///
/// # Errors
/// A view cannot be planned.
pub async fn relations(catalog: &Catalog, empty: &AskLake) -> Result<Vec<Relation>, AskError> {
    let mut all: Vec<Relation> = schema::tables().iter().map(of_table).collect();
    let known = columns_by_comment();
    for view in in_order(catalog) {
        all.push(of_view(view, empty, &known).await?);
    }
    Ok(all)
}

/// The columns of a view with what they mean.
///
/// # Errors
/// The view cannot be planned.
pub async fn view_columns(view: &View, empty: &AskLake) -> Result<Vec<Column>, AskError> {
    Ok(of_view(view, empty, &columns_by_comment()).await?.columns)
}

fn of_table(table: &Table) -> Relation {
    Relation {
        name: table.name.clone(),
        title: table.title.clone(),
        kind: RelationKind::Table(table.kind),
        grain: table.grain.clone(),
        description: table.description.clone(),
        keys: table.keys.clone(),
        partition_by: table.partition_by.clone(),
        columns: table.columns.iter().map(of_column).collect(),
        sql: None,
        reads: Vec::new(),
    }
}

fn of_column(column: &TableColumn) -> Column {
    Column {
        name: column.name.clone(),
        data_type: column.data_type.sql_name().to_owned(),
        nullable: column.nullable,
        unit: column.unit.clone(),
        description: column.description.clone(),
        values: column.values.clone(),
        references: column
            .reference()
            .map(|(table, column)| (table.to_owned(), column.to_owned())),
    }
}

async fn of_view(
    view: &View,
    empty: &AskLake,
    known: &BTreeMap<String, &'static TableColumn>,
) -> Result<Relation, AskError> {
    let schema = empty.schema(&view.id).await?;
    let columns = schema.fields().iter();
    let columns = columns.map(|field| of_field(field, view, known)).collect();
    let contract = view.contract.as_ref();
    Ok(Relation {
        name: view.id.clone(),
        title: view.title.clone(),
        kind: match contract {
            Some(_) => RelationKind::ConsumerView,
            None => RelationKind::SharedView,
        },
        grain: contract
            .map(|contract| contract.grain.clone())
            .unwrap_or_default(),
        description: view.description.clone(),
        keys: contract
            .map(|contract| contract.keys.clone())
            .unwrap_or_default(),
        partition_by: Vec::new(),
        columns,
        sql: Some(view.query.standalone_sql().trim_end().to_owned()),
        reads: view.query.reads.clone(),
    })
}

/// What the view says of a column, else what the contract of the table says that it comes from: the
/// engine carries the comment of a column through joins and projections.
fn of_field(field: &Field, view: &View, known: &BTreeMap<String, &'static TableColumn>) -> Column {
    let origin = field
        .metadata()
        .get(COMMENT_KEY)
        .and_then(|comment| known.get(comment));
    let note = view
        .contract
        .as_ref()
        .and_then(|contract| contract.column(field.name()));
    let data_type = dictionary::type_name(field.data_type()).to_lowercase();
    let name = field.name().clone();
    match (note, origin) {
        (Some(note), _) => Column {
            name,
            data_type,
            nullable: true,
            unit: note.unit.clone(),
            description: note.description.clone(),
            values: Vec::new(),
            references: None,
        },
        (None, Some(origin)) => Column {
            name,
            data_type,
            nullable: true,
            ..of_column(origin)
        },
        (None, None) => Column {
            name,
            data_type,
            nullable: true,
            unit: None,
            description: String::new(),
            values: Vec::new(),
            references: None,
        },
    }
}

/// The columns of all contracts, by the comment that their fields carry.
fn columns_by_comment() -> BTreeMap<String, &'static TableColumn> {
    let tables = schema::tables().iter();
    let columns = tables.flat_map(|table| &table.columns);
    columns.map(|column| (column.comment(), column)).collect()
}

/// The views, each after those that it reads.
fn in_order(catalog: &Catalog) -> Vec<&View> {
    let mut open: Vec<&View> = catalog.views().collect();
    let mut ordered = Vec::with_capacity(open.len());
    while !open.is_empty() {
        let waits = |view: &View| {
            let reads = view.query.reads.iter();
            reads
                .clone()
                .any(|read| open.iter().any(|other| other.id == *read))
        };
        let (rest, ready): (Vec<&View>, Vec<&View>) = open.iter().partition(|view| waits(view));
        // Views that read each other cannot be created.
        if ready.is_empty() {
            break;
        }
        ordered.extend(ready);
        open = rest;
    }
    ordered
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::ask::AskOptions;

    /// All relations of the built-in catalog.
    pub(crate) async fn built_in() -> Vec<Relation> {
        let catalog = Catalog::built_in().expect("valid");
        let views = catalog.clone();
        let empty = AskLake::empty(AskOptions {
            views: Box::new(move || Ok(views.shared_views()?)),
            ..AskOptions::default()
        })
        .expect("engine");
        relations(&catalog, &empty).await.expect("planned")
    }

    #[tokio::test]
    async fn every_column_of_a_consumer_view_is_described_and_every_note_and_key_has_a_column() {
        let catalog = Catalog::built_in().expect("valid");
        let all = built_in().await;
        let mut wrong = Vec::new();
        for relation in all
            .iter()
            .filter(|relation| relation.kind == RelationKind::ConsumerView)
        {
            let undescribed = relation
                .columns
                .iter()
                .filter(|column| column.description.is_empty());
            wrong.extend(
                undescribed
                    .map(|column| format!("{}.{}: no description", relation.name, column.name)),
            );
            let keys = relation
                .keys
                .iter()
                .filter(|key| relation.column(key).is_none());
            wrong.extend(keys.map(|key| format!("{}: no column {key} for its key", relation.name)));
            let view = catalog
                .views()
                .find(|view| view.id == relation.name)
                .expect("known");
            let contract = view.contract.as_ref().expect("a consumer view");
            let notes = contract.columns.iter();
            let notes = notes.filter(|note| relation.column(&note.name).is_none());
            wrong.extend(notes.map(|note| format!("{}: no column {}", relation.name, note.name)));
        }
        assert_eq!(wrong, Vec::<String>::new());
        let views = all
            .iter()
            .filter(|relation| relation.kind == RelationKind::ConsumerView);
        assert!(views.count() >= 12);
    }

    #[tokio::test]
    async fn a_column_of_a_view_is_described_by_the_table_that_it_comes_from() {
        let all = built_in().await;
        let description = |relation: &str, column: &str| {
            let relation = all
                .iter()
                .find(|known| known.name == relation)
                .expect("known");
            relation.column(column).expect("column").description.clone()
        };
        let of_stages = schema::table("stages").and_then(|table| table.column("duration_ms"));
        assert_eq!(
            Some(description("stage_overview", "duration_ms")),
            of_stages.map(|column| column.description.clone())
        );
        assert_ne!(
            description("stage_overview", "duration_ms"),
            description("application_overview", "duration_ms")
        );
    }
}
