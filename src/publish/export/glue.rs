//! Inputs of Glue's `CreateTable`, one for each table: `aws glue create-table --cli-input-json file://stages.json`.

use serde_json::{Value, json};

use super::relations::Relation;

/// Most characters of a column's comment.
const COMMENT_CHARACTERS: usize = 255;
/// Most bytes of a table's description.
const DESCRIPTION_BYTES: usize = 2048;

/// File name and text for each table.
pub fn inputs(database: &str, lake: &str, relations: &[Relation]) -> Vec<(String, String)> {
    let tables = relations.iter().filter(|relation| relation.is_table());
    tables
        .map(|table| {
            let input = input(database, lake.trim_end_matches('/'), table);
            (format!("{}.json", table.name), format!("{input:#}\n"))
        })
        .collect()
}

/// Partition columns stand among the others: readers take them from the Delta log.
fn input(database: &str, lake: &str, table: &Relation) -> Value {
    let columns = table.columns.iter();
    let columns = columns.map(|column| {
        json!({
            "Name": column.name,
            "Type": column.data_type,
            "Comment": cut(&column.comment(), COMMENT_CHARACTERS),
        })
    });
    json!({
        "DatabaseName": database,
        "TableInput": {
            "Name": table.name,
            "Description": cut(&table.comment(), DESCRIPTION_BYTES),
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {
                "EXTERNAL": "TRUE",
                "classification": "delta",
                "table_type": "DELTA",
                "spark.sql.sources.provider": "delta",
                "spark.sql.partitionProvider": "catalog",
            },
            "StorageDescriptor": {
                "Columns": columns.collect::<Vec<Value>>(),
                "Location": format!("{lake}/{}/", table.name),
                "InputFormat": "org.apache.hadoop.mapred.SequenceFileInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
                "SerdeInfo": {
                    "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                    "Parameters": {"path": format!("{lake}/{}/", table.name)},
                },
            },
            "PartitionKeys": [],
        },
    })
}

/// A text of at most that many bytes, which are at least as many as characters; a cut one ends in `...`.
fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut end = bytes.saturating_sub(3);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::export::relations::tests::built_in;

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("ab\u{e9}\u{e9}\u{e9}\u{e9}", 8), "ab\u{e9}...");
    }

    #[tokio::test]
    async fn every_table_has_all_columns_within_the_limits_of_glue() {
        let relations = built_in().await;
        let inputs = inputs("ops", "s3://b/lake", &relations);
        let tables = relations.iter().filter(|relation| relation.is_table());
        assert_eq!(inputs.len(), tables.clone().count());
        for (table, (_, text)) in tables.zip(&inputs) {
            let value: Value = serde_json::from_str(text).expect("JSON");
            let columns = value.pointer("/TableInput/StorageDescriptor/Columns");
            let columns = columns.and_then(Value::as_array).expect("columns");
            assert_eq!(columns.len(), table.columns.len(), "{}", table.name);
            for column in columns {
                let comment = column
                    .get("Comment")
                    .and_then(Value::as_str)
                    .expect("comment");
                assert!(comment.len() <= COMMENT_CHARACTERS, "{comment}");
            }
        }
    }
}
