//! Which table or path a scan or write node touches, by its name, its text and its metadata.

use super::operator::{Engine, OperatorKind, base_name};
use super::text::{
    arguments, bracketed, columns_of_list, columns_of_schema, command_arguments, filled, unquoted,
    value,
};

/// What a node does with its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Read,
    Write,
}

impl Operation {
    /// The operation's name in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// A node of a plan that reads or writes a table or path.
#[derive(Debug, Clone, PartialEq)]
pub struct TableAccess {
    pub operation: Operation,
    /// The table as the plan names it, without quotes.
    pub table_name: Option<String>,
    /// In lower case: `parquet`, `delta`, `jdbc`, `cache` …
    pub format: Option<String>,
    /// The first path.
    pub location: Option<String>,
    pub num_locations: Option<i64>,
    pub partition_filters: Option<String>,
    pub pushed_filters: Option<String>,
    pub data_filters: Option<String>,
    /// Columns read or written.
    pub num_columns: Option<i64>,
    /// `Append`, `Overwrite` …
    pub write_mode: Option<String>,
    /// Partition columns of a write.
    pub partition_columns: Option<String>,
}

impl TableAccess {
    /// What the node called `name` touches; None for a node that does not read or write a table.
    /// `metadata` is empty where only the texts are known.
    #[must_use]
    pub fn of(name: &str, description: &str, metadata: &[(String, String)]) -> Option<Self> {
        let name = name.trim();
        let mut access = match OperatorKind::of(name) {
            OperatorKind::Write => Self::write(name, description),
            OperatorKind::Cache if !base_name(name).contains("Scan") => return None,
            OperatorKind::Scan | OperatorKind::Cache => Self::read(name, description, metadata),
            _ => return None,
        };
        access.format = access.format.map(|format| format.to_ascii_lowercase());
        Some(access)
    }

    /// The same with the text of the whole plan, which alone tells the arguments of some commands.
    #[must_use]
    pub fn in_plan(
        name: &str,
        description: &str,
        metadata: &[(String, String)],
        plan: &str,
    ) -> Option<Self> {
        match command_arguments(name, description, plan) {
            Some(arguments) => Self::of(name, &format!("{} {arguments}", name.trim()), metadata),
            None => Self::of(name, description, metadata),
        }
    }

    fn empty(operation: Operation) -> Self {
        Self {
            operation,
            table_name: None,
            format: None,
            location: None,
            num_locations: None,
            partition_filters: None,
            pushed_filters: None,
            data_filters: None,
            num_columns: None,
            write_mode: None,
            partition_columns: None,
        }
    }

    fn read(name: &str, description: &str, metadata: &[(String, String)]) -> Self {
        let mut access = Self::empty(Operation::Read);
        let told = |key: &str| {
            let exact = metadata.iter().find(|(known, _)| known == key);
            exact
                .map(|(_, value)| value.as_str())
                .or_else(|| value(description, key))
        };
        access.take_name(name, description);
        if let Some(format) = told("Format") {
            access.format.get_or_insert_with(|| format.to_owned());
        }
        if let Some(location) = told("Location") {
            access.take_location(location);
        }
        let filters = |keys: &[&str]| {
            let mut values = keys.iter().filter_map(|key| told(key));
            values.find_map(filled).map(str::to_owned)
        };
        access.partition_filters = access
            .partition_filters
            .or_else(|| filters(&["PartitionFilters"]));
        access.pushed_filters = access
            .pushed_filters
            .or_else(|| filters(&["PushedFilters", "PushedFilers", "RequiredDataFilters"]));
        access.data_filters = filters(&["DataFilters"]);
        access.num_columns = told("ReadSchema")
            .and_then(columns_of_schema)
            .or_else(|| columns_of_list(bracketed(description, '[')?.0));
        access
    }

    /// What stands behind the operator in the node's name.
    fn take_name(&mut self, name: &str, description: &str) {
        let base = base_name(name);
        let rest = name.split_once(' ').map_or("", |(_, rest)| rest).trim();
        if base == "InMemoryTableScan" || rest.starts_with("In-memory table") {
            self.format = Some("cache".to_owned());
            let table = rest.strip_prefix("In-memory table").map(str::trim);
            self.table_name = table.and_then(filled).map(unquoted);
        } else if let Some((table, _)) = rest
            .strip_prefix("JDBCRelation")
            .and_then(|rest| bracketed(rest, '('))
        {
            self.format = Some("jdbc".to_owned());
            self.table_name = filled(table).map(unquoted);
        } else if let Some(rdd) = rest.strip_prefix("ExistingRDD") {
            self.format = Some("rdd".to_owned());
            self.take_delta_state(rdd);
        } else if base.starts_with("BatchScan") || base.ends_with("BatchScan") {
            self.take_batch_scan(rest, description);
        } else if base == "LocalTableScan" {
            self.format = Some("local".to_owned());
        } else if base.starts_with("MicroBatch") || base.starts_with("Continuous") {
            self.format = connector(description);
        } else if base == "Scan" && rest.is_empty() && Engine::of(name) == Engine::Spark {
            self.format = Some("rdd".to_owned());
        } else {
            let mut words = rest.splitn(2, ' ');
            self.format = words.next().and_then(filled).map(str::to_owned);
            self.table_name = words.next().and_then(filled).map(unquoted);
            if self.format.as_deref() == Some("hive") {
                self.take_hive_filters(description);
            }
        }
    }

    /// `Delta Table State #10 - abfss://…/table/_delta_log`: Delta reading its own log.
    fn take_delta_state(&mut self, text: &str) {
        if let Some((state, path)) = text.split_once(" - ")
            && state.trim_start().starts_with("Delta Table State")
        {
            self.format = Some("delta_log".to_owned());
            self.location = filled(path).map(str::to_owned);
            self.num_locations = Some(1);
        }
    }

    /// A source of version 2: its table is in the name since Spark 3.3, before that in the text.
    fn take_batch_scan(&mut self, rest: &str, description: &str) {
        let (_, text) = bracketed(description, '[').unwrap_or(("", description));
        let text = text.trim();
        if let Some((_, filters)) = text.split_once("[filters=") {
            self.format = Some("iceberg".to_owned());
            let filters = filters.split(", groupedBy=").next().unwrap_or(filters);
            let filters = filters.split(']').next().unwrap_or(filters);
            self.pushed_filters = filled(filters).map(str::to_owned);
            let table = text.split([' ', '(', '[']).next().and_then(filled);
            self.table_name = table.map(unquoted);
        } else {
            self.format = connector(text).filter(|format| format != "batch");
        }
        if let Some(table) = filled(rest) {
            // A file table is called by its format and paths.
            match table.split_once(' ') {
                Some((format, path)) if path.contains(":/") || path.starts_with('/') => {
                    self.format = Some(format.to_owned());
                    self.location = path.split(',').next().map(str::to_owned);
                }
                _ => self.table_name = Some(unquoted(table)),
            }
        }
    }

    /// The last list of a Hive scan's text holds the filters on its partitions.
    fn take_hive_filters(&mut self, description: &str) {
        let last = arguments(description).into_iter().next_back();
        self.partition_filters = last
            .filter(|last| last.starts_with('[') && last.ends_with(']'))
            .and_then(filled)
            .map(str::to_owned);
    }

    /// `InMemoryFileIndex(1 paths)[s3a://bucket/a]`, or a bare path.
    fn take_location(&mut self, text: &str) {
        let (index, _) = text.split_once(['(', '[']).unwrap_or(("", ""));
        if index.contains("Delta") || index.contains("Tahoe") {
            self.format = Some("delta".to_owned());
        }
        let paths = match bracketed(text, '[') {
            Some((paths, _)) => arguments(paths),
            None => vec![text.trim()],
        };
        self.location = paths
            .first()
            .and_then(|path| filled(path))
            .map(str::to_owned);
        let counted = bracketed(text, '(')
            .and_then(|(count, _)| count.strip_suffix(" paths")?.trim().parse().ok());
        let is_cut_off = text.ends_with("...");
        let listed = i64::try_from(paths.len()).ok();
        self.num_locations = counted.or(listed.filter(|_| !is_cut_off && self.location.is_some()));
    }

    fn write(name: &str, description: &str) -> Self {
        let mut access = Self::empty(Operation::Write);
        let base = base_name(name);
        let text = description.strip_prefix(name).unwrap_or(description).trim();
        let arguments = arguments(text);
        access.write_mode = arguments
            .iter()
            .find(|mode| matches!(**mode, "Append" | "Overwrite" | "ErrorIfExists" | "Ignore"))
            .map(|mode| (*mode).to_owned());
        access.table_name = arguments
            .iter()
            .find(|argument| argument.starts_with('`'))
            .map(|table| unquoted(table));
        if base.starts_with("InsertIntoHadoopFs") {
            access.take_insert_into_files(&arguments);
        } else if base.contains("Hive") {
            access.format = Some("hive".to_owned());
        }
        access.take_options(text);
        access.take_known_writers(text);
        access.num_columns = access.num_columns.or_else(|| {
            let last = arguments.last().filter(|last| last.starts_with('['))?;
            columns_of_list(bracketed(last, '[')?.0)
        });
        access
    }

    /// `path, [static partitions,] overwrite?, [partition columns,] format, [options], mode, …`.
    fn take_insert_into_files(&mut self, arguments: &[&str]) {
        self.location = arguments
            .first()
            .and_then(|path| filled(path))
            .map(str::to_owned);
        self.num_locations = self.location.is_some().then_some(1);
        let after_flag = arguments
            .iter()
            .position(|argument| matches!(*argument, "true" | "false"))
            .and_then(|at| arguments.get(at + 1..))
            .unwrap_or_default();
        let format = after_flag.iter().position(|part| !part.starts_with('['));
        let (columns, rest) = after_flag.split_at(format.unwrap_or_default());
        self.partition_columns = columns
            .first()
            .and_then(|list| filled(list))
            .map(str::to_owned);
        // A format that has no name is shown as an object of its class.
        self.format = rest
            .first()
            .and_then(|format| filled(format))
            .map(|format| {
                let class = format.split('@').next().unwrap_or(format);
                let class = class.rsplit('.').next().unwrap_or(class);
                class
                    .strip_suffix("FileFormat")
                    .filter(|short| !short.is_empty())
                    .unwrap_or(class)
                    .to_owned()
            });
    }

    /// Options of a data source: `path -> x` or `path=x`, `dbtable=x`.
    fn take_options(&mut self, text: &str) {
        let option = |key: &str| {
            let of = |separator: &str| {
                let (_, rest) = text.split_once(&format!("{key}{separator}"))?;
                let end = rest.find([',', ']', ')']).unwrap_or(rest.len());
                filled(rest.get(..end)?).map(str::to_owned)
            };
            of(" -> ").or_else(|| of("="))
        };
        if self.location.is_none()
            && let Some(path) = option("[path")
                .or_else(|| option("(path"))
                .or_else(|| option(" path"))
        {
            self.location = Some(path);
            self.num_locations = Some(1);
        }
        if self.table_name.is_none() {
            self.table_name = option("dbtable").map(|table| unquoted(&table));
        }
    }

    /// Writers that name their table in words of their own.
    fn take_known_writers(&mut self, text: &str) {
        if let Some((_, write)) = text.split_once("IcebergWrite(table=") {
            self.format = Some("iceberg".to_owned());
            self.table_name = write.split([',', ')']).next().map(unquoted);
        } else if text.contains("NoopWrite") {
            self.format = Some("noop".to_owned());
        } else if let Some((delta, _)) = text
            .split_once("Delta[version=")
            .map(|(_, rest)| rest.split_once(']').unwrap_or((rest, "")))
        {
            self.format = Some("delta".to_owned());
            if let Some((_, table)) = delta.split_once(", ") {
                self.take_table_or_path(table);
            }
        } else if let Some((output, _)) = text
            .split_once("OutputSpec(")
            .map(|(_, rest)| rest.split_once(',').unwrap_or((rest, "")))
        {
            self.take_table_or_path(output);
        }
        if self.format.is_none() {
            let lower = text.to_ascii_lowercase();
            let known = [
                ("delta", "delta"),
                ("jdbcrelationprovider", "jdbc"),
                ("kafkasourceprovider", "kafka"),
                ("microbatchwrite", "streaming"),
                ("hudi", "hudi"),
                ("bigquery", "bigquery"),
                ("snowflake", "snowflake"),
                ("redshift", "redshift"),
            ];
            let found = known.iter().find(|(word, _)| lower.contains(word));
            self.format = found.map(|(_, format)| (*format).to_owned());
        }
    }

    fn take_table_or_path(&mut self, text: &str) {
        let text = text.trim();
        if text.contains(":/") || text.starts_with('/') {
            self.location = Some(text.to_owned());
            self.num_locations = Some(1);
        } else if let Some(table) = filled(text) {
            self.table_name = Some(unquoted(table));
        }
    }
}

/// The connector behind a scan of a source of version 2: `CSVScan` is `csv`, a class called
/// `KafkaSourceProvider$KafkaScan` is `kafka`.
fn connector(text: &str) -> Option<String> {
    let word = text
        .split([' ', ',', '(', '[', '@'])
        .filter(|word| word.ends_with("Scan") || word.ends_with("MicroBatchStream"))
        .find(|word| !matches!(*word, "BatchScan" | "MicroBatchScan" | "ContinuousScan"))?;
    let class = word.rsplit(['.', '$']).next().unwrap_or(word);
    let class = class.strip_prefix("Gpu").unwrap_or(class);
    let short = class
        .strip_suffix("Scan")
        .or_else(|| class.strip_suffix("MicroBatchStream"))?;
    filled(short).map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests;
