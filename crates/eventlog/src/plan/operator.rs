//! What an operator does and which engine runs it, by the name of its plan node.

/// The engine that ran an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Spark's own, in the JVM.
    Spark,
    /// Databricks' native engine.
    Photon,
    /// Apache Gluten, with Velox or ClickHouse.
    Gluten,
    /// Apache DataFusion Comet.
    Comet,
    /// NVIDIA's RAPIDS Accelerator.
    Rapids,
}

impl Engine {
    /// The engine of the node called `name`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let word = command_or_operator(name);
        let is_followed_by_capital = |prefix: &str| {
            word.strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_uppercase()))
        };
        if is_followed_by_capital("Photon") {
            Self::Photon
        } else if is_followed_by_capital("Gpu") {
            Self::Rapids
        } else if is_followed_by_capital("Comet") {
            Self::Comet
        } else if is_gluten(word) {
            Self::Gluten
        } else {
            Self::Spark
        }
    }

    /// The engine's name in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spark => "spark",
            Self::Photon => "photon",
            Self::Gluten => "gluten",
            Self::Comet => "comet",
            Self::Rapids => "rapids",
        }
    }
}

/// Gluten's operators end in Transformer; its transitions name their backend, and what replaces
/// Spark's exchanges and driver-side operators begins with Columnar.
fn is_gluten(word: &str) -> bool {
    word.ends_with("Transformer")
        || word.contains("Velox")
        || word.starts_with("CHNative")
        || (word.starts_with("Columnar") && word != "ColumnarToRow")
}

/// What an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorKind {
    Scan,
    Filter,
    Project,
    Join,
    Aggregate,
    Exchange,
    Sort,
    Window,
    Write,
    /// User code: Python, pandas, and functions over objects.
    Udf,
    Broadcast,
    Subquery,
    /// Reads or fills a cached table.
    Cache,
    Other,
}

impl OperatorKind {
    /// What the node called `name` does.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let base = base_name(name);
        let has = |part: &str| base.contains(part);
        let begins = |part: &str| base.starts_with(part);
        if name.trim().starts_with("Execute ") || is_write(base) {
            return if is_write(base) {
                Self::Write
            } else {
                Self::Other
            };
        }
        match base {
            "Scan" if name.trim().starts_with("Scan In-memory table") => Self::Cache,
            _ if has("InMemoryTableScan") || begins("CacheTable") => Self::Cache,
            "TableCacheQueryStage" => Self::Cache,
            _ if begins("Subquery") || begins("ReusedSubquery") => Self::Subquery,
            _ if has("BroadcastExchange") => Self::Broadcast,
            _ if has("Exchange") => Self::Exchange,
            _ if has("Join") || begins("CartesianProduct") => Self::Join,
            _ if is_user_code(base) => Self::Udf,
            _ if has("Agg") => Self::Aggregate,
            _ if has("Window") => Self::Window,
            "TakeOrderedAndProject" | "TopK" => Self::Sort,
            _ if begins("Sort") || base == "PartialSort" => Self::Sort,
            _ if has("Scan") => Self::Scan,
            _ if begins("Filter") => Self::Filter,
            _ if begins("Project") => Self::Project,
            _ => Self::Other,
        }
    }

    /// The kind's name in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Filter => "filter",
            Self::Project => "project",
            Self::Join => "join",
            Self::Aggregate => "aggregate",
            Self::Exchange => "exchange",
            Self::Sort => "sort",
            Self::Window => "window",
            Self::Write => "write",
            Self::Udf => "udf",
            Self::Broadcast => "broadcast",
            Self::Subquery => "subquery",
            Self::Cache => "cache",
            Self::Other => "other",
        }
    }
}

/// Whether another stage runs what is below the node called `name`: exchanges and subqueries. What
/// Photon writes a shuffle with belongs to the stage that writes.
pub fn is_stage_boundary(name: &str) -> bool {
    (name.contains("Exchange") && !name.contains("Sink")) || name.trim() == "Subquery"
}

/// The operator without its arguments and without what its engine adds to Spark's name:
/// `PhotonScan parquet db.t` is `Scan`, `Execute InsertIntoHiveTable` is `InsertIntoHiveTable`.
pub(super) fn base_name(name: &str) -> &str {
    let word = command_or_operator(name);
    match Engine::of(name) {
        Engine::Spark => word,
        Engine::Photon => strip_prefixes(word, &["Photon"]),
        Engine::Rapids => strip_prefixes(word, &["Gpu"]),
        Engine::Comet => strip_prefixes(word, &["CometNative", "Comet"]),
        Engine::Gluten => {
            let word = word.strip_suffix("Transformer").unwrap_or(word);
            let word = word.strip_suffix("Exec").unwrap_or(word);
            strip_prefixes(word, &["VeloxColumnar", "Velox", "CHNative", "Columnar"])
        }
    }
}

/// `word` without the first of `prefixes` that it has; a word that is nothing else stays.
fn strip_prefixes<'w>(word: &'w str, prefixes: &[&str]) -> &'w str {
    prefixes
        .iter()
        .find_map(|prefix| word.strip_prefix(prefix))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(word)
}

/// First word of the node's name, or of the command that it executes.
fn command_or_operator(name: &str) -> &str {
    let name = name.trim();
    let name = name.strip_prefix("Execute ").unwrap_or(name);
    name.split([' ', '(', '[']).next().unwrap_or(name)
}

fn is_write(base: &str) -> bool {
    const WRITES: [&str; 19] = [
        "AppendData",
        "AtomicCreateTableAsSelect",
        "AtomicReplaceTableAsSelect",
        "CreateDataSourceTableAsSelect",
        "CreateHiveTableAsSelect",
        "CreateTableAsSelect",
        "DeleteCommand",
        "DeleteFromTable",
        "InsertInto",
        "MergeInto",
        "OptimizeTable",
        "OptimizedCreateHiveTableAsSelect",
        "Overwrite",
        "ReplaceData",
        "ReplaceTableAsSelect",
        "SaveIntoDataSource",
        "UpdateCommand",
        "Write",
        "ParquetWrite",
    ];
    WRITES.iter().any(|write| base.starts_with(write)) || base.ends_with("WriteFiles")
}

fn is_user_code(base: &str) -> bool {
    const WORDS: [&str; 9] = [
        "Python",
        "InPandas",
        "InArrow",
        "InR",
        "MapElements",
        "MapPartitions",
        "MapGroups",
        "CoGroup",
        "AppendColumns",
    ];
    WORDS.iter().any(|word| base.contains(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn operators_of_every_engine_are_known_by_their_names() {
        for (name, engine, kind) in [
            ("Scan parquet db.t", "spark", "scan"),
            ("BatchScan local.db.t", "spark", "scan"),
            ("LocalTableScan", "spark", "scan"),
            ("Scan hive default.t", "spark", "scan"),
            ("InMemoryTableScan", "spark", "cache"),
            ("SortMergeJoin(skew=true)", "spark", "join"),
            ("BroadcastHashJoin", "spark", "join"),
            ("BroadcastExchange", "spark", "broadcast"),
            ("Exchange", "spark", "exchange"),
            ("ObjectHashAggregate", "spark", "aggregate"),
            ("SortAggregate", "spark", "aggregate"),
            ("AggregateInPandas", "spark", "udf"),
            ("WindowInPandas", "spark", "udf"),
            ("WindowGroupLimit", "spark", "window"),
            ("TakeOrderedAndProject", "spark", "sort"),
            ("Subquery", "spark", "subquery"),
            ("AQEShuffleRead", "spark", "other"),
            ("ColumnarToRow", "spark", "other"),
            ("WholeStageCodegen (3)", "spark", "other"),
            (
                "Execute InsertIntoHadoopFsRelationCommand",
                "spark",
                "write",
            ),
            ("Execute CreateViewCommand", "spark", "other"),
            ("WriteFiles", "spark", "write"),
            ("OverwriteByExpression", "spark", "write"),
            ("PhotonScan parquet ", "photon", "scan"),
            ("PhotonGroupingAgg", "photon", "aggregate"),
            ("PhotonShuffledHashJoin", "photon", "join"),
            ("PhotonShuffleExchangeSink", "photon", "exchange"),
            ("PhotonWriteStage", "photon", "write"),
            ("PhotonTopK", "photon", "sort"),
            ("GpuScan parquet", "rapids", "scan"),
            ("GpuColumnarExchange", "rapids", "exchange"),
            ("GpuHashAggregate", "rapids", "aggregate"),
            (
                "Execute GpuInsertIntoHadoopFsRelationCommand",
                "rapids",
                "write",
            ),
            ("CometNativeScan parquet", "comet", "scan"),
            ("CometHashAggregate", "comet", "aggregate"),
            ("CometColumnarExchange", "comet", "exchange"),
            ("ProjectExecTransformer", "gluten", "project"),
            (
                "FlushableHashAggregateExecTransformer",
                "gluten",
                "aggregate",
            ),
            ("ScanTransformer parquet db.t", "gluten", "scan"),
            ("ColumnarExchange", "gluten", "exchange"),
            ("ColumnarBroadcastExchange", "gluten", "broadcast"),
            ("VeloxColumnarToRow", "gluten", "other"),
            ("WholeStageCodegenTransformer (1)", "gluten", "other"),
        ] {
            assert_eq!(Engine::of(name).as_str(), engine, "{name}");
            assert_eq!(OperatorKind::of(name).as_str(), kind, "{name}");
        }
    }

    #[test]
    fn stages_end_where_a_shuffle_is_read() {
        for name in [
            "Exchange",
            "BroadcastExchange",
            "PhotonShuffleExchangeSource",
            "Subquery",
        ] {
            assert!(is_stage_boundary(name), "{name}");
        }
        for name in ["PhotonShuffleExchangeSink", "Sort", "SubqueryBroadcast"] {
            assert!(!is_stage_boundary(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_has_a_kind(name in ".*") {
            let _ = (Engine::of(&name), OperatorKind::of(&name), base_name(&name));
        }
    }
}
