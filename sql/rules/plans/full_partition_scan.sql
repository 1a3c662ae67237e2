-- id: full_partition_scan
-- title: All partitions of a table are read
-- category: plans
-- severity: low
-- version: 10
-- description: Fires for a large read of a partitioned table, or a smaller one of which the query keeps few rows and which takes much of the
--   application's task time, that is not filtered by the columns by which the table is
--   partitioned, neither before the query nor while it runs (dynamic partition pruning): it filters on other columns, or joins by the partition columns, or filters by a Python function of one, and both
--   come after the read. Only a join that tells how many partitions are needed counts: inner or left semi, by partition columns alone (view unpruned_reads). Whether a filter on
--   them would be right is for the author to know: half of the time that goes into rows which the filter, join or function throws away is counted as lost, with low confidence.
-- subject: node
-- group_by: source
-- parameter: min_bytes double = 10737418240 [bytes] size of the files that are read, at least
-- parameter: min_share double = 0.2 [ratio] or task time of all such reads of the table over that of the application, at least
-- parameter: min_read_ms double = 10000 [ms] and that task time, at least
-- parameter: max_kept double = 0.3 [ratio] and rows that the filter above the read, or the join, keeps, at most
-- parameter: min_partitions bigint = 10 [count] partitions read, at least
-- parameter: min_joined_partitions bigint = 50 [count] the same where it is a join or a Python function that keeps few rows
-- parameter: lost_ratio double = 0.5 [ratio] part of the time of the rows thrown away that is taken to be lost
-- evidence: Query {sql_id:int} ({query_description:query}) reads from all {partitions_read:partition|partitions} of {source}[, {files_read:file|files}], {bytes_read:bytes} in all,
--   with no filter on its partition columns[ ({partition_names})][; it filters on {data_filters}][ and keeps {kept:pct} of the rows][; {join_name} {join_id:int} by {join_keys} keeps {join_kept:pct} of the rows
--   that reach it][; the Python function {function_name}, which takes a partition column, keeps {function_kept:pct} of the rows].
-- advice: function_name IS NOT NULL | - | - | Spark cannot call a Python function before it reads: compare the partition column itself with literals of its type, or call built-in functions, which Spark
--   evaluates for each partition before it reads.
-- advice: join_kept IS NOT NULL AND spark_minor < 300 | - | - | Before Spark 3.0 no join says which partitions to read: ask for the values first, and filter the partition columns by them as literals.
-- advice: join_kept IS NOT NULL AND is_pruning_off | spark.sql.optimizer.dynamicPartitionPruning.enabled | 'true' | Let the other side of the join say which partitions to read: for
--   that it has to be filtered and small enough to broadcast. Or ask for the values first, and filter the partition columns by them as literals.
-- advice: join_kept IS NOT NULL AND NOT is_pruner | - | - | Dynamic partition pruning reads only what the other side of the join needs, where that side is broadcast: filter it, select few of its columns, or give it a
--   broadcast hint. spark.sql.optimizer.dynamicPartitionPruning.reuseBroadcastOnly=false does without a broadcast, but runs that side twice: only to try. Or ask for the values first, and filter
--   the partition columns by them as literals.
-- advice: join_kept IS NOT NULL | - | - | Dynamic partition pruning reads only what the other side of the join needs, where that side has a filter of its own (a comparison with literals): filter it too, or ask for
--   the values first, and filter the partition columns by them as literals.
-- advice: partition_names IS NOT NULL | - | - | Filter on {partition_names} too where the question allows it (a range of days), join with a small filtered
--   table on them so that dynamic pruning applies, or partition or cluster the table by the columns that are asked for.
-- recommendation: Filter on the partition columns too where the question allows it (a range of days), join with a small filtered
--   table on them so that dynamic pruning applies, or partition or cluster the table by the columns that are asked for.
WITH judged AS (
  SELECT
    w.*,
    COALESCE(w.kept <= $max_kept AND w.data_filters IS NOT NULL, FALSE) AS is_filter, COALESCE(w.join_kept <= $max_kept AND w.partitions_read >= $min_joined_partitions, FALSE) AS is_join,
    COALESCE(w.function_kept <= $max_kept AND w.partitions_read >= $min_joined_partitions, FALSE) AS is_function
  FROM unpruned_reads AS w
  WHERE w.partitions_read >= $min_partitions
),
timed AS (
  SELECT
    w.*,
    SUM(CASE WHEN w.is_filter OR w.is_join OR w.is_function THEN w.run_ms ELSE 0e0 END) OVER (
      PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.source
    ) AS read_ms,
    1e0 - LEAST(CASE WHEN w.is_filter THEN w.kept ELSE 1e0 END, CASE WHEN w.is_join THEN w.join_kept ELSE 1e0 END, CASE WHEN w.is_function THEN w.function_kept ELSE 1e0 END) AS thrown_away
  FROM judged AS w
),
switches AS (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(CASE WHEN LOWER(value) = 'false' THEN 1 ELSE 0 END) = 1 AS is_pruning_off
  FROM spark_settings
  WHERE key = 'spark.sql.optimizer.dynamicPartitionPruning.enabled'
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  t.platform, t.cluster_id, t.application_id, t.attempt_id,
  CONCAT(CAST(t.sql_id AS STRING), '.', CAST(t.node_id AS STRING)) AS subject_id,
  CASE WHEN t.is_filter OR t.is_join OR t.is_function THEN 'low' ELSE 'medium' END AS confidence,
  CASE WHEN t.is_filter OR t.is_join OR t.is_function THEN TRY_CAST($lost_ratio * t.thrown_away * t.run_ms AS BIGINT) END AS lost_core_ms,
  CASE WHEN t.is_filter OR t.is_join OR t.is_function THEN TRY_CAST($lost_ratio * t.thrown_away * t.run_ms * c.wall_ratio AS BIGINT) END AS recoverable_ms,
  t.sql_id, SUBSTR(q.description, 1, 200) AS query_description,
  t.source, t.partition_names, t.partitions_read, t.bytes_read, t.files_read,
  CASE WHEN t.is_filter OR NOT t.is_inferred THEN SUBSTR(REGEXP_REPLACE(t.data_filters, '#[0-9]+L?', ''), 1, 200) END AS data_filters,
  CASE WHEN t.is_filter THEN t.kept END AS kept,
  CASE WHEN t.is_join THEN t.join_name END AS join_name, CASE WHEN t.is_join THEN t.join_id END AS join_id,
  CASE WHEN t.is_join THEN REGEXP_REPLACE(t.join_keys, '#[0-9]+L?', '') END AS join_keys, CASE WHEN t.is_join THEN t.join_kept END AS join_kept, t.is_pruner,
  CASE WHEN t.is_function THEN t.function_name END AS function_name, CASE WHEN t.is_function THEN t.function_kept END AS function_kept,
  f.spark_minor, COALESCE(s.is_pruning_off, FALSE) AS is_pruning_off
FROM timed AS t
INNER JOIN sql AS q
  ON q.platform = t.platform AND q.cluster_id = t.cluster_id
  AND q.application_id = t.application_id AND q.attempt_id = t.attempt_id AND q.sql_id = t.sql_id
INNER JOIN applications AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
INNER JOIN application_settings AS f
  ON f.platform = t.platform AND f.cluster_id = t.cluster_id
  AND f.application_id = t.application_id AND f.attempt_id = t.attempt_id
LEFT JOIN application_facts AS c
  ON c.platform = t.platform AND c.cluster_id = t.cluster_id
  AND c.application_id = t.application_id AND c.attempt_id = t.attempt_id
LEFT JOIN switches AS s
  ON s.platform = t.platform AND s.cluster_id = t.cluster_id
  AND s.application_id = t.application_id AND s.attempt_id = t.attempt_id
WHERE (t.bytes_read >= $min_bytes AND (NOT t.is_inferred AND t.data_filters IS NOT NULL OR t.is_join OR t.is_function))
  OR ((t.is_filter OR t.is_join OR t.is_function) AND t.read_ms >= $min_read_ms AND t.read_ms >= $min_share * a.total_task_time_ms)
