//! A call of a tool: arguments are checked, the application is found, the lake is asked list by list,
//! and the answer is fitted.

use datafusion::common::ScalarValue;
use futures::future::try_join_all;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value};

use super::applications::{KEYS, Place};
use super::apps;
use super::arguments::{Arguments, ToolError, scalar};
use super::compare::COMPARE;
use super::declare::{Kind, List, Role, Tool};
use super::engine::{Engine, Parameters, broken};
use super::reply::{Answered, Reply};
use super::rows::Row;
use super::tools::{QUERY, TOOLS};
use super::whatif::WHATIF;
use crate::analyze::ReportQuery;
use crate::ask::AskLake;
use crate::model::did_you_mean;

impl Engine {
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
        let page = apps::page_of(self.tool.name, &self.parameters);
        Ok(Reply {
            verdict: verdict.join(" "),
            lists,
            full: self.arguments.full,
            page,
        })
    }

    fn file(&self, list: &List) -> Result<&ReportQuery, ToolError> {
        let file = self.engine.catalog().mcp(list.query);
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
