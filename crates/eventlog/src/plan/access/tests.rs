use proptest::prelude::*;

use super::*;

fn pairs(metadata: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = metadata.iter();
    owned
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn access(name: &str, description: &str) -> TableAccess {
    TableAccess::of(name, description, &[]).unwrap()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_file_scan_is_read_from_its_metadata() {
    let found = TableAccess::of(
        "Scan parquet spark_catalog.sales.orders",
        "FileScan parquet spark_catalog.sales.orders[id#1] Batched: true, Location: InMemoryFileIndex[s3://cut...",
        &pairs(&[
            (
                "Location",
                "InMemoryFileIndex(2 paths)[s3://bucket/orders/dt=1, s3://bucket/orders/dt=2]",
            ),
            ("ReadSchema", "struct<id:bigint,amount:double>"),
            ("Format", "Parquet"),
            (
                "PartitionFilters",
                "[isnotnull(dt#3), dynamicpruningexpression(dt#3 IN dynamicpruning#9)]",
            ),
            ("PushedFilters", "[IsNotNull(id)]"),
            ("DataFilters", "[isnotnull(id#1)]"),
        ]),
    );
    let expected = TableAccess {
        table_name: some("spark_catalog.sales.orders"),
        format: some("parquet"),
        location: some("s3://bucket/orders/dt=1"),
        num_locations: Some(2),
        partition_filters: some(
            "[isnotnull(dt#3), dynamicpruningexpression(dt#3 IN dynamicpruning#9)]",
        ),
        pushed_filters: some("[IsNotNull(id)]"),
        data_filters: some("[isnotnull(id#1)]"),
        num_columns: Some(2),
        ..TableAccess::empty(Operation::Read)
    };
    assert_eq!(found, Some(expected));
}

#[test]
fn delta_is_known_by_its_index_of_files() {
    let scan = access(
        "Scan parquet spark_catalog.default.people_large_2",
        "FileScan parquet spark_catalog.default.people_large_2[id#68L,ssn#74] Batched: true, DataFilters: [], Format: Parquet, Location: PreparedDeltaFileIndex(1 paths)[abfss://c@s.dfs.core.windows.net/sample..., PartitionFilters: [], PushedFilters: [], ReadSchema: struct<id:bigint,firstName:string,middleName:string,lastName:string,gender:string,birthDate:times...",
    );
    assert_eq!(scan.format, some("delta"));
    assert_eq!(scan.num_locations, Some(1));
    assert_eq!(
        scan.num_columns,
        Some(2),
        "the schema is cut off, the output is not"
    );
    assert_eq!((scan.partition_filters, scan.pushed_filters), (None, None));
    let state = access(
        "Scan ExistingRDD Delta Table State #10 - abfss://c@s.net/people_large/_delta_log",
        "Scan ExistingRDD Delta Table State #10 - abfss://c@s.net/people_large/_delta_log[txn#908,add#909]",
    );
    assert_eq!(state.format, some("delta_log"));
    assert_eq!(
        state.location,
        some("abfss://c@s.net/people_large/_delta_log")
    );
}

#[test]
fn scans_of_every_kind_name_format_and_table() {
    for (name, description, format, table, location) in [
        (
            "PhotonScan parquet ",
            "PhotonScan parquet [a#1] Format: parquet, Location: InMemoryFileIndex(1 paths)[s3://b/hd], RequiredDataFilters: [isnotnull(a#1)]",
            Some("parquet"),
            None,
            Some("s3://b/hd"),
        ),
        (
            "GpuBatchScan",
            "GpuBatchScan[_c0#16] GpuCSVScan DataFilters: [], Format: gpucsv, Location: InMemoryFileIndex[file:/home/t...",
            Some("csv"),
            None,
            Some("file:/home/t..."),
        ),
        (
            "BatchScan",
            "BatchScan[_c0#16] CSVScan DataFilters: [], Format: csv, Location: InMemoryFileIndex[file:/x.csv], PushedFilers: []",
            Some("csv"),
            None,
            Some("file:/x.csv"),
        ),
        (
            "BatchScan local.db.t",
            "BatchScan local.db.t[id#0L] local.db.t (branch=null) [filters=id > 1, groupedBy=] RuntimeFilters: []",
            Some("iceberg"),
            Some("local.db.t"),
            None,
        ),
        (
            "BatchScan",
            "BatchScan[id#0L] local.db.t [filters=]",
            Some("iceberg"),
            Some("local.db.t"),
            None,
        ),
        (
            "BatchScan h2.test.people",
            "BatchScan h2.test.people[NAME#1] class org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCScan",
            Some("jdbc"),
            Some("h2.test.people"),
            None,
        ),
        (
            "BatchScan parquet file:/tmp/a",
            "BatchScan parquet file:/tmp/a[id#1] ParquetScan DataFilters: []",
            Some("parquet"),
            None,
            Some("file:/tmp/a"),
        ),
        (
            "MicroBatchScan",
            "MicroBatchScan[key#7, value#8] class org.apache.spark.sql.kafka010.KafkaSourceProvider$KafkaScan",
            Some("kafka"),
            None,
            None,
        ),
        (
            "Scan JDBCRelation(TBLS) [numPartitions=1]",
            "Scan JDBCRelation(TBLS) [numPartitions=1] [TBL_ID#24L] PushedFilters: [*IsNotNull(A)], ReadSchema: struct<TBL_ID:bigint>",
            Some("jdbc"),
            Some("TBLS"),
            None,
        ),
        (
            "Scan JDBCRelation((select a, b from t) q) [numPartitions=1]",
            "",
            Some("jdbc"),
            Some("(select a, b from t) q"),
            None,
        ),
        (
            "Scan hive default.t",
            "Scan hive default.t [key#1], HiveTableRelation [`default`.`t`, o.a.h.LazySimpleSerDe, Data Cols: [key#1]], [isnotnull(dt#3), (dt#3 = 1)]",
            Some("hive"),
            Some("default.t"),
            None,
        ),
        (
            "Scan In-memory table orders",
            "Scan In-memory table orders [id#1]",
            Some("cache"),
            Some("orders"),
            None,
        ),
        (
            "InMemoryTableScan",
            "InMemoryTableScan [id#1]",
            Some("cache"),
            None,
            None,
        ),
        (
            "Scan ExistingRDD",
            "Scan ExistingRDD[id#0L,v#1]",
            Some("rdd"),
            None,
            None,
        ),
        ("Scan", "Scan[obj#1]", Some("rdd"), None, None),
        (
            "LocalTableScan",
            "LocalTableScan [value#46, count#47]",
            Some("local"),
            None,
            None,
        ),
        (
            "CometNativeScan parquet db.t",
            "",
            Some("parquet"),
            Some("db.t"),
            None,
        ),
        (
            "ScanTransformer parquet db.t",
            "",
            Some("parquet"),
            Some("db.t"),
            None,
        ),
    ] {
        let scan = access(name, description);
        assert_eq!(scan.operation, Operation::Read, "{name}");
        assert_eq!(scan.format.as_deref(), format, "{name}");
        assert_eq!(scan.table_name.as_deref(), table, "{name}");
        assert_eq!(scan.location.as_deref(), location, "{name}");
    }
    let hive = access(
        "Scan hive default.t",
        "Scan hive default.t [key#1], HiveTableRelation [`default`.`t`], [(dt#3 = 1)]",
    );
    assert_eq!(hive.partition_filters, some("[(dt#3 = 1)]"));
    let iceberg = access(
        "BatchScan c.t",
        "BatchScan c.t[id#0L] c.t (branch=null) [filters=id > 1, groupedBy=]",
    );
    assert_eq!(iceberg.pushed_filters, some("id > 1"));
}

#[test]
fn writes_name_their_table_format_and_mode() {
    for (name, arguments, format, table, location, mode) in [
        (
            "Execute InsertIntoHadoopFsRelationCommand",
            "file:/tmp/e2e/job1, false, Parquet, [path=/tmp/e2e/job1], Overwrite, [id, doubled]",
            Some("parquet"),
            None,
            Some("file:/tmp/e2e/job1"),
            Some("Overwrite"),
        ),
        (
            "Execute InsertIntoHadoopFsRelationCommand",
            "s3://b/t, false, [dt#12], ORC, [path=s3://b/t], Append, `spark_catalog`.`db`.`t`, org.apache.spark.sql.execution.datasources.CatalogFileIndex(s3://b/t), [id, dt]",
            Some("orc"),
            Some("spark_catalog.db.t"),
            Some("s3://b/t"),
            Some("Append"),
        ),
        (
            "Execute CreateDataSourceTableAsSelectCommand",
            "`default`.`tmppartable`, Overwrite, [value]",
            None,
            Some("default.tmppartable"),
            None,
            Some("Overwrite"),
        ),
        (
            "Execute InsertIntoHiveTable",
            "`default`.`t`, org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe, [], true, false, [a]",
            Some("hive"),
            Some("default.t"),
            None,
            None,
        ),
        (
            "Execute SaveIntoDataSourceCommand",
            "org.apache.spark.sql.delta.sources.DeltaDataSource@5ab0, [path=s3://b/d, mergeSchema=true], Append",
            Some("delta"),
            None,
            Some("s3://b/d"),
            Some("Append"),
        ),
        (
            "Execute SaveIntoDataSourceCommand",
            "org.apache.spark.sql.execution.datasources.jdbc.JdbcRelationProvider@1, Map(url -> jdbc:h2:mem, dbtable -> people), Overwrite",
            Some("jdbc"),
            Some("people"),
            None,
            Some("Overwrite"),
        ),
        (
            "Execute MergeIntoCommandEdge",
            "SubqueryAlias t, Delta[version=10, abfss://c@s/people], Merge",
            Some("delta"),
            None,
            Some("abfss://c@s/people"),
            None,
        ),
        (
            "AppendData",
            "org.apache.spark.sql.execution.datasources.v2.DataSourceV2Strategy$$Lambda$1/0x1@4, IcebergWrite(table=local.db.t, format=PARQUET)",
            Some("iceberg"),
            Some("local.db.t"),
            None,
            None,
        ),
        (
            "OverwriteByExpression",
            "org.apache.spark.sql.execution.datasources.v2.DataSourceV2Strategy$$Lambda$1858/0x0@40802357, org.apache.spark.sql.execution.datasources.noop.NoopWrite$@28643337",
            Some("noop"),
            None,
            None,
            None,
        ),
        (
            "WriteToDataSourceV2",
            "org.apache.spark.sql.execution.streaming.sources.MicroBatchWrite@27fafcca",
            Some("streaming"),
            None,
            None,
            None,
        ),
    ] {
        let write = access(name, &format!("{name} {arguments}"));
        assert_eq!(write.operation, Operation::Write, "{name}");
        assert_eq!(write.format.as_deref(), format, "{name} {arguments}");
        assert_eq!(write.table_name.as_deref(), table, "{name} {arguments}");
        assert_eq!(write.location.as_deref(), location, "{name} {arguments}");
        assert_eq!(write.write_mode.as_deref(), mode, "{name} {arguments}");
    }
    let partitioned = access(
        "Execute InsertIntoHadoopFsRelationCommand",
        "Execute InsertIntoHadoopFsRelationCommand s3://b/t, false, [dt#12], ORC, [path=s3://b/t], Append, [id, dt]",
    );
    assert_eq!(partitioned.partition_columns, some("[dt#12]"));
    assert_eq!(partitioned.num_columns, Some(2));
}

#[test]
fn the_plan_tells_what_a_bare_command_was_called_with() {
    let plan = "== Physical Plan ==\nExecute SaveIntoDataSourceCommand (1)\n   +- SaveIntoDataSourceCommand (2)\n\n\n\
        (1) Execute SaveIntoDataSourceCommand\nOutput: []\n\n(2) SaveIntoDataSourceCommand\nArguments: \
        org.apache.spark.sql.execution.datasources.jdbc.JdbcRelationProvider@c14e08f, [url=*********(redacted), dbtable=orders], Append\n\n\
        (3) Range\nArguments: 0, 20000, 1, 4, [id#0L], false\n";
    let bare = "Execute SaveIntoDataSourceCommand";
    let write = TableAccess::in_plan(bare, bare, &[], plan).unwrap();
    assert_eq!(write.format, some("jdbc"));
    assert_eq!(write.table_name, some("orders"));
    assert_eq!(write.write_mode, some("Append"));
    // A description that has arguments is believed, and a plan without the command tells nothing.
    let told = format!(
        "{bare} org.apache.spark.sql.delta.sources.DeltaDataSource@5a, [path=s3://b/d], Append"
    );
    let write = TableAccess::in_plan(bare, &told, &[], plan).unwrap();
    assert_eq!(write.format, some("delta"));
    let write = TableAccess::in_plan(bare, bare, &[], "(2) Range").unwrap();
    assert_eq!(write.format, None);
}

#[test]
fn what_touches_no_table_is_left_out() {
    for name in [
        "Filter",
        "Exchange",
        "WholeStageCodegen (1)",
        "Execute CreateViewCommand",
        "TableCacheQueryStage",
        "Range",
    ] {
        assert_eq!(TableAccess::of(name, name, &[]), None, "{name}");
    }
}

proptest! {
    #[test]
    fn any_text_of_any_node_is_read(
        name in prop_oneof![
            Just("Scan parquet".to_owned()), Just("BatchScan".to_owned()), Just("Scan hive t".to_owned()),
            Just("Execute InsertIntoHadoopFsRelationCommand".to_owned()), Just("MicroBatchScan".to_owned()),
            Just("Execute SaveIntoDataSourceCommand".to_owned()), Just("Scan JDBCRelation(".to_owned()),
            "(Scan|Write|Append|InMemoryTableScan|Scan In-memory table).*"
        ],
        text in prop_oneof![".*", "[\\[\\](){}<>,:`\\-=>@ .a-fFLPé]*"],
        location in "[\\[\\]() a-z:/,.]*",
    ) {
        let _ = TableAccess::of(&name, &text, &[]);
        let _ = TableAccess::of(&name, &text, &[("Location".to_owned(), location)]);
    }
}
