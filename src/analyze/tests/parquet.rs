//! Derives the tables of a lake exported to Parquet, for the comparison with Spark:
//!
//! ```text
//! SPARKLAKE_PARQUET=facts SPARKLAKE_DERIVED=derived cargo test derive_from_parquet -- --ignored
//! python tests/interop/rules_in_spark.py facts derived
//! ```

use std::fs::{self, File};
use std::path::PathBuf;

use datafusion::parquet::arrow::ArrowWriter;
use datafusion::prelude::ParquetReadOptions;

use super::lake::{built_in, stamp};
use crate::analyze::{Scope, run};
use crate::ask::{SessionSettings, session};

fn folder(variable: &str) -> PathBuf {
    PathBuf::from(std::env::var_os(variable).unwrap_or_else(|| panic!("set {variable}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a folder of Parquet tables in SPARKLAKE_PARQUET"]
async fn derive_from_parquet() {
    let (facts, derived) = (folder("SPARKLAKE_PARQUET"), folder("SPARKLAKE_DERIVED"));
    let ctx = session(&SessionSettings::default()).expect("session");
    for entry in fs::read_dir(&facts).expect("facts") {
        let path = entry.expect("entry").path();
        let table = path
            .file_name()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        let options = ParquetReadOptions::default();
        ctx.register_parquet(&table, path.display().to_string(), options)
            .await
            .expect("table");
    }
    let analysis = run(built_in(), &ctx, &Scope::All, &stamp())
        .await
        .expect("runs");
    assert!(analysis.problems.is_empty(), "{:?}", analysis.problems);
    for step in &analysis.steps {
        println!(
            "{:6} {:24} {:7} rows {:>10.1?}",
            step.kind, step.id, step.rows, step.elapsed
        );
    }
    for table in &analysis.tables {
        let folder = derived.join(&table.table);
        fs::create_dir_all(&folder).expect("folder");
        let file = File::create(folder.join("part-0.parquet")).expect("file");
        let mut writer = ArrowWriter::try_new(file, table.rows.schema(), None).expect("writer");
        writer.write(&table.rows).expect("rows");
        writer.close().expect("closed");
    }
}
