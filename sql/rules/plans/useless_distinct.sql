-- id: useless_distinct
-- title: A distinct removes hardly a row
-- category: plans
-- severity: low
-- version: 8
-- description: Fires where an aggregate that computes nothing (distinct, dropDuplicates over all columns, UNION, a group by without functions)
--   let nearly all of very many rows pass, and the stages that it works in took a large part of the task time: each row is
--   hashed, shuffled and compared for nothing. Lost is at most the task time of these stages, spill and shuffle included, less the time of their scans and the waiting that
--   fetch_wait tells (of a stage that reads a source whose scan counts no time no more than its bytes take to shuffle, and what a last step's stage shuffles for the next one stays, too),
--   of stages that also join, sort into windows or call Python half of it. To write the result stays: of a stage with the last step that writes files only the time of the aggregation
--   counts (building it, fetching its rows included), or, where that is not known, all but what its bytes take to write; a stage of several such steps is shared between them. Whether the rows are
--   unique by a rule or by luck is for the author to know. A distinct within work that the application repeats is counted once:
--   repeated_computation tells the other times. A sort of all rows above it (or repartitionByRange) runs its last step twice: both runs count here, but for what useless_sort tells
--   of these stages (view useless_sorts). All findings of a query together win no more than the wall time of their stages, which can run beside each other.
-- subject: node
-- group_by: query_description
-- parameter: min_kept double = 0.99 [ratio] rows put out over those that went in, at least
-- parameter: min_rows double = 1e6 [rows] rows that went in, at least
-- parameter: min_share double = 0.05 [ratio] task time of the stages of both steps of all such operators of the query over that of the application, at least
-- parameter: min_stage_ms double = 10000 [ms] that task time, at least
-- parameter: min_again_ms double = 5000 [ms] task time that the repeated work lost, at least
-- parameter: min_again_share double = 0.1 [ratio] the same over the task time of the application, at least
-- parameter: write_bytes_per_ms double = 25000.0 [bytes_per_ms] bytes that a task writes into files in a millisecond, where the time of the aggregation is not known
-- parameter: shuffle_bytes_per_ms double = 100000.0 [bytes_per_ms] bytes that a task serializes, compresses and writes for a shuffle in a millisecond, where its scan counts no time
-- parameter: wide_keys bigint = 4 [count] columns compared, from which a key is said to be better
-- evidence: {operator} (node {node_id:int} of query {sql_id:int}, {query_description:query}) compared {rows_in:row|rows} by {num_keys:column|columns} and
--   removed [{removed:int}][{no_row}] of them[, in each of {runs:int} runs]; the stages that it works in took {stage_ms:s} of {app_ms:s} of task time.
-- advice: removed > 0 AND num_keys >= $wide_keys | - | - | It is needed only for {removed:row|rows}: keep these from getting in, or deduplicate by the key that makes
--   rows unique (dropDuplicates of that key), early, before wide or computed columns are added.
-- advice: removed > 0 | - | - | It is needed only for {removed:row|rows}: keep these from getting in, then drop it, or do it where there are fewer rows.
-- advice: num_keys >= $wide_keys | - | - | Drop the distinct where the rows are unique anyway, or deduplicate by the key that makes them so
--   (dropDuplicates of that key), early, before wide or computed columns are added.
-- recommendation: Drop the distinct where the rows are unique anyway (UNION ALL instead of UNION), or do it where there are fewer rows.
WITH computed_again AS (
  -- Later times of work that the application repeats: to do it once is what helps there.
  SELECT w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id, w.last_node_id
  FROM repeated_work AS w
  INNER JOIN application_run_times AS a
    ON a.platform = w.platform AND a.cluster_id = w.cluster_id
    AND a.application_id = w.application_id AND a.attempt_id = w.attempt_id
  WHERE w.place > 1 AND NOT w.is_loop AND w.lost_ms >= $min_again_ms AND w.lost_ms >= $min_again_share * a.executor_run_time
),
done_again AS (
  SELECT DISTINCT p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id
  FROM distinct_steps AS p
  INNER JOIN computed_again AS c
    ON c.platform = p.platform AND c.cluster_id = p.cluster_id
    AND c.application_id = p.application_id AND c.attempt_id = p.attempt_id AND c.sql_id = p.sql_id
    AND p.node_id >= c.node_id AND p.node_id <= c.last_node_id
),
kept AS (
  SELECT p.*
  FROM distinct_steps AS p
  LEFT JOIN done_again AS d
    ON d.platform = p.platform AND d.cluster_id = p.cluster_id
    AND d.application_id = p.application_id AND d.attempt_id = p.attempt_id AND d.sql_id = p.sql_id AND d.node_id = p.node_id
  WHERE p.rows_in >= $min_rows AND p.rows >= $min_kept * p.rows_in AND p.rows <= p.rows_in AND d.platform IS NULL
),
worked AS (
  SELECT DISTINCT k.platform, k.cluster_id, k.application_id, k.attempt_id, k.sql_id, k.node_id, o.stage_id, CAST(o.run_ms AS DOUBLE) AS run_ms,
    CASE WHEN k.runs = 1 THEN b.build_ms END AS build_ms, o.node_id = k.first_node_id AS is_first
  FROM kept AS k
  INNER JOIN operator_stages AS o
    ON o.platform = k.platform AND o.cluster_id = k.cluster_id
    AND o.application_id = k.application_id AND o.attempt_id = k.attempt_id AND o.sql_id = k.sql_id
  LEFT JOIN (
    SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, MAX(total) AS build_ms
    FROM sql_node_metrics
    WHERE metric_name = 'time in aggregation build' AND total > 0e0
    GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
  ) AS b
    ON b.platform = k.platform AND b.cluster_id = k.cluster_id
    AND b.application_id = k.application_id AND b.attempt_id = k.attempt_id AND b.sql_id = k.sql_id AND b.node_id = k.node_id AND o.node_id = k.node_id
  WHERE o.node_id = k.node_id OR o.node_id = k.first_node_id
),
beside AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, MAX(scan_ms) AS scan_ms,
    SUM(CASE WHEN fetch_wait_ms >= 60000e0 AND fetch_wait_ms >= 0.15e0 * executor_run_time THEN fetch_wait_ms ELSE 0e0 END) AS told_ms,
    MAX(CASE WHEN has_join OR has_window OR has_python THEN 1 ELSE 0 END) AS does_more,
    CAST(SUM(output_bytes) AS DOUBLE) AS output_bytes, CAST(SUM(input_bytes) AS DOUBLE) AS input_bytes, CAST(SUM(shuffle_write_bytes) AS DOUBLE) AS written_bytes, SUM(COALESCE(memory_bytes_spilled, 0)) AS spilled,
    MAX(task_slots) AS task_slots, SUM(duration_ms) AS duration_ms,
    MIN(UNIX_MILLIS(completion_time) - duration_ms) AS begin_ms, MAX(UNIX_MILLIS(completion_time)) AS end_ms
  FROM stage_facts
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
-- Parts of stages that useless_sort counts: the whole stage that falls away with the sort, or half of that of the sort.
sort_stages AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, lost_stage_id AS stage_id, 1e0 AS part
  FROM useless_sorts
  WHERE lost_stage_id IS NOT NULL
  UNION ALL
  SELECT u.platform, u.cluster_id, u.application_id, u.attempt_id, u.sql_id, o.stage_id, 0.5e0 AS part
  FROM useless_sorts AS u
  INNER JOIN operator_stages AS o
    ON o.platform = u.platform AND o.cluster_id = u.cluster_id
    AND o.application_id = u.application_id AND o.attempt_id = u.attempt_id AND o.sql_id = u.sql_id AND o.node_id = u.node_id
  WHERE u.sort_ms IS NOT NULL
),
sort_parts AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, stage_id, LEAST(SUM(part), 1e0) AS part
  FROM sort_stages
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, stage_id
),
shares AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id, w.run_ms,
    w.run_ms / COUNT(*) OVER stage AS part_ms,
    LEAST(
      GREATEST(LEAST(
        w.run_ms - COALESCE(b.scan_ms, 0e0),
        CASE WHEN w.is_first AND COALESCE(b.scan_ms, 0e0) = 0e0 AND b.input_bytes > 0e0 AND b.written_bytes > 0e0 THEN b.written_bytes / NULLIF($shuffle_bytes_per_ms, 0e0) ELSE w.run_ms END
      ) - COALESCE(b.told_ms, 0e0) - CASE
        WHEN MAX(CASE WHEN w.is_first THEN 1 ELSE 0 END) OVER stage = 0 THEN COALESCE(b.written_bytes, 0e0) / NULLIF($shuffle_bytes_per_ms, 0e0)
        ELSE 0e0
      END - CASE
        WHEN NOT COALESCE(b.output_bytes > 0e0, FALSE) THEN 0e0
        WHEN w.build_ms IS NOT NULL AND b.spilled = 0 THEN GREATEST(w.run_ms - w.build_ms, 0e0)
        ELSE b.output_bytes / NULLIF($write_bytes_per_ms, 0e0)
      END, 0e0) * CASE WHEN b.does_more = 1 THEN 0.5e0 ELSE 1e0 END,
      w.run_ms * (1e0 - COALESCE(p.part, 0e0))
    ) / COUNT(*) OVER stage AS lost_ms,
    CAST(b.task_slots AS DOUBLE) AS task_slots, CAST(b.duration_ms AS DOUBLE) * (1e0 - COALESCE(p.part, 0e0)) AS duration_ms
  FROM worked AS w
  LEFT JOIN sort_parts AS p
    ON p.platform = w.platform AND p.cluster_id = w.cluster_id
    AND p.application_id = w.application_id AND p.attempt_id = w.attempt_id AND p.sql_id = w.sql_id AND p.stage_id = w.stage_id
  LEFT JOIN beside AS b
    ON b.platform = w.platform AND b.cluster_id = w.cluster_id
    AND b.application_id = w.application_id AND b.attempt_id = w.attempt_id AND b.stage_id = w.stage_id
  WINDOW stage AS (PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.stage_id)
),
steps AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, SUM(run_ms) AS stage_ms, SUM(part_ms) AS part_ms,
    SUM(lost_ms) AS lost_ms, SUM(LEAST(lost_ms / NULLIF(task_slots, 0e0), duration_ms)) AS recoverable_ms
  FROM shares
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
-- When these stages ran, in the order of their starts: the time in which at least one of them did.
spans AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, CAST(b.begin_ms AS DOUBLE) AS begin_ms, CAST(b.end_ms AS DOUBLE) AS end_ms,
    CAST(MAX(b.end_ms) OVER (
      PARTITION BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id ORDER BY b.begin_ms, w.stage_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS DOUBLE) AS before_ms
  FROM (SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, stage_id FROM worked) AS w
  LEFT JOIN beside AS b
    ON b.platform = w.platform AND b.cluster_id = w.cluster_id
    AND b.application_id = w.application_id AND b.attempt_id = w.attempt_id AND b.stage_id = w.stage_id
),
walls AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id,
    CASE WHEN COUNT(begin_ms) = COUNT(*) THEN SUM(GREATEST(end_ms - GREATEST(begin_ms, COALESCE(before_ms, begin_ms)), 0e0)) END AS wall_ms
  FROM spans
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
sort_gains AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, SUM(recoverable_ms) AS gain_ms
  FROM useless_sorts
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
-- What all distincts of a query could win together: what its sorts leave of it.
bounds AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id,
    LEAST(w.wall_ms, CASE WHEN q.duration_ms > 0 THEN GREATEST(q.duration_ms - COALESCE(g.gain_ms, 0e0), 0e0) END) AS wall_ms
  FROM walls AS w
  INNER JOIN sql AS q
    ON q.platform = w.platform AND q.cluster_id = w.cluster_id
    AND q.application_id = w.application_id AND q.attempt_id = w.attempt_id AND q.sql_id = w.sql_id
  LEFT JOIN sort_gains AS g
    ON g.platform = w.platform AND g.cluster_id = w.cluster_id
    AND g.application_id = w.application_id AND g.attempt_id = w.attempt_id AND g.sql_id = w.sql_id
),
summed AS (
  SELECT
    s.*, SUM(part_ms) OVER query AS query_ms, SUM(recoverable_ms) OVER query AS query_gain_ms
  FROM steps AS s
  WINDOW query AS (PARTITION BY platform, cluster_id, application_id, attempt_id, sql_id)
),
work AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.stage_ms, s.lost_ms, s.query_ms,
    s.recoverable_ms * COALESCE(LEAST(1e0, b.wall_ms / NULLIF(s.query_gain_ms, 0e0)), 1e0) AS recoverable_ms
  FROM summed AS s
  LEFT JOIN bounds AS b
    ON b.platform = s.platform AND b.cluster_id = s.cluster_id
    AND b.application_id = s.application_id AND b.attempt_id = s.attempt_id AND b.sql_id = s.sql_id
)
SELECT
  k.platform, k.cluster_id, k.application_id, k.attempt_id,
  CONCAT(CAST(k.sql_id AS STRING), '.', CAST(k.node_id AS STRING)) AS subject_id,
  'medium' AS confidence, TRY_CAST(w.lost_ms AS BIGINT) AS lost_core_ms, TRY_CAST(w.recoverable_ms AS BIGINT) AS recoverable_ms,
  SUBSTR(REGEXP_REPLACE(k.description, '#[0-9]+L?', ''), 1, 120) AS operator, k.node_id, k.sql_id, SUBSTR(q.description, 1, 200) AS query_description,
  TRY_CAST(k.rows_in AS BIGINT) AS rows_in, k.rows,
  NULLIF(TRY_CAST(k.rows_in - k.rows AS BIGINT), 0) AS removed, CASE WHEN k.rows_in = k.rows THEN 'none' END AS no_row,
  -- Columns are numbered: url#4, visit_id#0L.
  LENGTH(SUBSTR(k.description, 1, POSITION('functions=' IN k.description)))
    - LENGTH(REPLACE(SUBSTR(k.description, 1, POSITION('functions=' IN k.description)), '#', '')) AS num_keys,
  CASE WHEN k.runs > 1 THEN k.runs END AS runs, w.stage_ms, a.executor_run_time AS app_ms
FROM kept AS k
INNER JOIN work AS w
  ON w.platform = k.platform AND w.cluster_id = k.cluster_id
  AND w.application_id = k.application_id AND w.attempt_id = k.attempt_id
  AND w.sql_id = k.sql_id AND w.node_id = k.node_id
INNER JOIN sql AS q
  ON q.platform = k.platform AND q.cluster_id = k.cluster_id
  AND q.application_id = k.application_id AND q.attempt_id = k.attempt_id AND q.sql_id = k.sql_id
INNER JOIN application_run_times AS a
  ON a.platform = k.platform AND a.cluster_id = k.cluster_id
  AND a.application_id = k.application_id AND a.attempt_id = k.attempt_id
WHERE w.query_ms >= $min_stage_ms AND w.query_ms >= $min_share * a.executor_run_time
