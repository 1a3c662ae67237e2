//! Common table expressions that a query reads more than once are computed once.
//!
//! The engine puts a `WITH` table in place of each name that refers to it, so that a chain of tables
//! that are each read twice is planned and computed a dozen times.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    Cte, Ident, ObjectName, ObjectNamePart, Query, Statement, Visit, With, visit_relations,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use futures::TryStreamExt;

use super::facts::in_memory;
use crate::ask::plan_read_only;

/// Most bytes of one table; a larger one is computed where it is read, in a stream.
const MAX_TABLE_BYTES: usize = 64 << 20;
/// Most bytes of all tables that queries of this process hold at the same time.
static ALL_TABLES: Budget = Budget::new(128 << 20);

/// Bytes that may be held together.
struct Budget {
    most: usize,
    held: AtomicUsize,
}

impl Budget {
    const fn new(most: usize) -> Self {
        Self {
            most,
            held: AtomicUsize::new(0),
        }
    }
}

/// What one query holds of a budget; given back when it is dropped.
struct Share {
    budget: &'static Budget,
    bytes: usize,
}

impl Share {
    const fn of(budget: &'static Budget) -> Self {
        Self { budget, bytes: 0 }
    }

    /// Takes that many bytes more, unless too many would be held then.
    fn take(&mut self, bytes: usize) -> bool {
        let most = self.budget.most;
        let taken = self
            .budget
            .held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
                held.checked_add(bytes).filter(|sum| *sum <= most)
            });
        if taken.is_ok() {
            self.bytes += bytes;
        }
        taken.is_ok()
    }

    /// Gives back what was taken beyond `bytes`.
    fn shrink_to(&mut self, bytes: usize) {
        let beyond = self.bytes.saturating_sub(bytes);
        self.budget.held.fetch_sub(beyond, Ordering::Relaxed);
        self.bytes -= beyond;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

/// What is left of a query of which tables were computed.
pub(super) struct Computed {
    /// The query without them.
    pub statement: String,
    /// The bytes of these tables, for as long as the session lives.
    #[expect(dead_code, reason = "it counts until it is dropped")]
    held: Share,
}

/// Computes what `statement` reads more than once and adds it to the tables of `session`, which is the
/// statement's own. `None` where nothing is read more than once, or where it cannot be done apart, so
/// that the statement has to be run as it is written.
pub(super) async fn compute(
    statement: &str,
    reads: &[String],
    parameters: &[(String, ScalarValue)],
    session: &SessionContext,
) -> Option<Computed> {
    compute_within(&ALL_TABLES, statement, reads, parameters, session).await
}

async fn compute_within(
    budget: &'static Budget,
    statement: &str,
    reads: &[String],
    parameters: &[(String, ScalarValue)],
    session: &SessionContext,
) -> Option<Computed> {
    let mut query = parse(statement)?;
    let with = query.with.take().filter(|with| !with.recursive)?;
    let wanted: BTreeSet<String> = read_often(&with.cte_tables, &query);
    if wanted.is_empty() || wanted.iter().any(|name| reads.contains(name)) {
        return None;
    }
    let mut held = Share::of(budget);
    let mut written: Vec<Cte> = Vec::new();
    for table in with.cte_tables.clone() {
        let name = normalized(&table.alias.name);
        let rows = if wanted.contains(&name) {
            let alone = with_needed(&with, &written, (*table.query).clone());
            rows(session, &alone.to_string(), parameters, &mut held)
                .await
                .ok()?
        } else {
            None
        };
        match rows {
            Some((schema, batches)) => {
                let provider = in_memory(schema, batches).ok()?;
                session.register_table(name.as_str(), provider).ok()?;
            }
            None => written.push(table),
        }
    }
    Some(Computed {
        statement: with_needed(&with, &written, query).to_string(),
        held,
    })
}

/// The query that a text is, where it is one.
fn parse(statement: &str) -> Option<Query> {
    let statements = Parser::parse_sql(&GenericDialect {}, statement).ok()?;
    match <[Statement; 1]>::try_from(statements) {
        Ok([Statement::Query(query)]) => Some(*query),
        _ => None,
    }
}

/// The names of `tables` that are read more than once.
fn read_often(tables: &[Cte], body: &Query) -> BTreeSet<String> {
    let read: Vec<String> = tables
        .iter()
        .flat_map(|table| relations(table.query.as_ref()))
        .chain(relations(body))
        .collect();
    tables
        .iter()
        .filter(|table| table.alias.columns.is_empty())
        .map(|table| normalized(&table.alias.name))
        .filter(|name| read.iter().filter(|read| *read == name).count() > 1)
        .collect()
}

/// `query` with those of `tables` that it reads, directly or through others.
fn with_needed(with: &With, tables: &[Cte], mut query: Query) -> Query {
    let mut needed: BTreeSet<String> = relations(&query).into_iter().collect();
    let mut kept = Vec::new();
    // A table reads only those before it.
    for table in tables.iter().rev() {
        if needed.contains(&normalized(&table.alias.name)) {
            needed.extend(relations(table.query.as_ref()));
            kept.push(table.clone());
        }
    }
    kept.reverse();
    if let Some(inner) = &mut query.with {
        kept.append(&mut inner.cte_tables);
    }
    query.with = (!kept.is_empty()).then(|| With {
        cte_tables: kept,
        ..with.clone()
    });
    query
}

/// The names of all tables that a part of a query reads, once for each time.
fn relations(part: &impl Visit) -> Vec<String> {
    let mut names = Vec::new();
    let _ = visit_relations(part, |ObjectName(parts)| {
        if let [ObjectNamePart::Identifier(name)] = parts.as_slice() {
            names.push(normalized(name));
        }
        ControlFlow::<()>::Continue(())
    });
    names
}

/// A name as the engine knows it.
fn normalized(name: &Ident) -> String {
    match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_lowercase(),
    }
}

/// The rows of a query; `None` where they are too many to be held.
async fn rows(
    session: &SessionContext,
    statement: &str,
    parameters: &[(String, ScalarValue)],
    held: &mut Share,
) -> Result<Option<(SchemaRef, Vec<RecordBatch>)>, DataFusionError> {
    let mut rows = plan_read_only(session, statement).await?;
    if !parameters.is_empty() {
        rows = rows.with_param_values(parameters.to_vec())?;
    }
    let mut stream = rows.execute_stream().await?;
    let schema = stream.schema();
    let before = held.bytes;
    let mut batches = Vec::new();
    while let Some(batch) = stream.try_next().await? {
        let bytes = batch.get_array_memory_size();
        if held.bytes - before + bytes > MAX_TABLE_BYTES || !held.take(bytes) {
            held.shrink_to(before);
            return Ok(None);
        }
        batches.push(batch);
    }
    Ok(Some((schema, batches)))
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;

    use super::*;

    const TWICE: &str = "
        WITH numbers AS (SELECT column1 AS number FROM source WHERE column1 <= $most),
        unread AS (SELECT 1),
        squares AS (SELECT n.number * m.number AS square FROM numbers AS n JOIN numbers AS m ON n.number = m.number),
        sums AS (SELECT SUM(square) AS total FROM squares)
        SELECT total + (SELECT COUNT(*) FROM squares) AS answer FROM sums";

    async fn session() -> SessionContext {
        let session = SessionContext::new();
        let source = session
            .sql("VALUES (1), (2), (3), (4)")
            .await
            .expect("rows");
        session
            .register_table("source", source.into_view())
            .expect("registered");
        session
    }

    async fn answer(session: &SessionContext, statement: &str) -> i64 {
        let rows = session.sql(statement).await.expect("a plan");
        let rows = rows.with_param_values(vec![("most", ScalarValue::from(3_i64))]);
        let rows = rows.expect("a value").collect().await.expect("an answer");
        rows[0].column(0).as_primitive::<Int64Type>().value(0)
    }

    async fn computed(statement: &str, session: &SessionContext) -> Option<Computed> {
        let parameters = [("most".to_owned(), ScalarValue::from(3_i64))];
        compute(statement, &["source".to_owned()], &parameters, session).await
    }

    #[tokio::test]
    async fn what_is_read_twice_is_computed_once_and_the_answer_is_the_same() {
        let own = session().await;
        let rest = computed(TWICE, &own).await.expect("read twice");
        assert_eq!(
            rest.statement,
            "WITH sums AS (SELECT SUM(square) AS total FROM squares) \
             SELECT total + (SELECT COUNT(*) FROM squares) AS answer FROM sums"
        );
        // 1 + 4 + 9, and three of them.
        assert_eq!(answer(&session().await, TWICE).await, 17);
        assert_eq!(answer(&own, &rest.statement).await, 17);
    }

    #[tokio::test]
    async fn tables_share_one_budget_and_give_it_back() {
        static ENOUGH: Budget = Budget::new(1 << 20);
        static NOTHING: Budget = Budget::new(1);
        let parameters = [("most".to_owned(), ScalarValue::from(3_i64))];
        let reads = ["source".to_owned()];
        let (one, other, third) = (session().await, session().await, session().await);
        let first = compute_within(&ENOUGH, TWICE, &reads, &parameters, &one).await;
        let first = first.expect("read twice");
        let held = ENOUGH.held.load(Ordering::Relaxed);
        assert!(held > 0);
        let second = compute_within(&ENOUGH, TWICE, &reads, &parameters, &other).await;
        assert_eq!(ENOUGH.held.load(Ordering::Relaxed), 2 * held);
        drop((first, second));
        assert_eq!(ENOUGH.held.load(Ordering::Relaxed), 0);
        // What cannot be held is computed where it is read; the answer is the same.
        let streamed = compute_within(&NOTHING, TWICE, &reads, &parameters, &third).await;
        let streamed = streamed.expect("read twice");
        assert_eq!(NOTHING.held.load(Ordering::Relaxed), 0);
        assert!(streamed.statement.starts_with("WITH numbers AS"));
        assert_eq!(answer(&third, &streamed.statement).await, 17);
    }

    #[tokio::test]
    async fn statements_that_gain_nothing_or_cannot_be_cut_are_run_as_they_are() {
        let once = "WITH numbers AS (SELECT * FROM source) SELECT COUNT(*) FROM numbers";
        let shadowing = "WITH source AS (SELECT * FROM source) SELECT * FROM source, source AS s";
        let recursive = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) \
                         SELECT COUNT(*) FROM n JOIN n AS m ON n.i = m.i";
        for statement in [once, shadowing, recursive, "SELECT", "DROP TABLE source"] {
            let rest = computed(statement, &session().await).await;
            assert!(rest.is_none(), "{statement}");
        }
        // An error is told of the statement as it was written.
        let wrong = "WITH w AS (SELECT missing FROM source) SELECT * FROM w, w AS v";
        assert!(computed(wrong, &session().await).await.is_none());
    }
}
