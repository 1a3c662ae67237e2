//! Secrets out of the text columns of record batches.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericListArray, RecordBatch, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, FieldRef};
use arrow::error::ArrowError;

use super::url::without_credentials;
use super::{ApplicationRedaction, Redactor};

/// Columns that rows are found by. They hold ids that Spark or we made, never a user's text.
const IDS: [&str; 12] = [
    "platform",
    "application_id",
    "attempt_id",
    "batch_id",
    "run_id",
    "fingerprint",
    "executor_id",
    "metric",
    "metric_type",
    "unit",
    "rule_id",
    "finding_id",
];

/// Columns that hold the address of a history: rows are found by them, so that only credentials
/// are masked.
const ADDRESSES: [&str; 2] = ["source_uri", "log_uri"];

/// Columns whose text is the value of a setting, and the column that names the setting.
const SETTINGS: [(&str, &str); 5] = [
    ("value", "key"),
    ("config_current", "config_key"),
    ("config_recommended", "config_key"),
    ("default_value", "key"),
    ("session_value", "key"),
];

/// Masks texts and values of settings.
trait Mask {
    fn text<'t>(&self, text: &'t str) -> Cow<'t, str>;
    fn property<'t>(&self, key: &str, value: &'t str) -> Cow<'t, str>;
}

impl Mask for Redactor {
    fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        Self::text(self, text)
    }

    fn property<'t>(&self, key: &str, value: &'t str) -> Cow<'t, str> {
        Self::property(self, key, value)
    }
}

impl Mask for ApplicationRedaction {
    fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        Self::text(self, text)
    }

    fn property<'t>(&self, key: &str, value: &'t str) -> Cow<'t, str> {
        Self::property(self, key, value)
    }
}

impl Redactor {
    /// The batch with its text columns masked.
    ///
    /// # Errors
    /// When masked text outgrows the 2 GiB of a column.
    pub fn batch(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        mask_batch(self, batch)
    }
}

impl ApplicationRedaction {
    /// The batch with its text columns masked.
    ///
    /// # Errors
    /// When masked text outgrows the 2 GiB of a column.
    pub fn batch(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        mask_batch(self, batch)
    }
}

fn mask_batch(mask: &dyn Mask, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut changed: Vec<(usize, ArrayRef)> = Vec::new();
    let schema = batch.schema();
    for (index, (field, column)) in schema.fields().iter().zip(batch.columns()).enumerate() {
        let name = field.name().as_str();
        if IDS.contains(&name) {
            continue;
        }
        let masked = match column.data_type() {
            DataType::Utf8 => column
                .as_string_opt::<i32>()
                .map_or(Ok(None), |texts| mask_column(mask, name, texts, &batch))?
                .map(|masked| Arc::new(masked) as ArrayRef),
            DataType::List(item) if item.data_type() == &DataType::Utf8 => {
                mask_lists(mask, item, column)?
            }
            _ => None,
        };
        changed.extend(masked.map(|masked| (index, masked)));
    }
    if changed.is_empty() {
        return Ok(batch);
    }
    let mut columns = batch.columns().to_vec();
    for (index, masked) in changed {
        if let Some(column) = columns.get_mut(index) {
            *column = masked;
        }
    }
    RecordBatch::try_new(schema, columns)
}

/// The column masked; `None` where nothing in it changes.
fn mask_column(
    mask: &dyn Mask,
    name: &str,
    texts: &StringArray,
    batch: &RecordBatch,
) -> Result<Option<StringArray>, ArrowError> {
    if ADDRESSES.contains(&name) {
        return map(texts, |_, text| without_credentials(text));
    }
    let keys = SETTINGS
        .iter()
        .find(|(column, _)| *column == name)
        .and_then(|(_, key)| batch.column_by_name(key))
        .and_then(|keys| keys.as_string_opt::<i32>());
    match keys {
        Some(keys) => map(texts, |row, text| {
            let key = if keys.is_valid(row) {
                keys.value(row)
            } else {
                ""
            };
            mask.property(key, text)
        }),
        None => map(texts, |_, text| mask.text(text)),
    }
}

/// Applies `change` to every text. Neighbors are often equal: such a row takes what the one before
/// it became.
fn map<'t>(
    texts: &'t StringArray,
    change: impl Fn(usize, &'t str) -> Cow<'t, str>,
) -> Result<Option<StringArray>, ArrowError> {
    let mut changed: Option<StringBuilder> = None;
    let mut last: Option<&str> = None;
    let by_row = |row: usize| texts.is_valid(row).then(|| texts.value(row));
    for row in 0..texts.len() {
        let text = by_row(row);
        let is_known = changed.is_none() && (text.is_none() || text == last);
        if is_known {
            continue;
        }
        let masked = text.map(|text| change(row, text));
        if changed.is_none() && masked.as_deref() != text {
            let mut builder = StringBuilder::with_capacity(texts.len(), texts.value_data().len());
            for before in 0..row {
                builder.append_option(by_row(before));
            }
            changed = Some(builder);
        }
        if let Some(builder) = &mut changed {
            let bytes = builder.values_slice().len() + masked.as_deref().map_or(0, str::len);
            if bytes > i32::MAX as usize {
                return Err(ArrowError::OffsetOverflowError(bytes));
            }
            builder.append_option(masked);
        }
        last = text;
    }
    Ok(changed.map(|mut builder| builder.finish()))
}

fn mask_lists(
    mask: &dyn Mask,
    item: &FieldRef,
    column: &ArrayRef,
) -> Result<Option<ArrayRef>, ArrowError> {
    let Some(lists) = column.as_list_opt::<i32>() else {
        return Ok(None);
    };
    let Some(texts) = lists.values().as_string_opt::<i32>() else {
        return Ok(None);
    };
    let Some(masked) = map(texts, |_, text| mask.text(text))? else {
        return Ok(None);
    };
    let lists = GenericListArray::<i32>::try_new(
        Arc::clone(item),
        lists.offsets().clone(),
        Arc::new(masked),
        lists.nulls().cloned(),
    )?;
    Ok(Some(Arc::new(lists)))
}
