//! `JOIN … USING` over more than two tables.
//!
//! The standard merges a USING column into one, which goes by its bare name. DataFusion knows that
//! for two tables only; from the third on the bare name is ambiguous to it. Here such joins are
//! written as `JOIN … ON`, and the bare name as the column that it stands for: the left one, the
//! right one in a right join, the first that is not NULL in a full join.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, ExcludeSelectItem, Expr, Ident, JoinConstraint, JoinOperator, ObjectName,
    Query, Select, SelectItem, SetExpr, TableFactor, TableWithJoins, VisitMut, VisitorMut,
    WildcardAdditionalOptions,
};

use super::sql_statement;

/// Fewest USING joins of one FROM item that DataFusion does not resolve.
const TOO_MANY: usize = 2;

/// The columns of each relation that was looked at, by the query that shows them; `None` where the
/// relation has no columns of its own, such as one that depends on the query around it.
pub(super) type Columns = BTreeMap<String, Option<Vec<String>>>;

/// Rewrites the joins of all queries in `statement`. `known` saves looking at a relation twice.
pub(super) async fn resolve(
    session: &SessionContext,
    statement: &mut Statement,
    known: &mut Columns,
) -> Result<(), DataFusionError> {
    let Some(sql) = sql_statement(statement) else {
        return Ok(());
    };
    let mut collect = Walk::new(Collect {
        wanted: BTreeSet::new(),
    });
    // The walk changes nothing this time.
    let _ = sql.visit(&mut collect);
    for probe in collect.task.wanted {
        if !known.contains_key(&probe) {
            // Against a relation that reads itself.
            known.insert(probe.clone(), None);
            let columns = Box::pin(columns(session, &probe, known)).await;
            known.insert(probe, columns);
        }
    }
    let mut rewrite = Walk::new(Rewrite { known });
    let _ = sql.visit(&mut rewrite);
    Ok(())
}

async fn columns(
    session: &SessionContext,
    probe: &str,
    known: &mut Columns,
) -> Option<Vec<String>> {
    let plan = super::plan(session, probe, known).await.ok()?;
    let fields = plan.schema().fields();
    Some(fields.iter().map(|field| field.name().clone()).collect())
}

/// What is done to each SELECT; `order_by` is the one that goes with it.
trait Task {
    fn select(&mut self, query: &mut Query, scope: &NameScope);
}

/// Goes through all queries, and knows which common table expressions each can name.
struct Walk<T> {
    task: T,
    scope: NameScope,
}

#[derive(Default)]
struct NameScope {
    frames: Vec<Frame>,
}

/// The common table expressions of one query, as they were written.
struct Frame {
    names: Vec<(String, String)>,
    /// How many of them the walk has passed: each can name those before it.
    passed: usize,
}

impl<T> Walk<T> {
    fn new(task: T) -> Self {
        Self {
            task,
            scope: NameScope::default(),
        }
    }
}

impl<T: Task> VisitorMut for Walk<T> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let with = query.with.iter().flat_map(|with| &with.cte_tables);
        self.scope.frames.push(Frame {
            names: with
                .map(|cte| (cte.alias.name.to_string(), cte.to_string()))
                .collect(),
            passed: 0,
        });
        // The query's own SELECT may name all of its expressions.
        let inner = self.scope.frames.last_mut();
        let count = inner.map_or(0, |frame| {
            std::mem::replace(&mut frame.passed, frame.names.len())
        });
        self.task.select(query, &self.scope);
        if let Some(frame) = self.scope.frames.last_mut() {
            frame.passed = count;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.scope.frames.pop();
        // The first queries inside a query are its common table expressions.
        if let Some(around) = self.scope.frames.last_mut() {
            around.passed = (around.passed + 1).min(around.names.len());
        }
        ControlFlow::Continue(())
    }
}

impl NameScope {
    /// A query that shows the columns of `relation`.
    fn probe(&self, relation: &TableFactor) -> String {
        let mut visible: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        let written = self
            .frames
            .iter()
            .flat_map(|frame| frame.names.iter().take(frame.passed));
        for (place, (name, text)) in written.enumerate() {
            visible.insert(name, (place, text));
        }
        let mut visible: Vec<(usize, &str)> = visible.into_values().collect();
        visible.sort_unstable();
        let with: Vec<&str> = visible.into_iter().map(|(_, text)| text).collect();
        match with.as_slice() {
            [] => format!("SELECT * FROM {relation}"),
            with => format!("WITH {} SELECT * FROM {relation}", with.join(", ")),
        }
    }
}

/// Finds the relations whose columns have to be known.
struct Collect {
    wanted: BTreeSet<String>,
}

impl Task for Collect {
    fn select(&mut self, query: &mut Query, scope: &NameScope) {
        for_each_select(&mut query.body, &mut |select| {
            for item in select.from.iter().filter(|item| is_unresolved(item)) {
                let relations = relations(item).map(|relation| scope.probe(relation));
                self.wanted.extend(relations);
            }
        });
    }
}

/// Rewrites the joins.
struct Rewrite<'k> {
    known: &'k Columns,
}

impl Task for Rewrite<'_> {
    fn select(&mut self, query: &mut Query, scope: &NameScope) {
        let known = self.known;
        if let SetExpr::Select(select) = query.body.as_mut() {
            let Some(merged) = rewrite_select(select, scope, known) else {
                return;
            };
            let aliases = aliases(select);
            let mut names = merged;
            names.retain(|name, _| !aliases.contains(name));
            let _ = query.order_by.visit(&mut Names::new(&names));
            return;
        }
        for_each_select(&mut query.body, &mut |select| {
            rewrite_select(select, scope, known);
        });
    }
}

/// The SELECTs of a query itself; those of queries inside it come with their queries.
fn for_each_select(body: &mut SetExpr, act: &mut impl FnMut(&mut Select)) {
    match body {
        SetExpr::Select(select) => act(select),
        SetExpr::SetOperation { left, right, .. } => {
            for_each_select(left, act);
            for_each_select(right, act);
        }
        _ => {}
    }
}

fn is_unresolved(item: &TableWithJoins) -> bool {
    let using = item.joins.iter().filter(|join| {
        constraint(&join.join_operator)
            .is_some_and(|constraint| matches!(constraint, JoinConstraint::Using(_)))
    });
    using.count() >= TOO_MANY
}

fn relations(item: &TableWithJoins) -> impl Iterator<Item = &TableFactor> {
    std::iter::once(&item.relation).chain(item.joins.iter().map(|join| &join.relation))
}

/// One relation of a FROM item.
struct Side {
    qualifier: Ident,
    columns: Vec<String>,
}

/// The merged columns by name, with what each stands for.
type Merged = BTreeMap<String, Expr>;

/// Rewrites one SELECT; `None` when there is nothing to do or a relation is not known.
fn rewrite_select(select: &mut Select, scope: &NameScope, known: &Columns) -> Option<Merged> {
    let mut all = Merged::new();
    let mut wildcard: Vec<SelectItem> = Vec::new();
    let mut rewritten = false;
    let mut from = select.from.clone();
    for item in &mut from {
        if is_unresolved(item) {
            let (sides, merged) = rewrite_joins(item, scope, known)?;
            wildcard.extend(expanded(&sides, &merged));
            all.extend(merged);
            rewritten = true;
        } else {
            for relation in relations(item) {
                wildcard.push(whole(&qualifier(relation)?));
            }
        }
    }
    if !rewritten {
        return None;
    }
    let mut projection = Vec::with_capacity(select.projection.len());
    for item in &select.projection {
        match item {
            SelectItem::Wildcard(options) => {
                projection.extend(without_excluded(&wildcard, options)?);
            }
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => {
                projection.push(match all.get(&normalized(name)) {
                    Some(value) => named(value.clone(), name.clone()),
                    None => item.clone(),
                });
            }
            other => projection.push(other.clone()),
        }
    }
    select.from = from;
    select.projection = projection;
    let _ = select.visit(&mut Names::new(&all));
    Some(all)
}

/// Rewrites the joins of one FROM item.
fn rewrite_joins(
    item: &mut TableWithJoins,
    scope: &NameScope,
    known: &Columns,
) -> Option<(Vec<Side>, Merged)> {
    let side = |relation: &TableFactor| {
        Some(Side {
            qualifier: qualifier(relation)?,
            columns: known.get(&scope.probe(relation))?.clone()?,
        })
    };
    let mut sides = vec![side(&item.relation)?];
    let mut merged = Merged::new();
    for join in &mut item.joins {
        let right = side(&join.relation)?;
        let kind = Kind::of(&join.join_operator)?;
        let constraint = constraint_mut(&mut join.join_operator)?;
        if let JoinConstraint::Using(names) = constraint {
            let mut conditions = Vec::with_capacity(names.len());
            for name in names.iter() {
                let name = only_part(name)?;
                let key = normalized(name);
                let left = match merged.get(&key) {
                    Some(value) => value.clone(),
                    None => owner(&sides, &key)?,
                };
                if !right.columns.contains(&key) {
                    return None;
                }
                let other = column(&right.qualifier, &key);
                conditions.push(equal(left.clone(), other.clone()));
                merged.insert(key, kind.merge(left, other));
            }
            let condition = conditions.into_iter().reduce(and)?;
            *constraint = JoinConstraint::On(condition);
        }
        if kind != Kind::LeftOnly {
            sides.push(right);
        }
    }
    Some((sides, merged))
}

/// Which side of a join a merged column comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Left,
    Right,
    Full,
    /// The right side cannot be seen.
    LeftOnly,
}

impl Kind {
    fn of(operator: &JoinOperator) -> Option<Self> {
        Some(match operator {
            JoinOperator::Join(_)
            | JoinOperator::Inner(_)
            | JoinOperator::Left(_)
            | JoinOperator::LeftOuter(_)
            | JoinOperator::CrossJoin(_) => Self::Left,
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => Self::Right,
            JoinOperator::FullOuter(_) => Self::Full,
            JoinOperator::LeftSemi(_) | JoinOperator::LeftAnti(_) => Self::LeftOnly,
            _ => return None,
        })
    }

    fn merge(self, left: Expr, right: Expr) -> Expr {
        match self {
            Self::Left | Self::LeftOnly => left,
            Self::Right => right,
            Self::Full => coalesce(left, right),
        }
    }
}

fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::LeftAnti(constraint) => Some(constraint),
        _ => None,
    }
}

fn constraint_mut(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::LeftAnti(constraint) => Some(constraint),
        _ => None,
    }
}

/// The one relation on the left that has the column.
fn owner(sides: &[Side], name: &str) -> Option<Expr> {
    let mut owners = sides
        .iter()
        .filter(|side| side.columns.iter().any(|column| column == name));
    match (owners.next(), owners.next()) {
        (Some(side), None) => Some(column(&side.qualifier, name)),
        _ => None,
    }
}

/// What `*` stands for: each merged column once, at its first place.
fn expanded(sides: &[Side], merged: &Merged) -> Vec<SelectItem> {
    let mut seen = BTreeSet::new();
    let mut items = Vec::new();
    for side in sides {
        for name in &side.columns {
            items.push(match merged.get(name) {
                Some(_) if !seen.insert(name) => continue,
                Some(value) => named(value.clone(), quoted(name)),
                None => SelectItem::UnnamedExpr(column(&side.qualifier, name)),
            });
        }
    }
    items
}

/// `items` without those that `* EXCEPT (…)` leaves out.
fn without_excluded(
    items: &[SelectItem],
    options: &WildcardAdditionalOptions,
) -> Option<Vec<SelectItem>> {
    if options.opt_ilike.is_some() || options.opt_replace.is_some() || options.opt_rename.is_some()
    {
        return None;
    }
    let mut excluded: BTreeSet<String> = BTreeSet::new();
    if let Some(except) = &options.opt_except {
        excluded.insert(normalized(&except.first_element));
        excluded.extend(except.additional_elements.iter().map(normalized));
    }
    match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => {
            excluded.insert(normalized(only_part(name)?));
        }
        Some(ExcludeSelectItem::Multiple(names)) => {
            for name in names {
                excluded.insert(normalized(only_part(name)?));
            }
        }
        None => {}
    }
    if !excluded.is_empty()
        && items
            .iter()
            .any(|item| matches!(item, SelectItem::QualifiedWildcard(..)))
    {
        return None;
    }
    let is_kept = |item: &&SelectItem| match item {
        SelectItem::ExprWithAlias { alias, .. } => !excluded.contains(&alias.value),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => !parts
            .last()
            .is_some_and(|name| excluded.contains(&name.value)),
        _ => true,
    };
    Some(items.iter().filter(is_kept).cloned().collect())
}

/// Puts what merged columns stand for in the place of their bare names, outside of subqueries:
/// there a bare name means a column of the subquery first.
struct Names<'m> {
    merged: &'m Merged,
    depth: usize,
}

impl<'m> Names<'m> {
    fn new(merged: &'m Merged) -> Self {
        Self { merged, depth: 0 }
    }
}

impl VisitorMut for Names<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let Expr::Identifier(name) = expr
            && let Some(value) = self.merged.get(&normalized(name))
        {
            *expr = value.clone();
        }
        ControlFlow::Continue(())
    }
}

/// The names that the SELECT list gives to something else than a merged column.
fn aliases(select: &Select) -> BTreeSet<String> {
    select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(normalized(alias)),
            _ => None,
        })
        .collect()
}

/// The name that a query calls a relation by.
fn qualifier(relation: &TableFactor) -> Option<Ident> {
    match relation {
        TableFactor::Table {
            alias: Some(alias), ..
        }
        | TableFactor::Derived {
            alias: Some(alias), ..
        } => Some(alias.name.clone()),
        TableFactor::Table { name, .. } => name.0.last()?.as_ident().cloned(),
        _ => None,
    }
}

fn only_part(name: &ObjectName) -> Option<&Ident> {
    match name.0.as_slice() {
        [part] => part.as_ident(),
        _ => None,
    }
}

fn normalized(name: &Ident) -> String {
    match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_lowercase(),
    }
}

fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

fn column(qualifier: &Ident, name: &str) -> Expr {
    Expr::CompoundIdentifier(vec![qualifier.clone(), quoted(name)])
}

fn whole(qualifier: &Ident) -> SelectItem {
    use datafusion::sql::sqlparser::ast::SelectItemQualifiedWildcardKind::ObjectName as Kind;
    let name = ObjectName::from(vec![qualifier.clone()]);
    SelectItem::QualifiedWildcard(Kind(name), WildcardAdditionalOptions::default())
}

/// `value AS name`, or the column itself where that is its name already.
fn named(value: Expr, name: Ident) -> SelectItem {
    match value {
        Expr::CompoundIdentifier(_) => SelectItem::UnnamedExpr(value),
        expr => SelectItem::ExprWithAlias { expr, alias: name },
    }
}

fn equal(left: Expr, right: Expr) -> Expr {
    binary(left, BinaryOperator::Eq, right)
}

fn and(left: Expr, right: Expr) -> Expr {
    binary(left, BinaryOperator::And, right)
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    }
}

fn coalesce(left: Expr, right: Expr) -> Expr {
    super::call("coalesce", vec![left, right])
}
