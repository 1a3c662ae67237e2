"""Settings that no inspected version of Spark declares: those of Spark 1, and the prefixes under which
users, modules and platforms set what they like."""


def old(key, type_, default, since, removed_in, replaced_by="", unit=""):
    until = {"1.6": "1.5", "2.0": "1.6", "3.0": "2.4", "1.4": "1.3", "1.5": "1.4"}[removed_in]
    parts = key.split(".")
    return {
        "key": key, "kind": "exact", "category": parts[1], "type": type_, "unit": unit, "default_value": default,
        "valid_from": since, "valid_until": until, "since_version": since, "removed_in": removed_in,
        "replaced_by": replaced_by, "scope": "runtime" if parts[1] == "sql" else "application", "has_effect": True,
        "platform": "spark", "source": "configuration pages of Spark 1.3 to 2.4",
    }


# Removed before 2.2, or never declared as an entry.
OLD = [
    old("spark.shuffle.consolidateFiles", "boolean", "false", "0.8", "1.6"),
    old("spark.shuffle.memoryFraction", "double", "0.2", "0.8", "3.0", "spark.memory.fraction"),
    old("spark.storage.memoryFraction", "double", "0.6", "0.5", "3.0", "spark.memory.fraction"),
    old("spark.storage.unrollFraction", "double", "0.2", "1.1", "3.0", "spark.memory.fraction"),
    old("spark.memory.useLegacyMode", "boolean", "false", "1.6", "3.0"),
    old("spark.tachyonStore.baseDir", "string", "/tmp/spark", "1.0", "2.0"),
    old("spark.tachyonStore.url", "string", "tachyon://localhost:19998", "1.0", "2.0"),
    old("spark.externalBlockStore.baseDir", "string", "/tmp/spark", "1.4", "2.0"),
    old("spark.externalBlockStore.url", "string", "tachyon://localhost:19998", "1.4", "2.0"),
    old("spark.externalBlockStore.folderName", "string", "", "1.4", "2.0"),
    old("spark.akka.frameSize", "int", "128", "0.5", "2.0", "spark.rpc.message.maxSize", "MiB"),
    old("spark.akka.threads", "int", "4", "0.5", "2.0"),
    old("spark.akka.timeout", "duration", "100s", "0.5", "2.0", "spark.network.timeout", "s"),
    old("spark.akka.heartbeat.pauses", "duration", "6000s", "1.0", "2.0", unit="s"),
    old("spark.akka.heartbeat.interval", "duration", "1000s", "1.0", "2.0", unit="s"),
    old("spark.akka.failure-detector.threshold", "double", "300.0", "1.0", "2.0"),
    old("spark.sql.codegen", "boolean", "true", "1.1", "1.6"),
    old("spark.sql.unsafe.enabled", "boolean", "true", "1.4", "1.6"),
    old("spark.sql.tungsten.enabled", "boolean", "true", "1.5", "1.6"),
    old("spark.sql.planner.externalSort", "boolean", "true", "1.2", "1.6"),
    old("spark.sql.planner.sortMergeJoin", "boolean", "true", "1.4", "1.6", "spark.sql.join.preferSortMergeJoin"),
    old("spark.sql.useSerializer2", "boolean", "true", "1.4", "1.6"),
    old("spark.sql.parquet.useDataSourceApi", "boolean", "true", "1.3", "1.6"),
    old("spark.sql.dialect", "string", "sql", "1.0", "2.0"),
]


def prefix(key, platform="spark", scope="application", source="prefix of free names"):
    return {
        "key": key, "kind": "prefix", "category": key.split(".")[1] if key.startswith("spark.") else key.split(".")[0],
        "scope": scope, "has_effect": True, "platform": platform, "source": source,
    }


FOREIGN = "settings of a platform or library; existence is not judged"

PREFIXES = [
    # Names below these are the user's own, or made from names of the user's.
    prefix("spark.hadoop."),
    prefix("spark.executorEnv."),
    prefix("spark.yarn.appMasterEnv."),
    prefix("spark.yarn.isHadoopProvided"),
    prefix("spark.metrics.conf."),
    prefix("spark.ssl."),
    prefix("spark.hive.", scope="runtime"),
    prefix("spark.sql.catalog.", scope="runtime"),
    prefix("spark.sql.variable.", scope="runtime"),
    prefix("spark.driver.resource."),
    prefix("spark.executor.resource."),
    prefix("spark.worker.resource."),
    prefix("spark.task.resource."),
    prefix("spark.plugins.internal.conf."),
    prefix("spark.ui.filters"),
    prefix("spark.org.apache.hadoop."),
    prefix("spark.kubernetes.driver.label."),
    prefix("spark.kubernetes.driver.annotation."),
    prefix("spark.kubernetes.driver.service."),
    prefix("spark.kubernetes.driver.secrets."),
    prefix("spark.kubernetes.driver.secretKeyRef."),
    prefix("spark.kubernetes.driver.volumes."),
    prefix("spark.kubernetes.driver.node.selector."),
    prefix("spark.kubernetes.driverEnv."),
    prefix("spark.kubernetes.executor.label."),
    prefix("spark.kubernetes.executor.annotation."),
    prefix("spark.kubernetes.executor.service."),
    prefix("spark.kubernetes.executor.secrets."),
    prefix("spark.kubernetes.executor.secretKeyRef."),
    prefix("spark.kubernetes.executor.volumes."),
    prefix("spark.kubernetes.executor.node.selector."),
    prefix("spark.kubernetes.node.selector."),
    prefix("spark.kubernetes.authenticate."),
    prefix("spark.mesos."),
    prefix("spark.kafka.", source="settings of the Kafka connector, which pyspark does not carry"),
    prefix("spark.streaming.kafka.", source="settings of the Kafka connector, which pyspark does not carry"),
    # Spark itself sets these for the application.
    *[
        prefix(name, source="set by Spark itself")
        for name in (
            "spark.app.", "spark.driver.appUIAddress", "spark.driver.extraClassPath", "spark.executor.id",
            "spark.master", "spark.repl.", "spark.rdd.", "spark.submit.", "spark.home", "spark.job.", "spark.jobGroup.",
            "spark.local.dir", "spark.default.parallelism", "spark.sql.execution.", "spark.scheduler.pool",
            "spark.pyspark.", "spark.r.", "spark.filterId", "spark.org.", "spark.remote", "spark.api.mode", "spark.jars",
        )
    ],
    # Other engines, table formats and platforms.
    prefix("spark.databricks.", "databricks", "runtime", FOREIGN),
    prefix("spark.delta.", "delta", "runtime", FOREIGN),
    prefix("spark.emr.", "emr", source=FOREIGN),
    prefix("spark.emr-serverless.", "emr_serverless", source=FOREIGN),
    prefix("spark.dynamicAllocation.preallocateExecutors", "emr_serverless", source=FOREIGN),
    prefix("spark.sql.emr.", "emr", "runtime", FOREIGN),
    prefix("spark.blacklist.decommissioning.", "emr", source=FOREIGN),
    prefix("spark.decommissioning.", "emr", source=FOREIGN),
    prefix("spark.files.fetchFailure.unRegisterOutputOnHost", "spark", source="set by platforms"),
    prefix("spark.glue.", "glue", source=FOREIGN),
    prefix("spark.dataproc.", "dataproc", source=FOREIGN),
    prefix("spark.synapse.", "synapse", source=FOREIGN),
    prefix("spark.microsoft.", "synapse", source=FOREIGN),
    prefix("spark.gluten.", "gluten", "runtime", FOREIGN),
    prefix("spark.comet.", "comet", "runtime", FOREIGN),
    prefix("spark.rapids.", "rapids", "runtime", FOREIGN),
    prefix("spark.celeborn.", "celeborn", source=FOREIGN),
    prefix("spark.shuffle.rss.", "uniffle", source=FOREIGN),
    prefix("spark.rss.", "uniffle", source=FOREIGN),
    prefix("spark.sql.iceberg.", "iceberg", "runtime", FOREIGN),
    prefix("spark.hoodie.", "hudi", "runtime", FOREIGN),
    prefix("spark.openlineage.", "openlineage", source=FOREIGN),
    prefix("spark.datahub.", "datahub", source=FOREIGN),
    prefix("spark.livy.", "livy", source=FOREIGN),
    prefix("spark.cassandra.", "cassandra", source=FOREIGN),
    prefix("spark.mongodb.", "mongodb", source=FOREIGN),
    prefix("spark.es.", "elasticsearch", source=FOREIGN),
    prefix("spark.sedona.", "sedona", "runtime", FOREIGN),
    prefix("spark.reducer.fetchMigratedShuffle.", "dataproc", source=FOREIGN),
    prefix("spark.yarn.heterogeneousExecutors.", "emr", source=FOREIGN),
    prefix("spark.sql.parquet.fs.optimized.committer.", "emr", "runtime", FOREIGN),
    prefix("spark.resourceManager.", "emr", source=FOREIGN),
    prefix("spark.dynamicAllocation.disableIfMinMaxNotSpecified.", "synapse", source=FOREIGN),
    prefix("spark.fabric.", "synapse", "runtime", FOREIGN),
    prefix("spark.native.", "synapse", "runtime", FOREIGN),
    prefix("spark.ms.", "synapse", "runtime", FOREIGN),
    prefix("spark.hdinsight.", "hdinsight", source=FOREIGN),
    prefix("spark.cloudera.", "cloudera", source=FOREIGN),
    prefix("spark.lineage.", "cloudera", source=FOREIGN),
    prefix("spark.kyuubi.", "kyuubi", "runtime", FOREIGN),
    prefix("spark.sql.finalStage.", "kyuubi", "runtime", FOREIGN),
    prefix("spark.sql.watchdog.", "kyuubi", "runtime", FOREIGN),
    prefix("spark.bigquery.", "bigquery", "runtime", FOREIGN),
    prefix("spark.snowflake.", "snowflake", source=FOREIGN),
    prefix("spark.paimon.", "paimon", "runtime", FOREIGN),
    prefix("spark.kryo.", source="settings of serializers"),
]
