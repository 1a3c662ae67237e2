//! A call of a tool: arguments are checked, the application is found, the lake is asked list by list,
//! and the answer is fitted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use datafusion::common::ScalarValue;
use futures::future::try_join_all;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::applications::{KEYS, Place};
use super::arguments::{Arguments, ToolError, scalar};
use super::compare::COMPARE;
use super::declare::{Kind, List, Role, Tool};
use super::live::{LiveApplications, LiveSource, MakeAsk};
use super::reply::{Answered, Reply};
use super::rows::{self, Row};
use super::tools::{QUERY, TOOLS};
use super::whatif::WHATIF;
use crate::analyze::{AnalyzeError, Catalog, ReportQuery};
use crate::ask::{AskError, AskLake, AskOptions, LoadViews, QueryLimits};
use crate::load::Lake;
use crate::model::did_you_mean;

/// Most bytes of rows in memory that one list may bring.
const MAX_LIST_BYTES: usize = 16 << 20;
/// Most calls that are answered at the same time; others wait for their turn.
const MAX_CALLS: usize = 4;
/// Most bytes that queries may spill to disk.
const MAX_SPILL_BYTES: u64 = 4 << 30;

/// What the tools work with.
pub struct McpOptions {
    /// The lake; without one only live applications can be asked.
    pub lake: Option<Lake>,
    /// The rules as they are run, with the queries of the tools.
    pub catalog: Catalog,
    /// Where applications are fetched from that are not in the lake.
    pub live: Option<Arc<dyn LiveSource>>,
    /// Memory in bytes by which a query may make the process grow.
    pub memory_bytes: usize,
    /// Longest time that one query may take.
    pub timeout: Duration,
}

impl McpOptions {
    /// Memory of a query unless set: 1 GiB.
    pub const DEFAULT_MEMORY_BYTES: usize = 1 << 30;
    /// Time of a query unless set: a minute, about as long as clients wait for a tool.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
}

/// Everything that answers calls.
pub(super) struct Engine {
    catalog: Arc<Catalog>,
    lake: Option<Arc<AskLake>>,
    live: Option<LiveApplications>,
    timeout: Duration,
    /// Turns of calls.
    turns: Semaphore,
    /// The one turn of what may take as much memory as it is allowed: SQL of a client, predictions. What a
    /// query may take is measured by how the process grows, so two of them would be taken for one another.
    heavy: Semaphore,
}

type Parameters = BTreeMap<String, ScalarValue>;

impl Engine {
    /// # Errors
    /// The query engine cannot be set up.
    pub(super) fn new(options: McpOptions) -> Result<Self, AskError> {
        let catalog = Arc::new(options.catalog);
        let make_ask = make_ask(Arc::clone(&catalog), options.memory_bytes);
        let lake = options.lake.as_ref().map(&make_ask).transpose()?;
        let live = options
            .live
            .map(|source| LiveApplications::new(source, make_ask));
        Ok(Self {
            catalog,
            lake: lake.map(Arc::new),
            live,
            timeout: options.timeout,
            turns: Semaphore::new(MAX_CALLS),
            heavy: Semaphore::new(1),
        })
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(super) fn lake(&self) -> Option<&Arc<AskLake>> {
        self.lake.as_ref()
    }

    pub(super) fn live(&self) -> Option<&LiveApplications> {
        self.live.as_ref()
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The turn of what may take much memory.
    pub(super) async fn heavy_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.heavy.acquire().await.ok()
    }

    /// The answer of a tool. What goes wrong is an answer too, which says what to do; `None` where there is
    /// no such tool.
    pub(super) async fn call(
        &self,
        name: &str,
        arguments: Option<&Map<String, Value>>,
    ) -> Option<CallToolResult> {
        // It is never closed.
        let _turn = self.turns.acquire().await.ok();
        let answer = if name == QUERY.name {
            self.query(arguments).await
        } else if name == COMPARE.name {
            self.compare(arguments).await.map(Reply::fitted)
        } else if name == WHATIF.name {
            self.whatif(arguments).await.map(Reply::fitted)
        } else {
            let tool = TOOLS.iter().find(|tool| tool.name == name)?;
            self.answer(tool, arguments).await.map(Reply::fitted)
        };
        Some(answer.unwrap_or_else(|error| {
            tracing::debug!(tool = name, %error, "a call gave no answer");
            CallToolResult::error(vec![ContentBlock::text(error.to_string())])
        }))
    }

    async fn answer(
        &self,
        tool: &'static Tool,
        given: Option<&Map<String, Value>>,
    ) -> Result<Reply, ToolError> {
        let arguments = Arguments::parse(tool, given)?;
        let mut call = Call {
            engine: self,
            tool,
            parameters: arguments.parameters(tool),
            arguments,
            place: None,
            remarks: Vec::new(),
        };
        call.find_subjects().await?;
        call.check()?;
        call.reply().await
    }

    /// The rows of a file of `sql/mcp`; it takes those of `parameters` that it declares.
    ///
    /// # Errors
    /// The query fails.
    pub(super) async fn rows(
        &self,
        ask: &AskLake,
        query: &str,
        parameters: &Parameters,
    ) -> Result<Vec<Row>, ToolError> {
        let query = &self
            .catalog
            .mcp(query)
            .map_err(|error| broken(&error))?
            .query;
        let given = query.parameters.iter().map(|known| {
            let value = parameters.get(&known.name).cloned();
            (
                known.name.as_str(),
                value.unwrap_or_else(|| known.scalar_value()),
            )
        });
        let given: Vec<(&str, ScalarValue)> = given.collect();
        let limits = QueryLimits {
            max_rows: None,
            max_bytes: Some(MAX_LIST_BYTES),
            timeout: Some(self.timeout),
        };
        let mut answer = ask.query(&query.statement, &given, &limits).await;
        if matches!(answer, Err(AskError::TooMuchMemory { .. })) {
            // Another query may have made the process grow: once more, without one.
            let _alone = self.heavy_turn().await;
            answer = ask.query(&query.statement, &given, &limits).await;
        }
        let batch = answer.and_then(crate::ask::Answer::into_batch);
        let batch = batch.map_err(|error| ToolError::new(error.to_string()))?;
        rows::rows(&batch).map_err(|error| ToolError::new(error.to_string()))
    }
}

/// A catalog without one of the files that come with the program.
fn broken(error: &AnalyzeError) -> ToolError {
    ToolError::new(error.to_string())
}

fn make_ask(catalog: Arc<Catalog>, memory_bytes: usize) -> MakeAsk {
    Box::new(move |lake: &Lake| {
        let catalog = Arc::clone(&catalog);
        let views: LoadViews = Box::new(move || Ok(catalog.shared_views()?));
        let options = AskOptions {
            memory_bytes,
            max_spill_bytes: MAX_SPILL_BYTES,
            views,
            ..AskOptions::default()
        };
        AskLake::new(lake, options)
    })
}

/// One call while it is answered.
struct Call<'c> {
    engine: &'c Engine,
    tool: &'static Tool,
    arguments: Arguments,
    parameters: Parameters,
    /// Where the application is; `None` where the whole lake is asked.
    place: Option<Place>,
    remarks: Vec<String>,
}

impl Call<'_> {
    /// Finds the application or job that the arguments name.
    async fn find_subjects(&mut self) -> Result<(), ToolError> {
        for argument in self.tool.arguments {
            if !matches!(argument.kind, Kind::Application | Kind::Job) {
                continue;
            }
            let Some(wanted) = self.arguments.text(argument.name) else {
                continue;
            };
            let found = self.engine.application(&wanted).await?;
            if argument.kind == Kind::Job {
                let job = found.key("job_key").unwrap_or(&wanted);
                self.parameters
                    .insert("job_key".to_owned(), ScalarValue::from(job));
            } else {
                self.remarks.extend(found.remark(&wanted));
                for key in KEYS {
                    let value = ScalarValue::from(found.key(key).unwrap_or_default());
                    self.parameters.insert(key.to_owned(), value);
                }
            }
            self.place = Some(found.place);
        }
        Ok(())
    }

    /// What no single argument can tell.
    fn check(&self) -> Result<(), ToolError> {
        if self.lists().next().is_some() {
            return Ok(());
        }
        Err(ToolError::new(
            "give `stage_id` or `sql_id`; `slowest` lists both",
        ))
    }

    fn lists(&self) -> impl Iterator<Item = &'static List> {
        // Lists without a condition of their own come with any that has one.
        let given = |name: &str| self.arguments.text(name);
        let full = self.arguments.full;
        let lists: Vec<&List> = self
            .tool
            .lists
            .iter()
            .filter(|list| list.applies(&given, full))
            .collect();
        let leads = |list: &&List| matches!(list.role, Role::Paged | Role::Subject);
        let has_lead = lists.iter().any(leads);
        lists.into_iter().filter(move |_| has_lead)
    }

    fn ask(&self) -> Result<&AskLake, ToolError> {
        match (&self.place, self.engine.lake()) {
            (Some(place), _) => Ok(place.ask()),
            (None, Some(lake)) => Ok(lake),
            (None, None) => Err(ToolError::new(
                "this server was started without a lake (--lake), so only single applications can be asked for: give \
                 the id of one, or the path of its log",
            )),
        }
    }

    async fn reply(mut self) -> Result<Reply, ToolError> {
        let (binding, shown): (Vec<&List>, Vec<&List>) =
            self.lists().partition(|list| list.role == Role::Binds);
        for list in binding {
            let rows = self.rows(list).await?;
            for (name, value) in rows.into_iter().next().into_iter().flatten() {
                self.parameters.insert(name, scalar(&value));
            }
        }
        let answers = try_join_all(shown.iter().map(|list| self.rows(list))).await?;
        let mut subject = Vec::new();
        let mut others = Vec::new();
        let mut lists = Vec::new();
        for (list, rows) in shown.into_iter().zip(answers) {
            let query = self.file(list)?;
            let sentences = match list.role {
                Role::Subject => &mut subject,
                _ => &mut others,
            };
            sentences.extend(query.sentence(rows.first()));
            lists.push(self.shown(list, query.title.clone(), rows));
        }
        // The sentence about the subject says it all; that of a list stands where there is none.
        let mut verdict = if subject.is_empty() { others } else { subject };
        verdict.append(&mut self.remarks);
        if verdict.is_empty() {
            verdict.push("There is nothing to show.".to_owned());
        }
        Ok(Reply {
            verdict: verdict.join(" "),
            lists,
            full: self.arguments.full,
        })
    }

    fn file(&self, list: &List) -> Result<&ReportQuery, ToolError> {
        let file = self.engine.catalog.mcp(list.query);
        file.map_err(|error| broken(&error))
    }

    /// The rows of a list.
    async fn rows(&self, list: &List) -> Result<Vec<Row>, ToolError> {
        let rows = self
            .engine
            .rows(self.ask()?, list.query, &self.parameters)
            .await?;
        let is_needed = matches!(list.role, Role::Binds | Role::Subject);
        match self.file(list)?.sentence(None) {
            Some(sentence) if is_needed && rows.is_empty() => Err(self.nothing(list, sentence)),
            _ => Ok(rows),
        }
    }

    /// What is said where the subject itself is not there.
    fn nothing(&self, list: &List, sentence: String) -> ToolError {
        let subject = ["sql_id", "stage_id"];
        let wanted = subject
            .iter()
            .find_map(|name| Some((name, self.arguments.whole(name)?)));
        match wanted {
            Some((name, id)) if list.name != "together" => {
                ToolError::new(format!("{name} {id}: {sentence}"))
            }
            _ => ToolError::new(sentence),
        }
    }

    /// The rows with the columns that are shown.
    fn shown(&self, list: &List, title: String, rows: Vec<Row>) -> Answered {
        let total = rows
            .first()
            .and_then(|row| row.get("total_rows"))
            .and_then(Value::as_u64);
        Answered {
            name: list.name,
            title,
            rows: list.only_shown(rows, self.arguments.full),
            total,
            offset: (list.role == Role::Paged)
                .then(|| u64::try_from(self.arguments.offset).unwrap_or(0)),
        }
    }
}

/// All tools, in the order in which they are listed.
pub(super) fn declared() -> impl Iterator<Item = &'static Tool> + Clone {
    TOOLS.iter().chain([&COMPARE, &WHATIF, &QUERY])
}

/// The error about a tool that there is not.
pub(super) fn no_such_tool(name: &str) -> String {
    let names = declared().map(|tool| tool.name);
    format!("there is no tool `{name}`; {}", did_you_mean(name, names))
}
