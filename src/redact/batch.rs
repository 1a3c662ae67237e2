//! Secrets out of the text columns of record batches.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericListArray, RecordBatch, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, FieldRef};
use arrow::error::ArrowError;

use super::url::without_credentials;
use super::{ApplicationRedaction, Redactor};

/// Columns that rows are found by, and replaced by when a log is loaded again. They hold ids that
/// Spark, a platform or a job file gave, never a user's text.
const IDS: [&str; 13] = [
    "platform",
    "cluster_id",
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

/// Columns that hold a call site: Spark writes a stack there, users what they like.
const CALL_SITES: [&str; 2] = ["details", "call_site"];

/// Columns whose text is the value of a setting, and the column that names the setting.
const SETTINGS: [(&str, &str); 5] = [
    ("value", "key"),
    ("config_current", "config_key"),
    ("config_recommended", "config_key"),
    ("default_value", "key"),
    ("application_value", "key"),
];

/// Masks texts and values of settings.
trait Mask {
    fn text<'t>(&self, text: &'t str) -> Cow<'t, str>;
    fn property<'t>(&self, key: &str, value: &'t str) -> Cow<'t, str>;
    fn call_site<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.text(text)
    }
}

impl Mask for Redactor {
    fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        Self::text(self, text)
    }

    fn property<'t>(&self, key: &str, value: &'t str) -> Cow<'t, str> {
        Self::property(self, key, value)
    }

    fn call_site<'t>(&self, text: &'t str) -> Cow<'t, str> {
        Self::call_site(self, text)
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
    if CALL_SITES.contains(&name) {
        return map_texts(texts, |text| mask.call_site(text));
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
        None => map_texts(texts, |text| mask.text(text)),
    }
}

/// Texts of a column that were found to be clean: hosts, states and the like come again and again.
struct Clean<'t>([&'t str; 64]);

impl<'t> Clean<'t> {
    /// Whether a text is known, by its place: its length and two of its bytes.
    fn slot(&mut self, text: &'t str) -> Option<&mut &'t str> {
        let bytes = text.as_bytes();
        let byte = |at: usize| bytes.get(at).copied().map_or(0, usize::from);
        let place =
            bytes.len() + 7 * byte(bytes.len() / 2) + 31 * byte(bytes.len().wrapping_sub(1));
        self.0.get_mut(place % 64)
    }
}

/// Applies `change`, whose outcome depends on the text alone, to every text.
fn map_texts<'t>(
    texts: &'t StringArray,
    change: impl Fn(&'t str) -> Cow<'t, str>,
) -> Result<Option<StringArray>, ArrowError> {
    let clean = RefCell::new(Clean([""; 64]));
    map(texts, |_, text| {
        let mut clean = clean.borrow_mut();
        let slot = clean.slot(text);
        if slot.as_ref().is_some_and(|known| **known == text) {
            return Cow::Borrowed(text);
        }
        let changed = change(text);
        if let (Some(slot), true) = (slot, changed == text) {
            *slot = text;
        }
        changed
    })
}

/// Applies `change` to every text; `None` where it leaves all as they are.
fn map<'t>(
    texts: &'t StringArray,
    change: impl Fn(usize, &'t str) -> Cow<'t, str>,
) -> Result<Option<StringArray>, ArrowError> {
    let by_row = |row: usize| texts.is_valid(row).then(|| texts.value(row));
    let mut changed: Option<StringBuilder> = None;
    for row in 0..texts.len() {
        let text = by_row(row);
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
    let Some(masked) = map_texts(texts, |text| mask.text(text))? else {
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

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, ListBuilder};

    use super::super::MASK;
    use super::*;

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn text_columns_are_masked_and_ids_and_numbers_are_not() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("a"), Some("password=x1")]);
        lists.append_null();
        lists.append_value([Some("b")]);
        let batch = RecordBatch::try_from_iter([
            ("application_id", texts(&[Some("token=abc1"); 3])),
            ("cluster_id", texts(&[Some("logs/token=abc1"); 3])),
            ("key", texts(&[Some("a"), Some("b.password"), Some("c")])),
            // The same value is a secret under one key only.
            ("value", texts(&[Some("same"), Some("same"), Some("same")])),
            ("note", texts(&[Some("ok"), None, Some("pwd=x1 ok")])),
            ("tags", Arc::new(lists.finish()) as ArrayRef),
            ("source_uri", texts(&[Some("s3://b/token=abc1/x"); 3])),
            ("n", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
        ])
        .expect("a batch");
        let masked = Redactor::default().batch(batch.clone()).expect("masked");
        assert_eq!(masked.schema(), batch.schema());
        let column = |name: &str| masked.column_by_name(name).cloned().expect("a column");
        for name in ["application_id", "cluster_id", "key", "source_uri", "n"] {
            assert_eq!(Some(&column(name)), batch.column_by_name(name), "{name}");
        }
        assert_eq!(
            &column("value"),
            &texts(&[Some("same"), Some(MASK), Some("same")])
        );
        let note = format!("pwd={MASK} ok");
        assert_eq!(&column("note"), &texts(&[Some("ok"), None, Some(&note)]));
        let tags = column("tags");
        let first = tags.as_list::<i32>().value(0);
        assert_eq!(
            &first,
            &texts(&[Some("a"), Some(&format!("password={MASK}"))])
        );
        assert!(tags.is_null(1));
    }

    #[test]
    fn a_clean_batch_is_given_back_as_it_is() {
        let batch = RecordBatch::try_from_iter([("note", texts(&[Some("a"), Some("a"), None]))])
            .expect("a batch");
        let same = Redactor::default().batch(batch.clone()).expect("masked");
        assert!(Arc::ptr_eq(batch.column(0), same.column(0)));
    }
}
