//! `sparklake describe`: what a table or view means.

use super::Context;
use super::arguments::RulesSourceArguments;
use super::catalog::Rules;
use super::error::CliError;
use super::lake;
use super::output::{Output, Target};
use crate::ask::no_such_table;
use crate::publish::export::relations::view_columns;
use crate::schema::{self, dictionary};

/// Width of the description where there is no terminal to ask.
const DEFAULT_WIDTH: u16 = 120;

/// Describe a table or view: its grain, keys and columns, with units and where each comes from
#[derive(Debug, clap::Args)]
pub(super) struct DescribeArguments {
    /// Name of the table or view
    #[arg(value_name = "TABLE")]
    table: String,
    #[command(flatten)]
    pub(super) rules: RulesSourceArguments,
    /// Form of the description
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: DescriptionFormat,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum DescriptionFormat {
    #[default]
    Text,
    Markdown,
}

pub(super) async fn execute(
    arguments: &DescribeArguments,
    context: &Context,
    output: &mut Output,
) -> Result<(), CliError> {
    let name = &arguments.table;
    if let Some(table) = schema::table(name) {
        let width = output.width().unwrap_or(DEFAULT_WIDTH);
        let text = match arguments.format {
            DescriptionFormat::Text => dictionary::describe(table, width),
            DescriptionFormat::Markdown => dictionary::table_markdown(table),
        };
        return Ok(output.text(&text)?);
    }
    let catalog = Rules::of(&context.settings.rules)?.as_run;
    if let Some(view) = catalog.views().find(|view| view.id == *name) {
        let ask = lake::ask_nothing(&context.settings.rules)?;
        let columns = view_columns(view, &ask).await?;
        let columns = columns.iter().map(|column| dictionary::ViewColumn {
            name: &column.name,
            data_type: column.data_type.to_uppercase(),
            description: Some(column.comment()).filter(|text| !text.is_empty()),
        });
        let view = dictionary::View {
            name: &view.id,
            title: &view.title,
            description: &view.description,
            reads: &view.query.reads,
            columns: columns.collect(),
        };
        let text = match arguments.format {
            DescriptionFormat::Text => view.text(output.width().unwrap_or(DEFAULT_WIDTH)),
            DescriptionFormat::Markdown => view.markdown(),
        };
        return Ok(output.text(&text)?);
    }
    let tables = schema::tables().iter().map(|table| table.name.as_str());
    let views = catalog.views().map(|view| view.id.as_str());
    Err(CliError::Usage(no_such_table(name, tables.chain(views))))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::analyze::Catalog;
    use crate::schema;

    /// Words with an underscore that are neither tables, columns, values, rules nor views.
    const OTHER_WORDS: [&str; 6] = [
        "application_1713000000000_0001",
        "delta_log",
        "include_tasks",
        "java_heap_out_of_memory",
        "log_signatures",
        "shuffle_read_total_blocks_fetched",
    ];

    #[test]
    fn the_dictionary_names_nothing_that_does_not_exist() {
        let catalog = Catalog::built_in().expect("valid");
        let mut known: BTreeSet<String> = OTHER_WORDS.map(str::to_owned).into();
        for table in schema::tables() {
            known.insert(table.name.clone());
            for column in &table.columns {
                known.insert(column.name.clone());
                known.extend(column.values.iter().cloned());
                known.insert(format!("{}_by_name", column.name));
            }
        }
        known.extend(catalog.rules().map(|rule| rule.id.clone()));
        known.extend(catalog.views().map(|view| view.id.clone()));
        known.extend(
            catalog
                .references()
                .map(|table| format!("ref_{}", table.id)),
        );
        let mut unknown = BTreeSet::new();
        for table in schema::tables() {
            let columns = table.columns.iter().map(|column| &column.description);
            for text in columns.chain([&table.title, &table.grain, &table.description]) {
                for word in
                    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
                {
                    let is_name = word.contains('_')
                        && word.starts_with(|letter: char| letter.is_ascii_lowercase())
                        && word.bytes().all(|letter| {
                            letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_'
                        });
                    if is_name && !known.contains(word) {
                        unknown.insert(format!("{}: {word}", table.name));
                    }
                }
            }
        }
        assert_eq!(unknown, BTreeSet::new());
    }
}
