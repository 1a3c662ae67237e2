//! What one `.sql` file says: a rule, a derived table, a view that several of them share, or an
//! example question.

use std::collections::{BTreeSet, VecDeque};

use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use serde::Serialize;

use super::advice::{self, Advice};
use super::error::CatalogError;
use super::function::Function;
use super::header::{Field, Header};
use super::parameters::{self, Parameter};
use super::placeholders;
use super::table_scope::TableScope;
use super::template::Template;
use super::view_contract::ViewContract;
use crate::model::SettingValue;
use crate::model::did_you_mean;

/// The values that `findings.severity` can take, worst first.
pub const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];

/// What a finding can be about.
const SUBJECTS: [&str; 7] = [
    "application",
    "job",
    "stage",
    "sql",
    "node",
    "executor",
    "cluster",
];

/// A SQL text with the parameters and tables that it uses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Query {
    /// Where the text is from; built-in files begin with `sql/`.
    pub file: String,
    /// The whole text of the file, header included.
    pub sql: String,
    /// What is run: the text, for a rule with a column for each line of advice around it.
    pub statement: String,
    /// Its thresholds.
    pub parameters: Vec<Parameter>,
    /// Tables and views that it reads, sorted.
    pub reads: Vec<String>,
}

impl Query {
    /// Gives one parameter another value; the error says what was wrong and what to do.
    pub(super) fn set(&mut self, name: &str, value: &SettingValue) -> Result<(), (String, String)> {
        let known: Vec<String> = self
            .parameters
            .iter()
            .map(|known| known.name.clone())
            .collect();
        match self
            .parameters
            .iter_mut()
            .find(|parameter| parameter.name == name)
        {
            Some(parameter) => parameter.replace(value).map_err(|problem| {
                (
                    problem,
                    "give a value that fits; `sparklake explain` shows the defaults".to_owned(),
                )
            }),
            None => Err((
                format!("there is no parameter `{name}`"),
                did_you_mean(name, known.iter().map(String::as_str)),
            )),
        }
    }

    /// What is run without its header, with the parameters' values in their places: a text that other
    /// engines take as it is.
    pub fn standalone_sql(&self) -> String {
        let value = |name: &str| {
            let parameter = self.parameters.iter().find(|known| known.name == name)?;
            Some(parameters::literal(&parameter.value))
        };
        placeholders::to_literals(without_header(&self.statement), value)
    }

    /// Whether it selects all columns of something, whatever these are.
    pub(super) fn has_wildcard(&self) -> bool {
        self.sql.match_indices('*').any(|(place, _)| {
            let before = self.sql.get(..place).unwrap_or_default().trim_end();
            let word = before
                .rsplit(char::is_whitespace)
                .next()
                .unwrap_or_default();
            let is_keyword = ["SELECT", "DISTINCT", "ALL"]
                .iter()
                .any(|keyword| word.eq_ignore_ascii_case(keyword));
            is_keyword || before.ends_with(['.', ','])
        })
    }

    /// What is run, as Spark SQL takes it (`:name` for parameters).
    pub fn spark_sql(&self) -> String {
        placeholders::to_spark(&self.statement)
    }
}

/// The SQL below the comments at its head.
pub(crate) fn without_header(sql: &str) -> &str {
    let mut rest = sql.trim();
    while rest.starts_with("--") {
        rest = rest
            .split_once('\n')
            .map_or("", |(_, below)| below.trim_start());
    }
    rest
}

/// An efficiency rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// Unique name, equal to the file's.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// The kind of waste, equal to the folder's name.
    pub category: String,
    /// Severity of a finding whose query does not say it and that has lost core time to judge by
    /// neither.
    pub severity: String,
    /// Grows when the rule's answers change.
    pub version: i64,
    /// What the rule looks for and how it counts.
    pub description: String,
    /// What its findings are about, where the query does not say it.
    pub subject: String,
    /// A column: rows of one application that agree in it are told once.
    pub group_by: Option<String>,
    /// The sentence that tells the numbers of a finding, where the query does not give it.
    pub evidence: Option<Template>,
    /// What to do, by condition.
    pub advice: Vec<Advice>,
    /// What to do where no advice holds.
    pub recommendation: String,
    /// The setting that fixes it, where neither advice nor query names one.
    pub config_key: Option<String>,
    /// The query that yields findings.
    pub query: Query,
}

/// A derived table, or a view that rules and tables share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Relation {
    /// The table's or view's name, equal to the file's.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// What it holds and how it is counted.
    pub description: String,
    /// Which applications it looks at together; views follow their readers.
    pub scope: TableScope,
    /// What a consumer view says about its rows and columns; `None` for all others.
    pub contract: Option<ViewContract>,
    /// The query that makes its rows.
    pub query: Query,
}

/// A query that reports, dashboards and tools show, with the sentence that sums its answer up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReportQuery {
    /// Unique name, equal to the file's.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// What it lists and in which order.
    pub description: String,
    /// The sentence over its first row.
    pub verdict: Option<Template>,
    /// What is said where it has no row.
    pub empty: Option<String>,
    /// The query.
    pub query: Query,
}

impl ReportQuery {
    /// The sentence about an answer that begins with `first`; `None` where the file has none for it.
    pub fn sentence(
        &self,
        first: Option<&serde_json::Map<String, serde_json::Value>>,
    ) -> Option<String> {
        match first {
            Some(row) => Some(self.verdict.as_ref()?.render(row)),
            None => self.empty.clone(),
        }
    }

    /// The columns that its sentence names.
    pub fn verdict_columns(&self) -> Vec<&str> {
        self.verdict
            .as_ref()
            .map(Template::columns)
            .unwrap_or_default()
    }
}

/// An example question with the query that answers it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Question {
    /// Unique name, equal to the file's.
    pub id: String,
    /// A short title.
    pub title: String,
    /// The question as a user would ask it.
    pub question: String,
    /// The query that answers it.
    pub query: Query,
}

/// A `.sql` file before it is understood.
#[derive(Debug, Clone, Copy)]
pub(super) struct SourceText<'a> {
    /// The file as the user knows it.
    pub file: &'a str,
    /// File name without `.sql`.
    pub stem: &'a str,
    /// Name of the folder it lies in.
    pub folder: &'a str,
    pub text: &'a str,
}

impl SourceText<'_> {
    pub(super) fn rule(self) -> Result<Rule, CatalogError> {
        let mut header = Header::parse(self.file, self.text)?;
        let advice = self.advice(&mut header)?;
        let statement = advice::statement(self.text, &advice);
        let rule = Rule {
            id: self.id(&mut header)?,
            title: header.required("title")?.value,
            category: self.category(&mut header)?,
            severity: self.severity(&mut header)?,
            version: self.version(&mut header)?,
            description: header.required("description")?.value,
            subject: self.subject(&mut header)?,
            group_by: header.optional("group_by")?.map(|field| field.value),
            evidence: self.evidence(&mut header)?,
            recommendation: self.recommendation(&mut header)?,
            config_key: header.optional("config_key")?.map(|field| field.value),
            query: self.query(&mut header, statement)?,
            advice,
        };
        header.finish()?;
        Ok(rule)
    }

    pub(super) fn relation(self) -> Result<Relation, CatalogError> {
        let mut header = Header::parse(self.file, self.text)?;
        let scope = if self.folder == "tables" {
            TableScope::parse(self.file, self.stem, header.optional("scope")?)?
        } else {
            TableScope::default()
        };
        let contract = match self.folder {
            "views" => ViewContract::parse(self.file, &mut header)?,
            _ => None,
        };
        let relation = Relation {
            id: self.id(&mut header)?,
            title: header.required("title")?.value,
            description: header.required("description")?.value,
            scope,
            contract,
            query: self.query(&mut header, self.text.to_owned())?,
        };
        header.finish()?;
        Ok(relation)
    }

    pub(super) fn report_query(self) -> Result<ReportQuery, CatalogError> {
        let mut header = Header::parse(self.file, self.text)?;
        let verdict = header.optional("verdict")?.map(|field| {
            Template::parse(&field.value).map_err(|problem| {
                let cure = "see the table of placeholders in sql/README.md";
                CatalogError::new(self.file, field.line, problem, cure)
            })
        });
        let query = ReportQuery {
            id: self.id(&mut header)?,
            title: header.required("title")?.value,
            description: header.required("description")?.value,
            verdict: verdict.transpose()?,
            empty: header.optional("empty")?.map(|field| field.value),
            query: self.query(&mut header, self.text.to_owned())?,
        };
        header.finish()?;
        Ok(query)
    }

    pub(super) fn question(self) -> Result<Question, CatalogError> {
        let mut header = Header::parse(self.file, self.text)?;
        let question = Question {
            id: self.id(&mut header)?,
            title: header.required("title")?.value,
            question: header.required("question")?.value,
            query: self.query(&mut header, self.text.to_owned())?,
        };
        header.finish()?;
        Ok(question)
    }

    pub(super) fn function(self) -> Result<Function, CatalogError> {
        let mut header = Header::parse(self.file, self.text)?;
        let function = Function {
            id: self.id(&mut header)?,
            title: header.required("title")?.value,
            description: header.required("description")?.value,
            returns: header.required("returns")?.value,
            query: self.query(&mut header, self.text.to_owned())?,
        };
        header.finish()?;
        Ok(function)
    }

    fn id(self, header: &mut Header<'_>) -> Result<String, CatalogError> {
        self.equal_to(header.required("id")?, self.stem, "the file's name")
    }

    fn category(self, header: &mut Header<'_>) -> Result<String, CatalogError> {
        self.equal_to(
            header.required("category")?,
            self.folder,
            "the folder's name",
        )
    }

    /// A plain text: only lines of advice know the numbers of a finding.
    fn recommendation(self, header: &mut Header<'_>) -> Result<String, CatalogError> {
        let field = header.required("recommendation")?;
        if field.value.contains('{') {
            return Err(CatalogError::new(
                self.file,
                field.line,
                "`recommendation` has a `{`, but it is no template",
                "write it as the last advice, `-- advice: TRUE | - | - | …`",
            ));
        }
        Ok(field.value)
    }

    fn equal_to(self, field: Field, name: &str, which: &str) -> Result<String, CatalogError> {
        if field.value == name {
            return Ok(field.value);
        }
        Err(CatalogError::new(
            self.file,
            field.line,
            format!(
                "`{}` is `{}` but {which} is `{name}`",
                field.key, field.value
            ),
            "make them equal",
        ))
    }

    fn severity(self, header: &mut Header<'_>) -> Result<String, CatalogError> {
        let field = header.required("severity")?;
        if SEVERITIES.contains(&field.value.as_str()) {
            return Ok(field.value);
        }
        Err(CatalogError::new(
            self.file,
            field.line,
            format!("`{}` is not a severity", field.value),
            did_you_mean(&field.value, SEVERITIES),
        ))
    }

    fn subject(self, header: &mut Header<'_>) -> Result<String, CatalogError> {
        let Some(field) = header.optional("subject")? else {
            return Ok("application".to_owned());
        };
        if SUBJECTS.contains(&field.value.as_str()) {
            return Ok(field.value);
        }
        Err(CatalogError::new(
            self.file,
            field.line,
            format!("`{}` is no subject of a finding", field.value),
            did_you_mean(&field.value, SUBJECTS),
        ))
    }

    fn evidence(self, header: &mut Header<'_>) -> Result<Option<Template>, CatalogError> {
        let Some(field) = header.optional("evidence")? else {
            return Ok(None);
        };
        let template = Template::parse(&field.value).map_err(|problem| {
            CatalogError::new(self.file, field.line, problem, "correct the evidence")
        })?;
        Ok(Some(template))
    }

    fn advice(self, header: &mut Header<'_>) -> Result<Vec<Advice>, CatalogError> {
        let mut table = Vec::new();
        for field in header.repeated("advice") {
            let line = Advice::parse(self.file, &field)?;
            let value = line.recommended.as_deref().unwrap_or("NULL");
            parse_one(&format!("SELECT ({}), {value}", line.condition)).map_err(|error| {
                let problem = format!("the advice is no SQL: {error}");
                CatalogError::new(self.file, field.line, problem, "correct the SQL")
            })?;
            table.push(line);
        }
        Ok(table)
    }

    fn version(self, header: &mut Header<'_>) -> Result<i64, CatalogError> {
        let field = header.required("version")?;
        field
            .value
            .parse()
            .ok()
            .filter(|version| *version > 0)
            .ok_or_else(|| {
                CatalogError::new(
                    self.file,
                    field.line,
                    format!("`{}` is not a version", field.value),
                    "give a whole number from 1 on",
                )
            })
    }

    fn query(self, header: &mut Header<'_>, statement: String) -> Result<Query, CatalogError> {
        let parameters = self.parameters(header, &statement)?;
        let reads = tables_read(self.file, self.text)?;
        if let Some(declared) = header.optional("reads")? {
            self.check_reads(&declared, &reads)?;
        }
        Ok(Query {
            file: self.file.to_owned(),
            sql: self.text.to_owned(),
            statement,
            parameters,
            reads,
        })
    }

    fn parameters(
        self,
        header: &mut Header<'_>,
        statement: &str,
    ) -> Result<Vec<Parameter>, CatalogError> {
        let used = placeholders::find(statement);
        let mut parameters: Vec<Parameter> = Vec::new();
        for field in header.repeated("parameter") {
            let parameter = Parameter::parse(self.file, &field)?;
            let problem = if parameters.iter().any(|other| other.name == parameter.name) {
                Some("is declared twice")
            } else if !used.iter().any(|found| found.name == parameter.name) {
                Some("is declared, but the query does not use it")
            } else {
                None
            };
            if let Some(problem) = problem {
                let problem = format!("parameter `{}` {problem}", parameter.name);
                let cure = "take the line out, or use it in the query";
                return Err(CatalogError::new(self.file, field.line, problem, cure));
            }
            parameters.push(parameter);
        }
        let unknown = used.iter().find(|found| {
            !parameters
                .iter()
                .any(|parameter| parameter.name == found.name)
        });
        match unknown {
            None => Ok(parameters),
            Some(found) => Err(CatalogError::new(
                self.file,
                line_of(
                    self.text,
                    self.text.find(&format!("${}", found.name)).unwrap_or(0),
                ),
                format!("`${}` is not declared", found.name),
                did_you_mean(
                    found.name,
                    parameters.iter().map(|known| known.name.as_str()),
                ),
            )),
        }
    }

    /// The header's list is for readers; it must not lie.
    fn check_reads(self, declared: &Field, reads: &[String]) -> Result<(), CatalogError> {
        let named: BTreeSet<&str> = declared.value.split(',').map(str::trim).collect();
        if named == reads.iter().map(String::as_str).collect() {
            return Ok(());
        }
        Err(CatalogError::new(
            self.file,
            declared.line,
            format!(
                "`reads` says {} but the query reads {}",
                declared.value,
                reads.join(", ")
            ),
            format!("write `-- reads: {}`", reads.join(", ")),
        ))
    }
}

/// The tables that a text with exactly one statement reads, its own common table expressions left out.
fn tables_read(file: &str, sql: &str) -> Result<Vec<String>, CatalogError> {
    let statements = parse(sql).map_err(|error| syntax_error(file, sql, &error.to_string()))?;
    let mut statements = statements.into_iter();
    let (Some(statement), None) = (statements.next(), statements.next()) else {
        return Err(CatalogError::new(
            file,
            1,
            "the file does not hold exactly one statement",
            "put each query into a file of its own",
        ));
    };
    let (tables, _) = resolve_table_references(&statement, true)
        .map_err(|error| syntax_error(file, sql, &error.to_string()))?;
    let names: BTreeSet<String> = tables
        .iter()
        .map(|table| table.table().to_owned())
        .collect();
    Ok(names.into_iter().collect())
}

fn parse(sql: &str) -> Result<VecDeque<Statement>, DataFusionError> {
    DFParserBuilder::new(sql)
        .with_dialect(&GenericDialect {})
        .build()
        .and_then(|mut parser| parser.parse_statements())
}

fn parse_one(sql: &str) -> Result<(), String> {
    match parse(sql) {
        Ok(statements) if statements.len() == 1 => Ok(()),
        Ok(_) => Err("it holds more than an expression".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The parser ends its message with `at Line: 12, Column: 3`, unless the text ended too early.
fn syntax_error(file: &str, sql: &str, message: &str) -> CatalogError {
    let line = message
        .split_once("Line: ")
        .and_then(|(_, rest)| rest.split(',').next())
        .and_then(|number| number.trim().parse().ok())
        .unwrap_or_else(|| line_of(sql, sql.trim_end().len()));
    CatalogError::new(file, line, message.to_owned(), "correct the SQL")
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "\
-- id: slow
-- title: Slow stages
-- category: speed
-- severity: medium
-- version: 2
-- description: Stages that take long.
-- parameter: min_ms bigint = 1000 [ms] shortest stage that counts
-- reads: stages
-- subject: stage
-- evidence: It took {duration_ms:s}.
-- advice: duration_ms > 2000 | spark.x | 'y' | Make them very fast.
-- recommendation: Make them fast.
WITH long_stages AS (SELECT * FROM stages WHERE duration_ms >= $min_ms)
SELECT * FROM long_stages
";

    fn source(text: &str) -> SourceText<'_> {
        SourceText {
            file: "rules/speed/slow.sql",
            stem: "slow",
            folder: "speed",
            text,
        }
    }

    fn refused(text: &str) -> String {
        source(text).rule().expect_err("refused").to_string()
    }

    #[test]
    fn a_rule_is_read_with_its_parameters_and_tables() {
        let rule = source(RULE).rule().expect("valid");
        assert_eq!((rule.id.as_str(), rule.version), ("slow", 2));
        assert_eq!(rule.query.reads, ["stages"]);
        assert_eq!(rule.query.parameters.len(), 1);
        assert_eq!((rule.config_key, rule.advice.len()), (None, 1));
        assert!(rule.query.statement.contains("AS advice_1_value"));
    }

    #[test]
    fn faults_name_file_line_and_cure() {
        let cases = [
            (
                "severity: medium",
                "severity: mediun",
                ":4: `mediun` is not a severity; did you mean `medium`?",
            ),
            (
                "id: slow",
                "id: fast",
                ":1: `id` is `fast` but the file's name is `slow`; make them equal",
            ),
            (
                "version: 2",
                "version: two",
                ":5: `two` is not a version; give a whole number from 1 on",
            ),
            (
                ">= $min_ms",
                ">= $min_sm",
                ":7: parameter `min_ms` is declared, but the query does not use it; take the line out, or use it in the query",
            ),
            (
                ">= $min_ms",
                ">= $min_ms + $max_ms",
                ":13: `$max_ms` is not declared; did you mean `min_ms`?",
            ),
            (
                "reads: stages",
                "reads: tasks",
                ":8: `reads` says tasks but the query reads stages; write `-- reads: stages`",
            ),
        ];
        let cases = cases.into_iter().chain([
            (
                "subject: stage",
                "subject: stages",
                ":9: `stages` is no subject of a finding; did you mean `stage`?",
            ),
            (
                "recommendation: Make them fast.",
                "recommendation: Make all {num_stages:int} fast.",
                ":12: `recommendation` has a `{`, but it is no template; write it as the last advice, `-- advice: TRUE | - | - | …`",
            ),
            (
                "{duration_ms:s}.",
                "{duration_ms:s.",
                ":10: a `{` is never closed by `}`; correct the evidence",
            ),
        ]);
        for (right, wrong, message) in cases {
            assert_eq!(
                refused(&RULE.replace(right, wrong)),
                format!("rules/speed/slow.sql{message}")
            );
        }
    }

    #[test]
    fn a_syntax_error_names_its_line() {
        for wrong in ["SELECT * FORM long_stages", "SELECT * FROM ("] {
            let error = source(&RULE.replace("SELECT * FROM long_stages", wrong))
                .rule()
                .expect_err(wrong);
            assert_eq!(error.line, 14, "{error}");
        }
    }

    #[test]
    fn two_statements_are_refused() {
        assert!(
            refused(&RULE.replace(
                "SELECT * FROM long_stages",
                "SELECT * FROM long_stages; SELECT 2"
            ))
            .contains("exactly one statement")
        );
    }
}
