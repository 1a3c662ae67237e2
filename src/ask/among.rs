//! Filters that let files of the lake go unread. Each file that is opened takes the filter in anew, so that long
//! lists cost more than the files they spare: the range of the values then stands for them.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;
use datafusion::prelude::{Expr, col, lit};

/// Most applications that are listed.
const MAX_LISTED: usize = 16;

/// A filter that holds for these applications, and where they are many also for others whose ids lie between.
pub fn among_applications(ids: &BTreeSet<&str>) -> Expr {
    let column = col("application_id");
    match (ids.first(), ids.last()) {
        (Some(first), Some(last)) if ids.len() > MAX_LISTED => {
            column.between(lit(*first), lit(*last))
        }
        _ => column.in_list(ids.iter().map(|id| lit(*id)).collect(), false),
    }
}

/// A filter that holds for these days of `app_date`, as days since 1970, and where they follow each other closely also
/// for others between.
pub fn among_days(days: &BTreeSet<i32>) -> Expr {
    let column = col("app_date");
    let literal = |day: &i32| lit(ScalarValue::Date32(Some(*day)));
    match (days.first(), days.last()) {
        (Some(first), Some(last))
            if i64::from(*last) - i64::from(*first) < 2 * days.len() as i64 =>
        {
            column.between(literal(first), literal(last))
        }
        _ => column.in_list(days.iter().map(literal).collect(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_listed_and_many_are_a_range() {
        let ids: Vec<String> = (0..17).map(|id| format!("app-{id:02}")).collect();
        let among = |count: usize| {
            let ids = ids.iter().take(count).map(String::as_str);
            among_applications(&ids.collect()).to_string()
        };
        assert!(
            among(16).contains("IN ([Utf8(\"app-00\"), "),
            "{}",
            among(16)
        );
        assert_eq!(
            among(17),
            "application_id BETWEEN Utf8(\"app-00\") AND Utf8(\"app-16\")"
        );
        assert_eq!(among(0), "application_id IN ([])");
    }

    #[test]
    fn days_that_lie_far_apart_are_listed() {
        let among = |days: &[i32]| among_days(&days.iter().copied().collect()).to_string();
        assert!(among(&[10, 11, 13]).contains("BETWEEN"));
        assert!(among(&[10, 11, 300]).contains(" IN ("));
        assert!(among(&[10]).contains("BETWEEN"));
    }
}
