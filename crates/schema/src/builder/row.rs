//! The typed appends of one row.

use super::values::Values;
use super::{RefusedValue, TableBuilder};
use crate::column::ColumnType;

const MILLISECONDS_PER_DAY: i64 = 86_400_000;
/// 0001-01-01T00:00:00.000 and 9999-12-31T23:59:59.999 in UTC: the instants SQL engines agree on.
pub(super) const FIRST_MILLISECOND: i64 = -62_135_596_800_000;
pub(super) const LAST_MILLISECOND: i64 = 253_402_300_799_999;

/// One row under construction.
///
/// Every method gives the next column its value; `name` is the column it is meant for. The `opt_`
/// methods write NULL for `None`.
#[derive(Debug)]
#[must_use = "a row counts only once it is ended"]
pub struct RowBuilder<'builder> {
    builder: &'builder mut TableBuilder,
}

impl<'builder> RowBuilder<'builder> {
    pub(super) fn new(builder: &'builder mut TableBuilder) -> Self {
        Self { builder }
    }
}

impl RowBuilder<'_> {
    /// Gives a `bigint` column its value.
    #[inline]
    pub fn bigint(&mut self, name: &'static str, value: i64) -> &mut Self {
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::Bigint(values)) => values.append_value(value),
            _ => self
                .builder
                .refuse(name, RefusedValue::Value(ColumnType::Bigint)),
        }
        self
    }

    /// Gives a `bigint` column its value or NULL.
    #[inline]
    pub fn opt_bigint(&mut self, name: &'static str, value: Option<i64>) -> &mut Self {
        match value {
            Some(value) => self.bigint(name, value),
            None => self.null(name, ColumnType::Bigint),
        }
    }

    /// Gives an `int` column its value.
    #[inline]
    pub fn int(&mut self, name: &'static str, value: i32) -> &mut Self {
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::Int(values)) => values.append_value(value),
            _ => self
                .builder
                .refuse(name, RefusedValue::Value(ColumnType::Int)),
        }
        self
    }

    /// Gives an `int` column its value or NULL.
    #[inline]
    pub fn opt_int(&mut self, name: &'static str, value: Option<i32>) -> &mut Self {
        match value {
            Some(value) => self.int(name, value),
            None => self.null(name, ColumnType::Int),
        }
    }

    /// Gives a `double` column its value.
    #[inline]
    pub fn double(&mut self, name: &'static str, value: f64) -> &mut Self {
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::Double(values)) => values.append_value(value),
            _ => self
                .builder
                .refuse(name, RefusedValue::Value(ColumnType::Double)),
        }
        self
    }

    /// Gives a `double` column its value or NULL.
    #[inline]
    pub fn opt_double(&mut self, name: &'static str, value: Option<f64>) -> &mut Self {
        match value {
            Some(value) => self.double(name, value),
            None => self.null(name, ColumnType::Double),
        }
    }

    /// Gives a `boolean` column its value.
    #[inline]
    pub fn boolean(&mut self, name: &'static str, value: bool) -> &mut Self {
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::Boolean(values)) => values.append_value(value),
            _ => self
                .builder
                .refuse(name, RefusedValue::Value(ColumnType::Boolean)),
        }
        self
    }

    /// Gives a `boolean` column its value or NULL.
    #[inline]
    pub fn opt_boolean(&mut self, name: &'static str, value: Option<bool>) -> &mut Self {
        match value {
            Some(value) => self.boolean(name, value),
            None => self.null(name, ColumnType::Boolean),
        }
    }

    /// Gives a `string` column its value.
    #[inline]
    pub fn string(&mut self, name: &'static str, value: &str) -> &mut Self {
        if !self.builder.reserve_bytes(name, value.len()) {
            return self;
        }
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::String(values)) => values.append_value(value),
            _ => self
                .builder
                .refuse(name, RefusedValue::Value(ColumnType::String)),
        }
        self
    }

    /// Gives a `string` column its value or NULL.
    #[inline]
    pub fn opt_string(&mut self, name: &'static str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.string(name, value),
            None => self.null(name, ColumnType::String),
        }
    }

    /// Gives a `timestamp` column an instant in milliseconds since 1970, UTC. Instants outside
    /// the years 1 to 9999 become the nearest one inside.
    #[inline]
    pub fn timestamp_ms(&mut self, name: &'static str, value: i64) -> &mut Self {
        let microseconds = value.clamp(FIRST_MILLISECOND, LAST_MILLISECOND) * 1000;
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::Timestamp(values)) => values.append_value(microseconds),
            _ => self
                .builder
                .refuse(name, RefusedValue::Value(ColumnType::Timestamp)),
        }
        self
    }

    /// Gives a `timestamp` column an instant in milliseconds since 1970, UTC, or NULL. Instants
    /// outside the years 1 to 9999 are no instants: NULL.
    #[inline]
    pub fn opt_timestamp_ms(&mut self, name: &'static str, value: Option<i64>) -> &mut Self {
        match value {
            Some(value @ FIRST_MILLISECOND..=LAST_MILLISECOND) => self.timestamp_ms(name, value),
            _ => self.null(name, ColumnType::Timestamp),
        }
    }

    /// Gives a `date` column the UTC day of an instant in milliseconds since 1970. Days outside
    /// the years 1 to 9999 become the nearest one inside.
    #[inline]
    pub fn date_from_ms(&mut self, name: &'static str, value: i64) -> &mut Self {
        let milliseconds = value.clamp(FIRST_MILLISECOND, LAST_MILLISECOND);
        let days = milliseconds.div_euclid(MILLISECONDS_PER_DAY) as i32;
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::Date(values)) => values.append_value(days),
            _ => self
                .builder
                .refuse(name, RefusedValue::Value(ColumnType::Date)),
        }
        self
    }

    /// Gives a `date` column the UTC day of an instant in milliseconds since 1970, or NULL. Days
    /// outside the years 1 to 9999 are no days: NULL.
    #[inline]
    pub fn opt_date_from_ms(&mut self, name: &'static str, value: Option<i64>) -> &mut Self {
        match value {
            Some(value @ FIRST_MILLISECOND..=LAST_MILLISECOND) => self.date_from_ms(name, value),
            _ => self.null(name, ColumnType::Date),
        }
    }

    /// Gives an `array<bigint>` column its elements.
    #[inline]
    pub fn bigint_array(&mut self, name: &'static str, elements: &[i64]) -> &mut Self {
        if !self.builder.reserve_bytes(name, size_of_val(elements)) {
            return self;
        }
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::BigintArray(lists)) => {
                lists.values().append_slice(elements);
                lists.append(true);
            }
            _ => self
                .builder
                .refuse(name, RefusedValue::Value(ColumnType::BigintArray)),
        }
        self
    }

    /// Gives an `array<bigint>` column its elements or NULL.
    #[inline]
    pub fn opt_bigint_array(&mut self, name: &'static str, elements: Option<&[i64]>) -> &mut Self {
        match elements {
            Some(elements) => self.bigint_array(name, elements),
            None => self.null(name, ColumnType::BigintArray),
        }
    }

    /// Gives an `array<string>` column its elements.
    #[inline]
    pub fn string_array<Text: AsRef<str>>(
        &mut self,
        name: &'static str,
        elements: &[Text],
    ) -> &mut Self {
        // One more byte each, so that empty texts count towards the limit too.
        let bytes = elements.iter().map(|text| text.as_ref().len() + 1).sum();
        if !self.builder.reserve_bytes(name, bytes) {
            return self;
        }
        match self.builder.next_slot(name).map(|slot| &mut slot.values) {
            Some(Values::StringArray(lists)) => {
                for text in elements {
                    lists.values().append_value(text);
                }
                lists.append(true);
            }
            _ => self
                .builder
                .refuse(name, RefusedValue::Value(ColumnType::StringArray)),
        }
        self
    }

    /// Gives an `array<string>` column its elements or NULL.
    #[inline]
    pub fn opt_string_array<Text: AsRef<str>>(
        &mut self,
        name: &'static str,
        elements: Option<&[Text]>,
    ) -> &mut Self {
        match elements {
            Some(elements) => self.string_array(name, elements),
            None => self.null(name, ColumnType::StringArray),
        }
    }

    /// Ends the row; without this it is not part of the batch.
    #[inline]
    pub fn end(self) {
        let builder = self.builder;
        if builder.position == builder.slots.len() && !builder.slots.is_empty() {
            builder.position = 0;
            builder.rows += 1;
        } else {
            builder.fail_at_row_end();
        }
    }

    #[inline]
    fn null(&mut self, name: &'static str, data_type: ColumnType) -> &mut Self {
        let written = match self.builder.next_slot(name) {
            Some(slot) => slot.nullable && slot.values.append_null(data_type),
            None => false,
        };
        if !written {
            self.builder.refuse(name, RefusedValue::Null(data_type));
        }
        self
    }
}
