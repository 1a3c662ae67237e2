//! What the declarations promise, against the queries as the engine plans them.

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::declare::{ColumnType, List, Role, Tool};
use super::server::tools;
use super::tools::{QUERY, TOOLS};
use crate::analyze::Catalog;
use crate::ask::{AskLake, AskOptions, QueryLimits};

/// Most bytes of the list of tools with all schemas.
const MAX_TOOLS_BYTES: usize = 24_000;

#[test]
fn the_list_of_tools_fits_its_budget() {
    let tools = tools();
    assert!((10..=14).contains(&tools.len()), "{} tools", tools.len());
    let bytes = serde_json::to_string(&json!({"tools": &tools}))
        .expect("JSON")
        .len();
    assert!(bytes <= MAX_TOOLS_BYTES, "{bytes} bytes");
    let names: BTreeSet<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    assert_eq!(names.len(), tools.len(), "names are unique");
    for tool in &tools {
        let annotations = tool.annotations.as_ref().expect("annotations");
        assert_eq!(annotations.read_only_hint, Some(true), "{}", tool.name);
        assert!(tool.output_schema.is_some(), "{}", tool.name);
        assert_eq!(
            tool.input_schema["additionalProperties"],
            json!(false),
            "{}",
            tool.name
        );
    }
}

fn lists() -> impl Iterator<Item = (&'static Tool, &'static List)> {
    TOOLS
        .iter()
        .flat_map(|tool| tool.lists.iter().map(move |list| (tool, list)))
}

#[test]
fn every_file_of_sql_is_a_list_of_a_tool() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/mcp");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .replace(".sql", "")
        })
        .collect();
    let mut used: BTreeSet<String> = lists().map(|(_, list)| list.query.to_owned()).collect();
    used.extend(["resolve_application", "application_names"].map(str::to_owned));
    assert_eq!(files, used);
}

fn fits(declared: ColumnType, planned: &DataType) -> bool {
    match planned {
        DataType::Int64 | DataType::Int32 | DataType::UInt64 | DataType::UInt32 => {
            matches!(declared, ColumnType::Whole | ColumnType::Number)
        }
        DataType::Float64 => declared == ColumnType::Number,
        DataType::Boolean => declared == ColumnType::Flag,
        DataType::List(_) => declared == ColumnType::Array,
        DataType::Dictionary(_, values) => fits(declared, values),
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Date32
        | DataType::Timestamp(..) => declared == ColumnType::Text,
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn declared_columns_are_those_of_the_queries() {
    let catalog = Catalog::built_in().expect("valid");
    let views = catalog.clone();
    let ask = AskLake::empty(AskOptions {
        views: Box::new(move || Ok(views.shared_views()?)),
        ..AskOptions::default()
    })
    .expect("an empty lake");
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (tool, list) in lists() {
        if !seen.insert((list.query, list.columns, list.more)) {
            continue;
        }
        let query = catalog.mcp(list.query).expect("a file of that name");
        let parameters = query.query.parameters.iter();
        let parameters: Vec<_> = parameters
            .map(|known| (known.name.as_str(), known.scalar_value()))
            .collect();
        let answer = ask
            .query(&query.query.statement, &parameters, &QueryLimits::default())
            .await;
        let schema = match answer {
            Ok(answer) => answer.schema,
            Err(error) => {
                wrong.push(format!("{}: {error}", list.query));
                continue;
            }
        };
        for column in list.shown(true) {
            match schema.field_with_name(column.name) {
                Ok(field) if fits(column.kind, field.data_type()) => {}
                Ok(field) => wrong.push(format!(
                    "{}.{}: {}",
                    list.query,
                    column.name,
                    field.data_type()
                )),
                Err(_) => wrong.push(format!("{}.{}: not there", list.query, column.name)),
            }
        }
        for column in query.verdict_columns() {
            if schema.field_with_name(column).is_err() {
                wrong.push(format!("{}: its verdict names {column}", list.query));
            }
        }
        // A parameter that nothing fills would silently keep its default.
        let known: Vec<&str> = lists()
            .filter(|(_, other)| other.query == list.query)
            .flat_map(|(tool, _)| tool.arguments)
            .map(|argument| argument.name)
            .collect();
        for parameter in &query.query.parameters {
            let name = parameter.name.as_str();
            let is_filled = known.contains(&name)
                || super::applications::KEYS.contains(&name)
                || ["limit", "offset", "job_key"].contains(&name);
            if !is_filled {
                wrong.push(format!(
                    "{}: no argument of {} fills {name}",
                    list.query, tool.name
                ));
            }
        }
        if list.role == Role::Paged {
            let pages = ["limit", "offset"]
                .iter()
                .all(|name| parameters.iter().any(|(known, _)| known == name));
            if !pages || schema.field_with_name("total_rows").is_err() {
                wrong.push(format!("{}: it is paged and cannot be", list.query));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn refused(tool: &Tool, arguments: Value) -> String {
    let parsed = Arguments::parse(tool, Some(&object(arguments)));
    parsed.expect_err("wrong arguments").to_string()
}

fn tool(name: &str) -> &'static Tool {
    TOOLS.iter().find(|tool| tool.name == name).expect("a tool")
}

#[test]
fn wrong_arguments_are_told_with_their_fix() {
    assert_eq!(
        refused(tool("diagnose"), json!({"application": "app-1"})),
        "`diagnose` has no argument `application`; known are: app, detail, limit, cursor"
    );
    assert_eq!(
        refused(tool("diagnose"), json!({"ap": "app-1"})),
        "`diagnose` has no argument `ap`; did you mean `app`?"
    );
    assert!(
        refused(tool("diagnose"), json!({}))
            .starts_with("`diagnose` needs the argument `app`: application id")
    );
    assert_eq!(
        refused(tool("slowest"), json!({"kind": "stage"})),
        "`kind` cannot be `stage`; it is one of jobs, stages, sql"
    );
    assert_eq!(
        refused(tool("inspect"), json!({"app": "a", "stage_id": -1})),
        "`stage_id` has to be a whole number from 0 on"
    );
    assert_eq!(
        refused(tool("find_applications"), json!({"since": "yesterday"})),
        "`since` has to be a date such as 2026-01-31"
    );
    assert_eq!(
        refused(tool("find_applications"), json!({"cursor": "-5"})),
        "`cursor` has to be the `next_cursor` of an earlier answer"
    );
    assert!(refused(&QUERY, json!({"sql": ""})).contains("not empty"));
}

#[test]
fn arguments_are_taken_as_models_write_them() {
    let given = object(json!({
        "app": " app-1 ", "stage_id": "3", "sql_id": null, "detail": "full", "limit": 1000, "cursor": "20"
    }));
    let arguments = Arguments::parse(tool("inspect"), Some(&given)).expect("valid");
    assert_eq!(arguments.text("app").as_deref(), Some("app-1"));
    assert_eq!(arguments.whole("stage_id"), Some(3));
    assert_eq!(arguments.text("sql_id"), None);
    assert!(arguments.full);
    assert_eq!((arguments.limit, arguments.offset), (100, 20));
    let off = object(json!({"app": "app-1", "defaults": false}));
    let arguments = Arguments::parse(tool("configuration"), Some(&off)).expect("valid");
    assert_eq!(arguments.text("defaults"), None);
}

#[test]
fn the_skill_for_agents_lists_the_tools_as_they_are() {
    const SKILL: &str = include_str!("../../../skills/sparklake/SKILL.md");
    let rows = super::execute::declared().map(|tool| {
        let arguments = tool.arguments.iter().map(|argument| {
            let optional = if argument.required { "" } else { "?" };
            format!("`{}{optional}`", argument.name)
        });
        let arguments: Vec<String> = arguments.collect();
        format!(
            "| `{}` | {} | {} |",
            tool.name,
            tool.title,
            arguments.join(", ")
        )
    });
    let rows: Vec<String> = rows.collect();
    let expected = rows.join("\n");
    assert!(
        SKILL.contains(&expected),
        "skills/sparklake/SKILL.md needs these rows:\n{expected}"
    );
    assert!(SKILL.starts_with("---\nname: sparklake\ndescription: "));
}
