//! A run as OpenLineage events (spec 2-0-2, <https://openlineage.io/spec/2-0-2/OpenLineage.json>): what
//! it read and which tables it wrote, for catalogs such as Marquez.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use url::Url;

use super::Outcome;
use crate::schema;

const PRODUCER: &str = concat!(
    "https://github.com/sparklake/sparklake/tree/v",
    env!("CARGO_PKG_VERSION")
);
const RUN_EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

/// A run as lineage knows it.
#[derive(Debug, Clone)]
pub struct LineageRun {
    /// A UUID.
    pub run_id: String,
    /// Namespace of the job.
    pub namespace: String,
    /// The lake's address, of which the job bears the name.
    pub lake: String,
    /// Where histories come from: paths and URIs.
    pub sources: Vec<String>,
    /// The run that this one is part of: namespace/job/run id.
    pub parent: Option<String>,
}

impl LineageRun {
    /// The event of its beginning.
    #[must_use]
    pub fn start(&self, at: DateTime<Utc>) -> Value {
        self.event("START", at, Map::new(), Vec::new())
    }

    /// The event of its end.
    #[must_use]
    pub fn end(&self, outcome: &Outcome) -> Value {
        let mut facets = Map::new();
        if let Some(error) = &outcome.error {
            let facet = json!({
                "message": error,
                "programmingLanguage": "RUST",
            });
            insert(
                &mut facets,
                "errorMessage",
                "1-0-1/ErrorMessageRunFacet",
                facet,
            );
        }
        let kind = match outcome.exit_code {
            0 | 3 => "COMPLETE",
            130 | 143 => "ABORT",
            _ => "FAIL",
        };
        let outputs = match outcome.changed {
            true => tables(&self.lake),
            false => Vec::new(),
        };
        self.event(kind, outcome.ended_at, facets, outputs)
    }

    fn event(
        &self,
        kind: &str,
        at: DateTime<Utc>,
        mut facets: Map<String, Value>,
        outputs: Vec<Value>,
    ) -> Value {
        let engine = json!({"version": env!("CARGO_PKG_VERSION"), "name": "sparklake"});
        insert(
            &mut facets,
            "processing_engine",
            "1-1-1/ProcessingEngineRunFacet",
            engine,
        );
        if let Some(parent) = self.parent.as_deref().and_then(parent_of) {
            insert(&mut facets, "parent", "1-2-0/ParentRunFacet", parent);
        }
        let mut job_facets = Map::new();
        let job_type =
            json!({"processingType": "BATCH", "integration": "SPARKLAKE", "jobType": "JOB"});
        insert(
            &mut job_facets,
            "jobType",
            "2-0-4/JobTypeJobFacet",
            job_type,
        );
        let inputs: Vec<Value> = self.sources.iter().map(|uri| dataset(uri)).collect();
        json!({
            "eventType": kind,
            "eventTime": at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "producer": PRODUCER,
            "schemaURL": RUN_EVENT,
            "run": {"runId": self.run_id, "facets": facets},
            "job": {
                "namespace": self.namespace,
                "name": format!("run {}", self.lake),
                "facets": job_facets,
            },
            "inputs": inputs,
            "outputs": outputs,
        })
    }
}

/// Adds a facet with what every facet says about itself.
fn insert(facets: &mut Map<String, Value>, name: &str, schema: &str, mut facet: Value) {
    let kind = schema.split('/').next_back().unwrap_or_default();
    if let Value::Object(facet) = &mut facet {
        facet.insert("_producer".to_owned(), PRODUCER.into());
        let url = format!("https://openlineage.io/spec/facets/{schema}.json#/$defs/{kind}");
        facet.insert("_schemaURL".to_owned(), url.into());
    }
    facets.insert(name.to_owned(), facet);
}

/// `namespace/job/run id`; a namespace may hold slashes, the other two do not. `None` where the run id
/// is no UUID.
fn parent_of(text: &str) -> Option<Value> {
    let mut parts = text.rsplitn(3, '/');
    let run_id = parts.next()?;
    let (job, namespace) = (parts.next()?, parts.next()?);
    uuid::Uuid::parse_str(run_id).ok()?;
    Some(json!({
        "run": {"runId": run_id},
        "job": {"namespace": namespace, "name": job},
    }))
}

/// The tables of a lake as datasets with their columns.
fn tables(lake: &str) -> Vec<Value> {
    let of_table = |table: &schema::Table| {
        let fields: Vec<Value> = table
            .columns
            .iter()
            .map(|column| {
                json!({
                    "name": column.name,
                    "type": column.data_type.sql_name(),
                    "description": column.description,
                })
            })
            .collect();
        let mut facets = Map::new();
        insert(
            &mut facets,
            "schema",
            "1-2-0/SchemaDatasetFacet",
            json!({ "fields": fields }),
        );
        let mut dataset = dataset(&format!("{}/{}", lake.trim_end_matches('/'), table.name));
        if let Value::Object(dataset) = &mut dataset {
            dataset.insert("facets".to_owned(), facets.into());
        }
        dataset
    };
    schema::tables().iter().map(of_table).collect()
}

/// A path or URI by OpenLineage's naming: the store as namespace, the path in it as name.
fn dataset(uri: &str) -> Value {
    let (namespace, name) = named(uri);
    json!({"namespace": namespace, "name": name})
}

fn named(uri: &str) -> (String, String) {
    let Some(url) = Url::parse(uri).ok().filter(|_| uri.contains("://")) else {
        let path = std::path::absolute(uri).map(|path| path.display().to_string());
        return ("file".to_owned(), path.unwrap_or_else(|_| uri.to_owned()));
    };
    let path = url.path().trim_matches('/');
    match (url.scheme(), url.host_str()) {
        ("file", _) => ("file".to_owned(), url.path().to_owned()),
        (scheme, Some(host)) => {
            let scheme = if scheme == "s3a" { "s3" } else { scheme };
            let port = url
                .port()
                .map(|port| format!(":{port}"))
                .unwrap_or_default();
            let name = if path.is_empty() { "/" } else { path };
            (format!("{scheme}://{host}{port}"), name.to_owned())
        }
        (scheme, None) => (scheme.to_owned(), path.to_owned()),
    }
}
