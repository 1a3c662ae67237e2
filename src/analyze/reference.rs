//! Reference tables: constants that queries use, kept as CSV so that people can edit them, each beside
//! a contract (`<name>.toml`) as the tables of the lake have one.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options, concat_batches};
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use serde::Serialize;

use super::error::CatalogError;
use crate::model::did_you_mean;
use crate::schema::{Column, Table};

/// A reference table: constants that queries read, as CSV with a header line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reference {
    /// File name without `.csv`; the table is `ref_<id>`.
    pub id: String,
    /// Where it is from.
    pub file: String,
    /// The file's text.
    pub csv: String,
    /// Its rows, in the types of the contract.
    #[serde(skip)]
    pub rows: RecordBatch,
    /// What its columns are; `None` for a table of the user's without one, whose types follow from
    /// its values.
    #[serde(skip)]
    pub contract: Option<Arc<Contract>>,
}

/// What a reference table holds. Compared by its text.
#[derive(Debug)]
pub struct Contract {
    /// The contract, under the name that queries use.
    pub table: Table,
    text: String,
}

impl PartialEq for Contract {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Contract {
    /// Reads `reference/<id>.toml`.
    pub(super) fn parse(file: &str, id: &str, text: &str) -> Result<Self, CatalogError> {
        let table = Table::reference(id, text).map_err(|error| {
            let line = error.offset().map_or(1, |offset| line_of(text, offset));
            let cure = "see the contracts that sparklake comes with, in sql/reference";
            CatalogError::new(file, line, error.problem.to_string(), cure)
        })?;
        let text = text.to_owned();
        Ok(Self { table, text })
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset);
    before.filter(|byte| *byte == b'\n').count() + 1
}

impl Reference {
    /// Reads `reference/<id>.csv`, and checks it against its contract.
    pub(super) fn parse(
        file: &str,
        id: &str,
        csv: &str,
        contract: Option<Arc<Contract>>,
    ) -> Result<Self, CatalogError> {
        let rows = match &contract {
            Some(contract) => Check { file, csv }.rows(&contract.table)?,
            None => inferred(csv).map_err(|error| not_csv(file, &error))?,
        };
        Ok(Self {
            id: id.to_owned(),
            file: file.to_owned(),
            csv: csv.to_owned(),
            rows,
            contract,
        })
    }
}

fn not_csv(file: &str, error: &ArrowError) -> CatalogError {
    // The reader counts lines from the header on.
    let text = error.to_string();
    let line = text
        .split_once("line ")
        .and_then(|(_, rest)| rest.split(|letter: char| !letter.is_ascii_digit()).next())
        .and_then(|number| number.parse().ok());
    CatalogError::new(
        file,
        line.unwrap_or(1),
        format!("the table cannot be read: {text}"),
        "make it CSV with a header line and as many values in each line",
    )
}

fn inferred(csv: &str) -> Result<RecordBatch, ArrowError> {
    let format = Format::default().with_header(true);
    let (schema, _) = format.infer_schema(Cursor::new(csv), None)?;
    read(csv, Arc::new(schema))
}

fn read(csv: &str, schema: SchemaRef) -> Result<RecordBatch, ArrowError> {
    let format = Format::default().with_header(true);
    let reader = ReaderBuilder::new(Arc::clone(&schema))
        .with_format(format)
        .build(Cursor::new(csv))?;
    let batches = reader.collect::<Result<Vec<RecordBatch>, ArrowError>>()?;
    concat_batches(&schema, &batches)
}

/// The checks of one file.
struct Check<'c> {
    file: &'c str,
    csv: &'c str,
}

impl Check<'_> {
    fn error(
        &self,
        line: usize,
        problem: impl Into<String>,
        cure: impl Into<String>,
    ) -> CatalogError {
        CatalogError::new(self.file, line, problem, cure)
    }

    /// The line of a row. A text over several lines shifts those below it.
    fn line(row: usize) -> usize {
        row + 2
    }

    fn rows(&self, contract: &Table) -> Result<RecordBatch, CatalogError> {
        let names = self.header(contract)?;
        let fields = names
            .iter()
            .map(|name| Field::new(name, DataType::Utf8, true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
        let texts = read(self.csv, schema).map_err(|error| not_csv(self.file, &error))?;
        let columns = contract
            .columns
            .iter()
            .map(|column| self.column(column, texts.column_by_name(&column.name)))
            .collect::<Result<Vec<ArrayRef>, CatalogError>>()?;
        self.keys(contract, &texts)?;
        RecordBatch::try_new(contract.arrow_schema(), columns)
            .map_err(|error| not_csv(self.file, &error))
    }

    /// The names in the first line, which are those of the contract in any order.
    fn header(&self, contract: &Table) -> Result<Vec<String>, CatalogError> {
        let line = self.csv.lines().next().unwrap_or_default();
        let names: Vec<String> = line
            .split(',')
            .map(|name| name.trim_matches('"').to_owned())
            .collect();
        let known = || contract.columns.iter().map(|column| column.name.as_str());
        for (index, name) in names.iter().enumerate() {
            if !known().any(|known| known == name) {
                let problem = format!("the contract has no column `{name}`");
                return Err(self.error(1, problem, did_you_mean(name, known())));
            }
            if names.iter().take(index).any(|other| other == name) {
                return Err(self.error(1, format!("`{name}` is there twice"), "keep one of them"));
            }
        }
        match known().find(|known| !names.iter().any(|name| name == known)) {
            Some(missing) => {
                let problem = format!("the column `{missing}` of the contract is missing");
                Err(self.error(1, problem, "add it to the header and to each line"))
            }
            None => Ok(names),
        }
    }

    fn column(&self, column: &Column, texts: Option<&ArrayRef>) -> Result<ArrayRef, CatalogError> {
        let name = &column.name;
        let texts = texts.and_then(|texts| texts.as_string_opt::<i32>());
        let texts = texts
            .ok_or_else(|| self.error(1, format!("the column `{name}` is missing"), "add it"))?;
        let is_listed = |text: &str| column.values.iter().any(|value| value == text);
        for (row, text) in texts.iter().enumerate() {
            let line = Self::line(row);
            match text {
                None if !column.nullable => {
                    let problem = format!("`{name}` is empty");
                    return Err(self.error(line, problem, "give it a value"));
                }
                Some(text) if !column.values.is_empty() && !is_listed(text) => {
                    let values = column.values.iter().map(String::as_str);
                    let problem = format!("`{name}` cannot be `{text}`");
                    return Err(self.error(line, problem, did_you_mean(text, values)));
                }
                _ => {}
            }
        }
        self.typed(column, texts)
    }

    fn typed(&self, column: &Column, texts: &StringArray) -> Result<ArrayRef, CatalogError> {
        let wanted = column.data_type.arrow_type();
        let options = CastOptions {
            safe: true,
            ..CastOptions::default()
        };
        let values = cast_with_options(texts, &wanted, &options)
            .map_err(|error| not_csv(self.file, &error))?;
        let lost = (0..texts.len()).find(|row| texts.is_valid(*row) && values.is_null(*row));
        match lost {
            None => Ok(values),
            Some(row) => Err(self.error(
                Self::line(row),
                format!(
                    "`{}` is `{}`, which is no {}",
                    column.name,
                    texts.value(row),
                    column.data_type.sql_name()
                ),
                "correct the value, or leave it empty where it is not known",
            )),
        }
    }

    /// No two rows have the same key.
    fn keys(&self, contract: &Table, texts: &RecordBatch) -> Result<(), CatalogError> {
        let columns: Vec<&StringArray> = contract
            .keys
            .iter()
            .filter_map(|key| texts.column_by_name(key)?.as_string_opt::<i32>())
            .collect();
        let mut seen = std::collections::HashMap::new();
        for row in 0..texts.num_rows() {
            let key: Vec<&str> = columns.iter().map(|column| column.value(row)).collect();
            if let Some(first) = seen.insert(key.clone(), row) {
                return Err(self.error(
                    Self::line(row),
                    format!(
                        "{} {} is in line {} already",
                        contract.keys.join(", "),
                        key.join(", "),
                        Self::line(first)
                    ),
                    "keep one of the two lines",
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Int64Type;

    use super::*;

    const CONTRACT: &str = r#"
name = "prices"
title = "Prices"
source = "by hand"
grain = "one row per thing"
description = "What things cost."
keys = ["thing"]

[[columns]]
name = "thing"
type = "string"
nullable = false
description = "The thing."

[[columns]]
name = "unit_count"
type = "bigint"
unit = "count"
description = "How many."

[[columns]]
name = "kind"
type = "string"
values = ["cheap", "dear"]
description = "How dear."
"#;

    fn contract() -> Arc<Contract> {
        Arc::new(Contract::parse("reference/prices.toml", "prices", CONTRACT).expect("valid"))
    }

    fn parse(csv: &str) -> Result<Reference, CatalogError> {
        Reference::parse("reference/prices.csv", "prices", csv, Some(contract()))
    }

    #[test]
    fn rows_have_the_types_and_the_order_of_the_contract() {
        let reference = parse("kind,thing,unit_count\ndear,\"a, b\",7\n,c,\n").expect("valid");
        assert_eq!(
            reference
                .contract
                .as_ref()
                .map(|contract| contract.table.name.as_str()),
            Some("ref_prices")
        );
        let names: Vec<String> = reference
            .rows
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        assert_eq!(names, ["thing", "unit_count", "kind"]);
        let counts = reference.rows.column(1).as_primitive::<Int64Type>();
        assert_eq!(counts.iter().collect::<Vec<_>>(), [Some(7), None]);
        assert_eq!(reference.rows.column(0).as_string::<i32>().value(0), "a, b");
    }

    #[test]
    fn what_breaks_the_contract_is_told_with_file_line_and_cure() {
        let cases = [
            (
                "thing,unit_count\na,1\n",
                ":1: the column `kind` of the contract is missing; add it to the header and to each line",
            ),
            (
                "thing,unit_cuont,kind\na,1,\n",
                ":1: the contract has no column `unit_cuont`; did you mean `unit_count`?",
            ),
            (
                "thing,kind,unit_count,kind\na,,1,\n",
                ":1: `kind` is there twice; keep one of them",
            ),
            (
                "thing,unit_count,kind\na,1,\nb,many,\n",
                ":3: `unit_count` is `many`, which is no bigint; correct the value, or leave it empty where it is not known",
            ),
            (
                "thing,unit_count,kind\na,1,\nb,1.5,\n",
                ":3: `unit_count` is `1.5`, which is no bigint; correct the value, or leave it empty where it is not known",
            ),
            (
                "thing,unit_count,kind\na,1,\nb,1,chaep\n",
                ":3: `kind` cannot be `chaep`; did you mean `cheap`?",
            ),
            (
                "thing,unit_count,kind\n,1,\n",
                ":2: `thing` is empty; give it a value",
            ),
            (
                "thing,unit_count,kind\na,1,\nb,2,\na,3,\n",
                ":4: thing a is in line 2 already; keep one of the two lines",
            ),
        ];
        for (csv, message) in cases {
            let error = parse(csv).expect_err(message).to_string();
            assert_eq!(error, format!("reference/prices.csv{message}"));
        }
        let short = parse("thing,unit_count,kind\na,1,\nb\n")
            .expect_err("short")
            .to_string();
        assert!(short.starts_with("reference/prices.csv:"), "{short}");
        assert!(short.ends_with("as many values in each line"), "{short}");
    }

    #[test]
    fn a_wrong_contract_names_its_line() {
        for (from, to, line, message) in [
            (
                "type = \"bigint\"",
                "type = \"number\"",
                17,
                "unknown variant `number`",
            ),
            (
                "keys = [\"thing\"]",
                "keys = [\"things\"]",
                1,
                "`things` is not a column",
            ),
            ("source = \"by hand\"", "", 1, "source"),
        ] {
            assert!(CONTRACT.contains(from));
            let text = CONTRACT.replacen(from, to, 1);
            let error = Contract::parse("reference/prices.toml", "prices", &text).expect_err(to);
            assert_eq!(error.line, line, "{error}");
            assert!(error.to_string().contains(message), "{error}");
        }
    }

    #[test]
    fn without_a_contract_types_follow_from_the_values() {
        let csv = "name,works,factor\na,true,1.5\n\"b, c\",false,2.0\n";
        let rows = Reference::parse("r.csv", "r", csv, None)
            .expect("valid")
            .rows;
        let types: Vec<DataType> = rows
            .schema()
            .fields()
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        assert_eq!(
            types,
            [DataType::Utf8, DataType::Boolean, DataType::Float64]
        );
    }
}
