//! Names of Spark's that are expressions of DataFusion's.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, Select, SelectItem, Statement, Value, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::call;

/// Name, and what it means; `$1`, `$2` … are its arguments, as many as the meaning names.
const MEANINGS: &[(&str, &str)] = &[
    // Dates and times.
    ("year", "CAST(date_part('year', $1) AS INT)"),
    ("quarter", "CAST(date_part('quarter', $1) AS INT)"),
    ("month", "CAST(date_part('month', $1) AS INT)"),
    ("week", "CAST(date_part('week', $1) AS INT)"),
    ("weekofyear", "CAST(date_part('week', $1) AS INT)"),
    ("day", "CAST(date_part('day', $1) AS INT)"),
    ("dayofmonth", "CAST(date_part('day', $1) AS INT)"),
    ("dayofweek", "CAST(date_part('dow', $1) + 1 AS INT)"),
    ("dayofyear", "CAST(date_part('doy', $1) AS INT)"),
    ("date_add", "date_add($1, CAST($2 AS INT))"),
    ("dateadd", "date_add($1, CAST($2 AS INT))"),
    ("date_sub", "date_sub($1, CAST($2 AS INT))"),
    ("add_months", "add_months($1, CAST($2 AS INT))"),
    ("unix_timestamp", "to_unixtime($1)"),
    ("timestamp_millis", "to_timestamp_millis($1)"),
    ("timestamp_seconds", "to_timestamp_seconds($1)"),
    // Conditions.
    ("isnull", "($1 IS NULL)"),
    ("isnotnull", "($1 IS NOT NULL)"),
    ("ifnull", "coalesce($1, $2)"),
    ("nvl", "coalesce($1, $2)"),
    ("zeroifnull", "coalesce($1, 0)"),
    ("nullifzero", "nullif($1, 0)"),
    (
        "try_divide",
        "(CAST($1 AS DOUBLE) / nullif(CAST($2 AS DOUBLE), 0e0))",
    ),
    ("equal_null", "($1 IS NOT DISTINCT FROM $2)"),
    // Aggregates.
    ("count_if", "count(CASE WHEN $1 THEN 1 END)"),
    ("percentile", "percentile_cont($1, $2)"),
    ("percentile_approx", "approx_percentile_cont($1, $2)"),
    ("approx_percentile", "approx_percentile_cont($1, $2)"),
    ("approx_count_distinct", "approx_distinct($1)"),
    (
        "max_by",
        "first_value($1 ORDER BY $2 DESC NULLS LAST) FILTER (WHERE $2 IS NOT NULL)",
    ),
    (
        "min_by",
        "first_value($1 ORDER BY $2 ASC NULLS LAST) FILTER (WHERE $2 IS NOT NULL)",
    ),
    ("first", "first_value($1)"),
    ("last", "last_value($1)"),
    ("std", "stddev($1)"),
    ("every", "bool_and($1)"),
    ("some", "bool_or($1)"),
    // Texts.
    ("space", "space(CAST($1 AS INT))"),
    ("len", "character_length($1)"),
    ("lcase", "lower($1)"),
    ("ucase", "upper($1)"),
    ("locate", "strpos($2, $1)"),
    ("charindex", "strpos($2, $1)"),
    // All that match, as in Spark, not the first alone.
    ("regexp_replace", "regexp_replace($1, $2, $3, 'g')"),
    ("regexp_extract", "array_element(regexp_match($1, $2), 1)"),
    ("regexp_extract", "array_element(regexp_match($1, $2), $3)"),
    ("regexp", "regexp_like($1, $2)"),
    ("rlike", "regexp_like($1, $2)"),
    // Lists and JSON.
    ("array_size", "cardinality($1)"),
    ("sort_array", "array_sort($1)"),
    ("explode", "unnest($1)"),
    ("json_array_length", "json_length($1)"),
    // Types.
    ("typeof", "arrow_typeof($1)"),
    ("string", "CAST($1 AS STRING)"),
    ("int", "CAST($1 AS INT)"),
    ("bigint", "CAST($1 AS BIGINT)"),
    ("double", "CAST($1 AS DOUBLE)"),
    ("float", "CAST($1 AS FLOAT)"),
    ("boolean", "CAST($1 AS BOOLEAN)"),
    ("date", "CAST($1 AS DATE)"),
    ("timestamp", "CAST($1 AS TIMESTAMP)"),
    ("percentile_approx", "approx_percentile_cont($1, $2, $3)"),
    ("approx_percentile", "approx_percentile_cont($1, $2, $3)"),
];

/// Units of `datediff(unit, start, end)` and `timestampdiff(unit, start, end)`, in seconds.
const UNITS: [(&str, &str); 5] = [
    ("second", "1"),
    ("minute", "60"),
    ("hour", "3600"),
    ("day", "86400"),
    ("week", "604800"),
];

/// Functions whose second argument is a date pattern.
const WITH_PATTERN: [&str; 5] = [
    "date_format",
    "to_char",
    "to_date",
    "to_timestamp",
    "from_unixtime",
];

/// Java's date patterns and those of DataFusion, longest first.
const PATTERNS: [(&str, &str); 20] = [
    ("yyyy", "%Y"),
    ("yy", "%y"),
    ("y", "%Y"),
    ("MMMM", "%B"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("M", "%-m"),
    ("dd", "%d"),
    ("d", "%-d"),
    ("EEEE", "%A"),
    ("EEE", "%a"),
    ("E", "%a"),
    ("HH", "%H"),
    ("H", "%-H"),
    ("hh", "%I"),
    ("mm", "%M"),
    ("ss", "%S"),
    ("SSSSSS", "%6f"),
    ("SSS", "%3f"),
    ("a", "%p"),
];

static TEMPLATES: LazyLock<BTreeMap<(&'static str, usize), Expr>> = LazyLock::new(|| {
    MEANINGS
        .iter()
        .filter_map(|(name, meaning)| {
            let arguments = (1..=9).take_while(|place| meaning.contains(&format!("${place}")));
            Some(((*name, arguments.count()), parsed(meaning)?))
        })
        .collect()
});

fn parsed(expression: &str) -> Option<Expr> {
    let mut parser = Parser::new(&GenericDialect {})
        .try_with_sql(expression)
        .ok()?;
    parser.parse_expr().ok()
}

/// Puts DataFusion's expressions in the place of Spark's names. A column of an answer keeps the
/// name that the query gave it.
pub(super) fn translate(statement: &mut Statement) {
    let mut translation = Translation {
        headings: Vec::new(),
    };
    // The walk never breaks off.
    let _ = statement.visit(&mut translation);
}

struct Translation {
    /// The texts of the SELECT lists that the walk is in.
    headings: Vec<Vec<String>>,
}

impl VisitorMut for Translation {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let headings = select.projection.iter().map(|item| match item {
            SelectItem::UnnamedExpr(expr) if !is_column(expr) => expr.to_string(),
            _ => String::new(),
        });
        self.headings.push(headings.collect());
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let headings = self.headings.pop().unwrap_or_default();
        for (item, heading) in select.projection.iter_mut().zip(headings) {
            if let SelectItem::UnnamedExpr(expr) = item
                && !heading.is_empty()
                && expr.to_string() != heading
            {
                *item = SelectItem::ExprWithAlias {
                    expr: expr.clone(),
                    alias: Ident::with_quote('"', heading),
                };
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let translated = match expr {
            Expr::Function(function) => translated(function),
            Expr::RLike {
                negated,
                expr,
                pattern,
                ..
            } => {
                let like = call("regexp_like", vec![*expr.clone(), *pattern.clone()]);
                Some(match negated {
                    true => Expr::UnaryOp {
                        op: datafusion::sql::sqlparser::ast::UnaryOperator::Not,
                        expr: Box::new(like),
                    },
                    false => like,
                })
            }
            _ => None,
        };
        if let Some(translated) = translated {
            *expr = translated;
        }
        ControlFlow::Continue(())
    }
}

fn is_column(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
}

/// What a call means; `None` when it means itself.
fn translated(function: &mut Function) -> Option<Expr> {
    let name = name(function)?;
    if WITH_PATTERN.contains(&name.as_str()) {
        translate_pattern(function);
        return None;
    }
    let arguments = arguments(function)?;
    if is_distinct(function) {
        return (name == "count" && arguments.len() > 1).then(|| count_rows(function, arguments));
    }
    let mut meaning = match name.as_str() {
        "datediff" | "date_diff" | "timestampdiff" if arguments.len() == 3 => {
            difference(&arguments)?
        }
        "get_json_object" => json_path(&arguments)?,
        "split" => split(&arguments)?,
        "trunc" => truncated(&arguments)?,
        _ => substituted(
            TEMPLATES.get(&(name.as_str(), arguments.len()))?.clone(),
            &arguments,
        ),
    };
    carry_over(function, &mut meaning)?;
    Some(meaning)
}

fn name(function: &Function) -> Option<String> {
    match function.name.0.as_slice() {
        [part] => Some(part.as_ident()?.value.to_lowercase()),
        _ => None,
    }
}

fn arguments(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    if !list.clauses.is_empty() {
        return None;
    }
    let argument = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    };
    list.args.iter().map(argument).collect()
}

fn is_distinct(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else {
        return false;
    };
    list.duplicate_treatment == Some(DuplicateTreatment::Distinct)
}

/// `FILTER` and `OVER` go over to what a call means; `None` where that has no place for them.
fn carry_over(from: &Function, meaning: &mut Expr) -> Option<()> {
    if from.filter.is_none() && from.over.is_none() {
        return Some(());
    }
    let Expr::Function(to) = meaning else {
        return None;
    };
    to.over.clone_from(&from.over);
    to.filter = match (from.filter.clone(), to.filter.take()) {
        (Some(left), Some(right)) => Some(Box::new(Expr::BinaryOp {
            left: Box::new(Expr::Nested(left)),
            op: BinaryOperator::And,
            right: Box::new(Expr::Nested(right)),
        })),
        (left, right) => left.or(right),
    };
    Some(())
}

/// `template` with the arguments in their places.
fn substituted(mut template: Expr, arguments: &[Expr]) -> Expr {
    let _ = template.visit(&mut Places(arguments));
    template
}

struct Places<'a>(&'a [Expr]);

impl VisitorMut for Places<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(place) = &value.value
            && let Some(place) = place.strip_prefix('$').and_then(|place| place.parse().ok())
            && let Some(argument) = usize::checked_sub(place, 1).and_then(|place| self.0.get(place))
        {
            *expr = match argument {
                Expr::BinaryOp { .. } | Expr::UnaryOp { .. } => {
                    Expr::Nested(Box::new(argument.clone()))
                }
                simple => simple.clone(),
            };
        }
        ControlFlow::Continue(())
    }
}

/// `count(DISTINCT a, b)` counts the different rows in which neither is NULL.
fn count_rows(function: &Function, arguments: Vec<Expr>) -> Expr {
    let all_known = arguments
        .iter()
        .map(|argument| Expr::IsNotNull(Box::new(Expr::Nested(Box::new(argument.clone())))))
        .reduce(|left, right| Expr::BinaryOp {
            left: Box::new(left),
            op: BinaryOperator::And,
            right: Box::new(right),
        });
    let row = call("struct", arguments);
    let row = match (all_known, parsed("CASE WHEN $1 THEN $2 END")) {
        (Some(condition), Some(template)) => {
            substituted(template, &[Expr::Nested(Box::new(condition)), row])
        }
        _ => row,
    };
    let mut counted = function.clone();
    if let FunctionArguments::List(list) = &mut counted.args {
        list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(row))];
    }
    Expr::Function(counted)
}

fn difference(arguments: &[Expr]) -> Option<Expr> {
    let [Expr::Identifier(unit), start, end] = arguments else {
        return None;
    };
    let unit = unit.value.to_lowercase();
    let (_, seconds) = UNITS
        .iter()
        .find(|(name, _)| unit.strip_suffix('s').unwrap_or(&unit) == *name)?;
    let template = format!(
        "CAST(trunc((date_part('epoch', CAST($2 AS TIMESTAMP)) - \
         date_part('epoch', CAST($1 AS TIMESTAMP))) / {seconds}) AS BIGINT)"
    );
    Some(substituted(
        parsed(&template)?,
        &[start.clone(), end.clone()],
    ))
}

/// `get_json_object(json, '$.a[0]')` is `json_as_text(json, 'a', 0)`.
fn json_path(arguments: &[Expr]) -> Option<Expr> {
    let [json, path] = arguments else {
        return None;
    };
    let mut parts = vec![json.clone()];
    let mut rest = literal(path)?.strip_prefix('$')?;
    while !rest.is_empty() {
        if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (name, after) = name.split_at(end);
            parts.push(text(name));
            rest = after;
        } else {
            let (place, after) = rest.strip_prefix('[')?.split_once(']')?;
            let quoted = place
                .strip_prefix('\'')
                .and_then(|name| name.strip_suffix('\''));
            parts.push(match quoted {
                Some(name) => text(name),
                None => Expr::value(Value::Number(place.parse::<u32>().ok()?.to_string(), false)),
            });
            rest = after;
        }
    }
    Some(call("json_as_text", parts))
}

/// `split(text, separator)` where the separator is no pattern.
fn split(arguments: &[Expr]) -> Option<Expr> {
    let [_, separator] = arguments else {
        return None;
    };
    let is_plain = literal(separator)?
        .chars()
        .all(|letter| !r"\^$.|?*+()[]{}".contains(letter));
    is_plain.then(|| call("string_to_array", arguments.to_vec()))
}

/// `trunc(date, 'month')` is `date_trunc('month', date)`; of numbers it is what it is.
fn truncated(arguments: &[Expr]) -> Option<Expr> {
    let [date, unit] = arguments else {
        return None;
    };
    literal(unit)?;
    Some(call("date_trunc", vec![unit.clone(), date.clone()]))
}

fn translate_pattern(function: &mut Function) {
    let FunctionArguments::List(list) = &mut function.args else {
        return;
    };
    let [_, FunctionArg::Unnamed(FunctionArgExpr::Expr(pattern))] = list.args.as_mut_slice() else {
        return;
    };
    if let Some(java) = literal(pattern).filter(|pattern| !pattern.contains('%')) {
        *pattern = text(&from_java(java));
    }
}

/// A Java date pattern in DataFusion's words; letters that are not known stay.
fn from_java(pattern: &str) -> String {
    let mut translated = String::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix('\'') {
            let (literal, after) = quoted.split_once('\'').unwrap_or((quoted, ""));
            translated.push_str(literal);
            rest = after;
            continue;
        }
        let known = PATTERNS
            .iter()
            .find_map(|(java, own)| Some((own, rest.strip_prefix(java)?)));
        rest = if let Some((own, after)) = known {
            translated.push_str(own);
            after
        } else {
            translated.push(letter);
            rest.get(letter.len_utf8()..).unwrap_or_default()
        };
    }
    translated
}

fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn text(value: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meaning_can_be_read() {
        for (name, meaning) in MEANINGS {
            assert!(parsed(meaning).is_some(), "{name}: {meaning}");
        }
        assert_eq!(TEMPLATES.len(), MEANINGS.len());
    }

    #[test]
    fn java_patterns_are_translated() {
        assert_eq!(
            from_java("yyyy-MM-dd HH:mm:ss.SSS"),
            "%Y-%m-%d %H:%M:%S.%3f"
        );
        assert_eq!(from_java("d MMM yy 'at' h"), "%-d %b %y at h");
    }
}
