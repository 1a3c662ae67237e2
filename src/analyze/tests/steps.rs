//! A step in Rust beside those in SQL.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use datafusion::arrow::compute::concat_batches;
use datafusion::prelude::SessionContext;
use serde_json::json;

use super::lake::{TestLake, assert_columns, built_in, stamp};
use crate::analyze::{AnalyzeError, Catalog, Scope, Step, run};
use crate::model::ApplicationKey;

/// Makes the profiles of applications, one setting each.
#[derive(Debug)]
struct Profiles {
    setting: &'static str,
    reads: Vec<String>,
}

impl Profiles {
    fn step(setting: &'static str) -> Arc<dyn Step> {
        let reads = vec!["applications".to_owned()];
        Arc::new(Self { setting, reads })
    }
}

#[async_trait]
impl Step for Profiles {
    fn id(&self) -> &'static str {
        "application_profiles"
    }

    fn file(&self) -> &'static str {
        "application_profiles"
    }

    fn reads(&self) -> &[String] {
        &self.reads
    }

    fn version(&self) -> String {
        self.setting.to_owned()
    }

    async fn rows(&self, session: &SessionContext) -> Result<RecordBatch, AnalyzeError> {
        let query = format!(
            "SELECT platform, cluster_id, cluster_name, application_id, attempt_id, \
             make_array('{}') AS tuning_settings, FALSE AS out_of_memory, NULL AS operators, NULL AS operator_counts, app_date \
             FROM applications",
            self.setting
        );
        let failed = |error| AnalyzeError::query("application_profiles", error);
        let rows = session.sql(&query).await.map_err(failed)?;
        let schema = Arc::clone(rows.schema().inner());
        let batches = rows.collect().await.map_err(failed)?;
        concat_batches(&schema, &batches).map_err(|error| failed(error.into()))
    }
}

fn catalog(setting: &'static str) -> Catalog {
    let mut catalog = built_in().select(&["ineffjobraw"]).expect("known");
    catalog.add_step(Profiles::step(setting));
    catalog
}

#[tokio::test]
async fn a_step_in_rust_makes_the_rows_of_the_applications_in_scope() {
    let mut lake = TestLake::default();
    lake.application("a", json!({})).application("b", json!({}));
    let key = ApplicationKey {
        platform: "event_log".to_owned(),
        cluster_id: "c-1".to_owned(),
        application_id: "b".to_owned(),
        attempt_id: "0".to_owned(),
    };
    let scope = Scope::Applications(BTreeMap::from([(key, None)]));
    let analysis = run(&catalog("x=1"), &lake.context(), &scope, &stamp()).await;
    let analysis = analysis.expect("runs");
    assert!(analysis.problems.is_empty(), "{:?}", analysis.problems);
    let row = super::lake::Answers(analysis).row("application_profiles");
    assert_columns(
        &row,
        json!({"application_id": "b", "tuning_settings": ["x=1"], "batch_id": "9"}),
    );
}

#[test]
fn a_step_in_rust_is_part_of_what_decides_the_answers() {
    let fingerprint = |setting| catalog(setting).fingerprint();
    assert_eq!(fingerprint("x=1"), fingerprint("x=1"));
    assert_ne!(fingerprint("x=1"), fingerprint("x=2"));
    assert!(catalog("x=1").table_ids().contains("application_profiles"));
    assert!(
        catalog("x=1")
            .per_application()
            .table_ids()
            .contains("application_profiles")
    );
}

#[tokio::test]
async fn what_a_step_in_rust_cannot_do_is_told_by_its_name() {
    let wrong = catalog("x'");
    let lake = TestLake::with_application();
    let analysis = lake.context();
    let analysis = run(&wrong, &analysis, &Scope::All, &stamp())
        .await
        .expect("runs");
    let [problem] = analysis.problems.as_slice() else {
        panic!("{:?}", analysis.problems)
    };
    assert_eq!(problem.file(), Some("application_profiles"));
    assert_eq!(analysis.tables.len(), 1);
}
