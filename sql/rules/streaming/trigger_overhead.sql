-- id: trigger_overhead
-- title: Triggers of a stream take long beside the work on their rows
-- category: streaming
-- severity: low
-- version: 2
-- description: Fires for a streaming query of whose triggers a large part passes before or after the work on the rows: asking the source what is new, writing the
--   checkpoint's logs, planning, or committing state (view slow_phases, with the thresholds). Executors wait meanwhile, except for state. No loss is counted; it is medium where
--   batches begin one right after the other and the part is half of the trigger, because then it is what limits the query.
-- subject: application
-- parameter: medium_share double = 0.5 [ratio] median part of the trigger from which it is of medium severity
-- parameter: max_pause double = 0.1 [ratio] pauses between batches over their duration, at most, for that
-- parameter: min_even_share double = 0.9 [ratio] reads of files with one and the same number of them over all, from which a limit sets how many a batch takes
-- evidence: {phase_text} took {phase_ms:s} of {trigger_ms:s} in the median of {num_batches:batch|batches} of the query {query}, {phase_share:pct} of the trigger.
-- advice: phase = 'source' AND has_auto_loader | - | - | Let Auto Loader learn of new files from events instead of listing the folder (file notification mode), or read fewer and flatter folders.
-- advice: phase = 'source' AND has_files AND batch_files IS NOT NULL | - | - | Batches followed each other without a pause and took {batch_files:file|files} each, as a limit does (maxFilesPerTrigger): raise it, so that the source lists its folders
--   once for more files. It lists all files that were ever written there: move away or delete what was read (cleanSource), or read fewer and flatter folders.
-- advice: phase = 'source' AND has_files AND is_databricks | - | - | The source lists its folders again and again, with all files that were ever written there: read them with Auto Loader in file notification
--   mode, or move away or delete what was read (cleanSource). A smaller maxFilesPerTrigger does not shorten the listing.
-- advice: phase = 'source' AND has_files | - | - | The source lists its folders again and again, with all files that were ever written there: move away or delete what was read (cleanSource), read fewer and
--   flatter folders, or have larger files written. A smaller maxFilesPerTrigger does not shorten the listing.
-- advice: phase = 'source' AND has_kafka | - | - | See why the brokers take so long to tell their latest offsets: topics of very many partitions, slow or distant brokers. With larger batches (a longer
--   processingTime) they are asked less often.
-- advice: phase = 'source' | - | - | See why the source takes so long to tell what is new, and ask it less often (a longer processingTime).
-- advice: phase = 'log' AND writes_kafka AND NOT has_state AND spark_minor >= 304 | - | - | Put the checkpoint on faster storage, or let the query write its progress beside the batches (option
--   asyncProgressTrackingEnabled), where a restart may write rows twice.
-- advice: phase = 'log' | - | - | Put the checkpoint on faster storage than a slow object store (HDFS, a store without renames, one in the same region), delete old ones there, or let each batch
--   take more (a longer processingTime): the logs are written once a batch.
-- advice: phase = 'planning' | - | - | Make the plan smaller: select the columns that are needed first, replace chains of withColumn by one select, give readers in foreachBatch a schema, and let each batch take
--   more (a longer processingTime).
-- advice: phase = 'state' AND NOT is_rocksdb AND spark_minor >= 302 AND NOT is_databricks | spark.sql.streaming.stateStore.providerClass |
--   'org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider' | Keep the state in RocksDB, from Spark 3.5 on with changelog checkpoints
--   (spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled=true), which upload only what changed. The provider holds from a new checkpoint on.
-- advice: phase = 'state' AND is_rocksdb AND spark_minor >= 305 | spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled | 'true' | Upload what changed instead of
--   files of the store in each batch.
-- advice: phase = 'state' | - | - | Put the checkpoint on faster storage, let each batch take more (a longer processingTime), and keep less state (a shorter watermark, fewer columns in it).
-- recommendation: Let each batch take more rows (a longer processingTime), so that what each costs counts less.
WITH providers AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.sql.streaming.stateStore.providerClass' AND value LIKE '%RocksDB%' THEN 1 ELSE 0 END) = 1 AS is_rocksdb
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, key, value FROM spark_settings
    UNION ALL
    SELECT platform, cluster_id, application_id, attempt_id, key, value FROM session_settings
  ) AS s
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- How many files reads took, and how many reads took as many.
reads AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.files_read, CAST(n.num_reads AS DOUBLE) AS num_reads,
    CAST(SUM(n.num_reads) OVER (PARTITION BY n.platform, n.cluster_id, n.application_id, n.attempt_id) AS DOUBLE) AS all_reads
  FROM (
    SELECT c.platform, c.cluster_id, c.application_id, c.attempt_id, c.files_read, COUNT(*) AS num_reads
    FROM (SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM slow_phases WHERE phase = 'source' AND has_files) AS p
    INNER JOIN sql_scans AS c
      ON c.platform = p.platform AND c.cluster_id = p.cluster_id
      AND c.application_id = p.application_id AND c.attempt_id = p.attempt_id
    WHERE c.operation = 'read' AND c.files_read > 0
    GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.files_read
  ) AS n
)
SELECT
  p.platform, p.cluster_id, p.application_id, p.attempt_id, CONCAT(p.application_id, ' ', p.query_run_id, ' ', p.phase) AS subject_id,
  CASE WHEN p.phase_share >= $medium_share AND p.pause_share <= $max_pause THEN 'medium' ELSE 'low' END AS severity,
  'high' AS confidence,
  p.query, p.num_batches, p.phase, p.phase_ms, p.phase_share, p.trigger_ms, p.pause_share,
  CASE p.phase WHEN 'source' THEN 'Asking the source what is new (latestOffset, getBatch)' WHEN 'log' THEN 'Writing the logs of the checkpoint (walCommit, commitOffsets)'
    WHEN 'planning' THEN 'Planning (queryPlanning)' ELSE 'Committing state, spread over the tasks that ran at once,' END AS phase_text,
  CASE WHEN p.phase = 'source' AND p.pause_share <= $max_pause AND e.num_reads >= 0.5e0 * p.num_batches THEN e.files_read END AS batch_files,
  p.has_files, p.has_auto_loader, p.has_kafka, p.writes_kafka, p.has_state, COALESCE(s.is_rocksdb, FALSE) AS is_rocksdb,
  COALESCE(a.spark_minor, 0) AS spark_minor, COALESCE(a.is_databricks, FALSE) AS is_databricks
FROM slow_phases AS p
INNER JOIN application_facts AS a
  ON a.platform = p.platform AND a.cluster_id = p.cluster_id
  AND a.application_id = p.application_id AND a.attempt_id = p.attempt_id
LEFT JOIN providers AS s
  ON s.platform = p.platform AND s.cluster_id = p.cluster_id
  AND s.application_id = p.application_id AND s.attempt_id = p.attempt_id
LEFT JOIN reads AS e
  ON e.platform = p.platform AND e.cluster_id = p.cluster_id
  AND e.application_id = p.application_id AND e.attempt_id = p.attempt_id AND e.num_reads >= $min_even_share * e.all_reads
