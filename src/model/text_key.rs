//! Values that identify rows, whatever their types.

/// The values of some columns of a row as text, in the order of the columns; `None` for NULL.
pub type TextKey = Vec<Option<String>>;
