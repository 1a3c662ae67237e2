//! Functions whose values can be far larger than their arguments, such as `repeat('x', 1000000)`.
//!
//! The engine evaluates an expression over a whole batch at once, and no memory pool counts what
//! comes of it. Here the size is computed from the arguments before the function is called.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// A character takes at most so many bytes.
const CHARACTER_BYTES: u64 = 4;
/// What a number takes in a list.
const NUMBER_BYTES: u64 = 8;

/// How the size of a function's values follows from its arguments, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// The first argument, as often as the second says.
    Repeat,
    /// As many characters as the second argument says.
    Pad,
    /// As many characters as the only argument says.
    Space,
    /// All arguments together.
    Concat,
    /// The first argument, with the third for each occurrence of the second.
    Replace,
    /// The first argument, with the third for each match of a pattern.
    ReplacePattern,
    /// A list of the numbers between the arguments.
    Range,
}

const GROWING: [(&str, Growth); 13] = [
    ("repeat", Growth::Repeat),
    ("array_repeat", Growth::Repeat),
    ("lpad", Growth::Pad),
    ("rpad", Growth::Pad),
    ("space", Growth::Space),
    ("concat", Growth::Concat),
    ("concat_ws", Growth::Concat),
    ("array_concat", Growth::Concat),
    ("replace", Growth::Replace),
    ("regexp_replace", Growth::ReplacePattern),
    ("range", Growth::Range),
    ("generate_series", Growth::Range),
    ("sequence", Growth::Range),
];

/// Puts a bound on the values that one batch may grow to.
///
/// # Errors
/// A function cannot be registered.
pub(in crate::ask) fn bound(state: &mut SessionState, limit_bytes: u64) -> Result<()> {
    for (name, growth) in GROWING {
        let Some(function) = state.scalar_functions().get(name).cloned() else {
            continue;
        };
        // Names that mean the same function come more than once.
        let implementation: &dyn Any = function.inner().as_ref();
        if implementation.is::<Bounded>() {
            continue;
        }
        let bounded = Bounded {
            function,
            growth,
            limit_bytes,
        };
        state.register_udf(Arc::new(ScalarUDF::new_from_impl(bounded)))?;
    }
    Ok(())
}

/// A function that refuses to make too much.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    function: Arc<ScalarUDF>,
    growth: Growth,
    limit_bytes: u64,
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn aliases(&self) -> &[String] {
        self.function.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.function.inner().schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.function.signature()
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.function.inner().coerce_types(arg_types)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.function.inner().return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.function.inner().return_field_from_args(args)
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        match self.function.inner().simplify(args, info)? {
            // Only the same call with fewer arguments: it has to stay bounded.
            ExprSimplifyResult::Simplified(Expr::ScalarFunction(mut call))
                if call.func == self.function =>
            {
                call.func = Arc::new(ScalarUDF::new_from_impl(Self {
                    function: Arc::clone(&self.function),
                    growth: self.growth,
                    limit_bytes: self.limit_bytes,
                }));
                Ok(ExprSimplifyResult::Simplified(Expr::ScalarFunction(call)))
            }
            simplified => Ok(simplified),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let size_bytes = self.size(&args);
        if size_bytes > self.limit_bytes {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{}() of {} rows would take {} MiB, and may take {} MiB at a time",
                self.name(),
                args.number_rows,
                size_bytes >> 20,
                self.limit_bytes >> 20
            )));
        }
        self.function.invoke_with_args(args)
    }
}

impl Bounded {
    /// The size of the values, in bytes, or more.
    fn size(&self, args: &ScalarFunctionArgs) -> u64 {
        let arguments: Vec<Argument> = args
            .args
            .iter()
            .map(|argument| Argument::of(argument, args.number_rows))
            .collect();
        let rows = match arguments.iter().all(|argument| argument.is_constant) {
            true => args.number_rows.min(1),
            false => args.number_rows,
        };
        (0..rows)
            .map(|row| self.growth.of_row(&arguments, row))
            .fold(0, u64::saturating_add)
    }
}

impl Growth {
    fn of_row(self, arguments: &[Argument], row: usize) -> u64 {
        let bytes = |place: usize| arguments.get(place).map_or(0, |value| value.bytes(row));
        let number = |place: usize| arguments.get(place).map_or(0, |value| value.number(row));
        let count = |place: usize| u64::try_from(number(place)).unwrap_or(0);
        match self {
            Self::Repeat => bytes(0).saturating_mul(count(1)),
            Self::Pad => count(1).saturating_mul(CHARACTER_BYTES),
            Self::Space => count(0),
            Self::Concat => (0..arguments.len()).map(bytes).fold(0, u64::saturating_add),
            // An empty text is found before each character and at the end.
            Self::Replace => {
                let times = bytes(0) / bytes(1).max(1) + 1;
                bytes(0).saturating_add(times.saturating_mul(bytes(2)))
            }
            Self::ReplacePattern => {
                bytes(0).saturating_add((bytes(0) + 1).saturating_mul(bytes(2)))
            }
            Self::Range => {
                let (first, last) = match arguments.len() {
                    1 => (0, number(0)),
                    _ => (number(0), number(1)),
                };
                let step = match arguments.len() {
                    0..3 => 1,
                    _ => number(2).unsigned_abs().max(1),
                };
                (last.abs_diff(first) / step).saturating_mul(NUMBER_BYTES)
            }
        }
    }
}

/// One argument, as far as sizes follow from it.
struct Argument {
    is_constant: bool,
    sizes: Sizes,
    numbers: Option<ArrayRef>,
}

enum Sizes {
    Texts(ArrayRef),
    /// All values are about as large.
    Each(u64),
}

impl Argument {
    fn of(argument: &ColumnarValue, rows: usize) -> Self {
        let (array, is_constant) = match argument {
            ColumnarValue::Array(array) => (Some(Arc::clone(array)), false),
            ColumnarValue::Scalar(value) => (value.to_array().ok(), true),
        };
        let Some(array) = array else {
            return Self {
                is_constant,
                sizes: Sizes::Each(0),
                numbers: None,
            };
        };
        let is_text = matches!(
            array.data_type(),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
        );
        let values = if is_constant { 1 } else { rows.max(1) };
        let mean = array.get_array_memory_size() / values;
        Self {
            is_constant,
            numbers: array
                .data_type()
                .is_integer()
                .then(|| cast(&array, &DataType::Int64).ok())
                .flatten(),
            sizes: match is_text {
                true => Sizes::Texts(array),
                false => Sizes::Each(mean as u64),
            },
        }
    }

    fn bytes(&self, row: usize) -> u64 {
        let row = if self.is_constant { 0 } else { row };
        let length = match &self.sizes {
            Sizes::Each(bytes) => return *bytes,
            Sizes::Texts(texts) if row >= texts.len() || texts.is_null(row) => 0,
            Sizes::Texts(texts) => match texts.data_type() {
                DataType::Utf8 => {
                    texts.as_string::<i32>().value_length(row).unsigned_abs() as usize
                }
                DataType::LargeUtf8 => texts.as_string::<i64>().value(row).len(),
                _ => texts.as_string_view().value(row).len(),
            },
        };
        length as u64
    }

    fn number(&self, row: usize) -> i64 {
        let row = if self.is_constant { 0 } else { row };
        match &self.numbers {
            Some(numbers) if row < numbers.len() && numbers.is_valid(row) => {
                numbers.as_primitive::<Int64Type>().value(row)
            }
            _ => 0,
        }
    }
}
