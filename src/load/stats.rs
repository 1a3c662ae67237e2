//! File statistics in the Delta log: which columns have them, and how they are written.
//!
//! The Delta library computes such statistics only inside its own writer, which encodes on the
//! async runtime; ours runs on plain threads, so the JSON is made here from the Parquet footer.

use std::collections::HashSet;

use chrono::{DateTime, Days, NaiveDate, SecondsFormat};
use parquet::basic::{LogicalType, TimeUnit};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescriptor;
use serde_json::{Map, Value, json};

use crate::schema::{Column, ColumnType, Table};

/// Delta's usual number of indexed columns: more only makes the log longer.
const MAX_COLUMNS: usize = 32;

/// The columns of a table that have statistics, the ones that people filter by first.
pub(super) fn columns(table: &Table) -> Vec<String> {
    let mut ranked: Vec<(u8, usize, &Column)> = table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| !table.partition_by.contains(&column.name))
        .filter_map(|(index, column)| Some((rank(table, column)?, index, column)))
        .collect();
    ranked.sort_by_key(|(rank, index, _)| (*rank, *index));
    ranked.truncate(MAX_COLUMNS);
    ranked.sort_by_key(|(_, index, _)| *index);
    ranked
        .into_iter()
        .map(|(_, _, column)| column.name.clone())
        .collect()
}

/// How likely a column is to be filtered by; `None` for those where bounds are of no use.
fn rank(table: &Table, column: &Column) -> Option<u8> {
    let name = column.name.as_str();
    match column.data_type {
        ColumnType::BigintArray | ColumnType::StringArray => None,
        _ if table.keys.contains(&column.name) || name == "application_id" => Some(0),
        _ if name.ends_with("_id") || name == "status" => Some(1),
        ColumnType::Timestamp | ColumnType::Date => Some(2),
        ColumnType::String => ["severity", "category", "key", "job_key", "section"]
            .contains(&name)
            .then_some(3),
        ColumnType::Bigint | ColumnType::Int | ColumnType::Double => Some(4),
        ColumnType::Boolean => Some(5),
    }
}

/// The `stats` of an Add action: rows, and bounds and NULL counts of the named columns.
pub(super) fn to_json(metadata: &ParquetMetaData, columns: &HashSet<String>) -> String {
    let schema = metadata.file_metadata().schema_descr();
    let mut minimum = Map::new();
    let mut maximum = Map::new();
    let mut nulls = Map::new();
    for (index, descriptor) in schema.columns().iter().enumerate() {
        let name = descriptor.name();
        if descriptor.path().parts().len() != 1 || !columns.contains(name) {
            continue;
        }
        let chunks: Vec<&ColumnChunkMetaData> = metadata
            .row_groups()
            .iter()
            .filter_map(|group| group.columns().get(index))
            .collect();
        let Some(bounds) = Bounds::of(&chunks, descriptor) else {
            continue;
        };
        nulls.insert(name.to_owned(), bounds.nulls.into());
        if let (Some(low), Some(high)) = (bounds.low, bounds.high) {
            minimum.insert(name.to_owned(), low);
            maximum.insert(name.to_owned(), high);
        }
    }
    json!({
        "numRecords": metadata.file_metadata().num_rows(),
        "minValues": minimum,
        "maxValues": maximum,
        "nullCount": nulls,
    })
    .to_string()
}

struct Bounds {
    low: Option<Value>,
    high: Option<Value>,
    nulls: u64,
}

impl Bounds {
    /// Bounds of a column over all row groups; `None` when one of them has no statistics.
    fn of(chunks: &[&ColumnChunkMetaData], descriptor: &ColumnDescriptor) -> Option<Self> {
        let mut range: Option<Range> = None;
        let mut nulls = 0;
        for chunk in chunks {
            let statistics = chunk.statistics()?;
            let missing = statistics.null_count_opt()?;
            nulls += missing;
            if i64::try_from(missing).ok()? == chunk.num_values() {
                continue;
            }
            let found = Range::of(statistics);
            range = match range {
                None => Some(found),
                Some(range) => Some(range.union(found)),
            };
        }
        let (low, high) = range.map_or((None, None), |range| range.into_values(descriptor));
        Some(Self { low, high, nulls })
    }
}

/// Smallest and largest value of a column in its physical type.
enum Range {
    Integer(i64, i64),
    Float(f64, f64),
    Text(String, String),
    Unknown,
}

impl Range {
    fn of(statistics: &Statistics) -> Self {
        let range = match statistics {
            Statistics::Int32(values) => values
                .min_opt()
                .zip(values.max_opt())
                .map(|(low, high)| Self::Integer(i64::from(*low), i64::from(*high))),
            Statistics::Int64(values) => values
                .min_opt()
                .zip(values.max_opt())
                .map(|(low, high)| Self::Integer(*low, *high)),
            Statistics::Double(values) => values
                .min_opt()
                .zip(values.max_opt())
                .map(|(low, high)| Self::Float(*low, *high)),
            Statistics::ByteArray(values) => values
                .min_bytes_opt()
                .zip(values.max_bytes_opt())
                .and_then(|(low, high)| {
                    let low = std::str::from_utf8(low).ok()?;
                    let high = std::str::from_utf8(high).ok()?;
                    Some(Self::Text(low.to_owned(), high.to_owned()))
                }),
            _ => None,
        };
        range.unwrap_or(Self::Unknown)
    }

    fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Integer(low, high), Self::Integer(other_low, other_high)) => {
                Self::Integer(low.min(other_low), high.max(other_high))
            }
            (Self::Float(low, high), Self::Float(other_low, other_high)) => {
                Self::Float(low.min(other_low), high.max(other_high))
            }
            (Self::Text(low, high), Self::Text(other_low, other_high)) => {
                Self::Text(low.min(other_low), high.max(other_high))
            }
            _ => Self::Unknown,
        }
    }

    /// As the Delta log writes them: dates and times as text, times to the millisecond and rounded
    /// outwards.
    fn into_values(self, descriptor: &ColumnDescriptor) -> (Option<Value>, Option<Value>) {
        match (self, descriptor.logical_type_ref()) {
            (Self::Integer(low, high), Some(LogicalType::Date)) => (date(low), date(high)),
            (Self::Integer(low, high), Some(LogicalType::Timestamp(kind))) => {
                if kind.unit == TimeUnit::MICROS {
                    (
                        time(low.div_euclid(1000)),
                        time(high.div_euclid(1000).saturating_add(1)),
                    )
                } else {
                    (None, None)
                }
            }
            (Self::Integer(low, high), _) => (Some(low.into()), Some(high.into())),
            (Self::Float(low, high), _) if low.is_finite() && high.is_finite() => {
                (Some(low.into()), Some(high.into()))
            }
            (Self::Text(low, high), _) => (Some(low.into()), Some(high.into())),
            (Self::Float(..) | Self::Unknown, _) => (None, None),
        }
    }
}

/// A date from days since 1970-01-01, as text.
pub(super) fn date_text(days: i64) -> Option<String> {
    let distance = Days::new(days.unsigned_abs());
    let date = if days < 0 {
        NaiveDate::default().checked_sub_days(distance)
    } else {
        NaiveDate::default().checked_add_days(distance)
    };
    date.map(|date| date.format("%Y-%m-%d").to_string())
}

fn date(days: i64) -> Option<Value> {
    date_text(days).map(Value::from)
}

fn time(milliseconds: i64) -> Option<Value> {
    let time = DateTime::from_timestamp_millis(milliseconds)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Millis, true).into())
}
