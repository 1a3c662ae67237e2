-- id: cross_join
-- title: A join compares every row with every row
-- category: plans
-- severity: medium
-- version: 13
-- description: Fires for a cartesian product or a nested loop join that put out very many rows, by the
--   count of the join itself, or that put out many rows or compared very many pairs while the stages that it works in took a
--   large part of the task time of the application. Such a join has no equality to sort or hash by, so its cost is the
--   product of its sides, however few rows are left (a lookup in ranges). The rows of a side are those of the nearest
--   operator below that counts them, as long as all between passes on every row. Where few of the pairs match, an equality would spare nearly all of them: lost is what
--   its stages took beyond what other operators in them can take for the rows that they put out (without Python), at least what comparing the pairs takes. Of a NOT IN, NOT EXISTS or EXISTS,
--   which stops at the first match, only the rows without one were compared with all of the other side; it loses what those pairs take at least where its condition is of equalities. Where a condition with a
--   small table keeps many of the pairs, but not all, as one of rates that apply to most rows does, the rows are what the query is for: such a join is told for very many rows alone.
--   Of joins whose loss is not known, those of one operator and one advice are one finding, the one with the longest stages.
-- subject: node
-- group_by: kind
-- parameter: min_rows double = 1e8 [count] rows that the join put out, at least
-- parameter: min_slow_rows double = 1e6 [count] or the same where its stages are slow, at least
-- parameter: min_pairs double = 1e8 [count] or pairs of rows that it compared, at least, where its stages are slow
-- parameter: min_stage_ms double = 10000 [ms] task time of the stages of the join, at least, for them to be slow
-- parameter: min_stage_share double = 0.25 [ratio] and the same over the task time of the application
-- parameter: min_costly_pairs double = 1e7 [count] pairs of rows that it compared, at least, where its stages are most of the application
-- parameter: most_stage_share double = 0.5 [ratio] task time of its stages over that of the application, at least, for that
-- parameter: few_rows double = 100 [count] rows of the smaller side, at most, for it to be a small table
-- parameter: many_kept double = 0.3 [ratio] rows that a condition keeps of the pairs, from which they are taken to be wanted
-- parameter: pair_ms double = 0.00001 [ms] core time that comparing a pair takes, at least (10 ns)
-- parameter: sure_pair_ms double = 0.000002 [ms] the same for an equality (2 ns)
-- parameter: min_sure_share double = 0.1 [ratio] time of pairs that an equality spares for sure over that of the stages, at least, to be counted
-- parameter: row_ms double = 0.005 [ms] core time that another operator takes for a row that it puts out, at most (5 us)
-- parameter: critical_rows double = 1e10 [count] rows that the join put out, from which it is of high severity
-- evidence: {node_name}[ compared each of {left_rows:row|rows} with each of {right_rows:int} and][ compared {pairs:pair|pairs} of rows and] put out {rows:row|rows} in query {sql_id:int}[, which took {duration_ms:s}][; the stages that it works in took
--   {stage_ms:s} of {app_ms:s} of task time][, {cpu_ms:s} of it on the processor][, comparing the pairs about {compare_ms:s}][, comparing {sure_pairs:pair|pairs} of rows {sure_ms:s} or more][. The same holds for {num_more:more join|more joins} ({more_joins})][; the stages of all these joins took {all_stage_ms:s} of task time].
-- advice: is_not_in | - | - | A NOT IN of several columns, or of columns that may hold NULL, has to compare every pair. Write it as NOT EXISTS, or as a
--   left anti join, with an equality for each column, and treat NULL apart: then Spark hashes instead.
-- advice: is_pattern | - | - | A pattern is tried on every row. Join on what rows and patterns have in common first (a fixed beginning, a key taken out
--   once), or put the patterns into one expression (a|b|c) and look up the one that matched.
-- advice: is_choice | - | - | The condition is a choice (OR) of equalities: join once for each of them by its equality and take the union of the
--   results, each pair once (for NOT EXISTS, one after the other). Then Spark hashes instead of comparing every pair.
-- advice: is_bare | - | - | The join has no condition at all, so most likely it was forgotten: join on what both sides have in common. Where every
--   pair is meant, write crossJoin and filter or aggregate both sides first.
-- advice: is_lookup | - | - | Give both sides a number that equal rows share and join on it too: for ranges of numbers or times the number of the bucket
--   (an hour, the value divided by the width of a range; a range that spans several buckets is listed in each). Then Spark hashes
--   instead of comparing every pair.
-- recommendation: Add an equality to the join condition (a day, a bucket, a key that both sides have), or filter both sides
--   before the join.
WITH joins AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, node_name, description, rows_output
  FROM sql_nodes
  WHERE node_name LIKE 'CartesianProduct%' OR node_name LIKE 'BroadcastNestedLoopJoin%'
),
compared AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    MAX(CASE WHEN place = 'left' THEN rows END) AS left_rows, MAX(CASE WHEN place = 'right' THEN rows END) AS right_rows
  FROM step_inputs
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
work AS (
  SELECT
    o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id,
    SUM(CAST(o.run_ms AS DOUBLE)) AS stage_ms, SUM(s.cpu_ms) AS cpu_ms, MAX(s.num_tasks) AS num_tasks
  FROM operator_stages AS o
  LEFT JOIN (
    SELECT platform, cluster_id, application_id, attempt_id, stage_id, CAST(MAX(num_tasks) AS DOUBLE) AS num_tasks,
      NULLIF(SUM(CAST(executor_cpu_time AS DOUBLE)) / 1e6, 0e0) AS cpu_ms
    FROM stages
    GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
  ) AS s
    ON s.platform = o.platform AND s.cluster_id = o.cluster_id
    AND s.application_id = o.application_id AND s.attempt_id = o.attempt_id AND s.stage_id = o.stage_id
  GROUP BY o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id
),
-- What the other operators in the same stages put out.
others AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id,
    SUM(COALESCE(CAST(n.rows_output AS DOUBLE), 0e0)) AS other_rows,
    MAX(CASE WHEN n.node_name LIKE '%Python%' OR n.node_name LIKE '%Pandas%' THEN 1 ELSE 0 END) = 1 AS has_python
  FROM (
    SELECT DISTINCT o.platform, o.cluster_id, o.application_id, o.attempt_id, o.sql_id, o.node_id, b.node_id AS other_id
    FROM joins AS c
    INNER JOIN operator_stages AS o
      ON o.platform = c.platform AND o.cluster_id = c.cluster_id
      AND o.application_id = c.application_id AND o.attempt_id = c.attempt_id AND o.sql_id = c.sql_id AND o.node_id = c.node_id
    INNER JOIN operator_stages AS b
      ON b.platform = o.platform AND b.cluster_id = o.cluster_id
      AND b.application_id = o.application_id AND b.attempt_id = o.attempt_id AND b.sql_id = o.sql_id AND b.stage_id = o.stage_id
    WHERE b.node_id <> o.node_id
  ) AS j
  INNER JOIN sql_nodes AS n
    ON n.platform = j.platform AND n.cluster_id = j.cluster_id
    AND n.application_id = j.application_id AND n.attempt_id = j.attempt_id AND n.sql_id = j.sql_id AND n.node_id = j.other_id
  GROUP BY j.platform, j.cluster_id, j.application_id, j.attempt_id, j.sql_id, j.node_id
),
-- A cartesian product has a task for each pair of partitions, which computes both: the rows of each side are counted once for each
-- partition of the other.
paired AS (
  SELECT
    n.*, w.stage_ms, w.cpu_ms,
    CASE WHEN n.is_product THEN CAST(NULL AS BIGINT) ELSE c.left_rows END AS left_rows,
    CASE WHEN n.is_product THEN CAST(NULL AS BIGINT) ELSE c.right_rows END AS right_rows,
    CAST(c.left_rows AS DOUBLE) * c.right_rows / CASE WHEN n.is_product THEN NULLIF(w.num_tasks, 0e0) ELSE 1e0 END AS pairs
  FROM (SELECT j.*, j.node_name LIKE 'CartesianProduct%' AS is_product FROM joins AS j) AS n
  LEFT JOIN compared AS c
    ON c.platform = n.platform AND c.cluster_id = n.cluster_id
    AND c.application_id = n.application_id AND c.attempt_id = n.attempt_id AND c.sql_id = n.sql_id AND c.node_id = n.node_id
  LEFT JOIN work AS w
    ON w.platform = n.platform AND w.cluster_id = n.cluster_id
    AND w.application_id = n.application_id AND w.attempt_id = n.attempt_id
    AND w.sql_id = n.sql_id AND w.node_id = n.node_id
),
-- What a condition is of tells which other join is possible.
described AS (
  SELECT
    p.*,
    COALESCE(p.description LIKE '% OR %' AND p.description LIKE '% = %' AND p.description NOT LIKE '% < %'
      AND p.description NOT LIKE '% > %' AND p.description NOT LIKE '% <= %' AND p.description NOT LIKE '% >= %', FALSE) AS is_choice,
    COALESCE(p.description LIKE '%LeftAnti%' AND p.description LIKE '%isnull((%', FALSE) AS is_not_in,
    COALESCE(p.description LIKE '%RLIKE(%' OR p.description LIKE '% LIKE %' OR p.description LIKE '%Contains(%'
      OR p.description LIKE '%StartsWith(%' OR p.description LIKE '%EndsWith(%', FALSE) AS is_pattern,
    -- A join that looks whether there is a match at all stops at the first one: the rows without one were compared with all.
    CASE
      WHEN p.description LIKE '%BuildRight, LeftAnti%' THEN CAST(p.rows_output AS DOUBLE) * p.right_rows
      WHEN p.description LIKE '%BuildRight, LeftSemi%' THEN (CAST(p.left_rows AS DOUBLE) - p.rows_output) * p.right_rows
    END AS unmatched_pairs
  FROM paired AS p
),
bounded AS (
  SELECT
    d.*, CASE WHEN d.rows_output < 0.1e0 * d.pairs AND (d.is_choice OR d.is_not_in) AND NOT d.is_pattern AND d.unmatched_pairs * $sure_pair_ms >= $min_sure_share * d.stage_ms THEN d.unmatched_pairs END AS sure_pairs
  FROM described AS d
),
timed AS (
  SELECT
    p.*,
    CASE
      WHEN p.rows_output < 0.1e0 * p.pairs AND (p.is_product OR p.description LIKE '%Inner%' OR p.description LIKE '%Outer%')
        THEN LEAST(p.stage_ms, GREATEST(
          p.pairs * $pair_ms, CASE WHEN NOT COALESCE(o.has_python, FALSE) THEN p.stage_ms - $row_ms * (p.rows_output + COALESCE(o.other_rows, 0e0)) ELSE 0e0 END
        ))
    END AS compare_ms,
    CASE WHEN p.sure_pairs IS NOT NULL THEN LEAST(p.stage_ms, p.sure_pairs * $sure_pair_ms) END AS sure_ms
  FROM bounded AS p
  LEFT JOIN others AS o
    ON o.platform = p.platform AND o.cluster_id = p.cluster_id
    AND o.application_id = p.application_id AND o.attempt_id = p.attempt_id AND o.sql_id = p.sql_id AND o.node_id = p.node_id
),
told AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.node_id, COALESCE(n.compare_ms, n.sure_ms) IS NULL AS is_open,
    CONCAT(CAST(n.sql_id AS STRING), '.', CAST(n.node_id AS STRING)) AS subject_id,
    CASE
      WHEN n.rows_output >= $critical_rows THEN 3
      -- What is lost decides, where it is known.
      WHEN COALESCE(n.compare_ms, n.sure_ms) IS NOT NULL THEN 0
      WHEN q.duration_ms >= 60000 AND (n.rows_output >= $min_rows OR n.pairs >= $critical_rows) THEN 2
      ELSE 1
    END AS severity_rank,
    CASE WHEN COALESCE(n.compare_ms, n.sure_ms) IS NOT NULL THEN 'medium' ELSE 'high' END AS confidence,
    TRY_CAST(COALESCE(n.compare_ms, n.sure_ms) AS BIGINT) AS lost_core_ms, TRY_CAST(COALESCE(n.compare_ms, n.sure_ms) * f.wall_ratio AS BIGINT) AS recoverable_ms,
    n.compare_ms, n.sure_ms, CASE WHEN n.sure_ms IS NOT NULL THEN TRY_CAST(n.sure_pairs AS BIGINT) END AS sure_pairs,
    n.node_name, n.rows_output AS rows, n.sql_id, q.duration_ms,
    CASE WHEN n.right_rows IS NOT NULL THEN n.left_rows END AS left_rows, CASE WHEN n.left_rows IS NOT NULL THEN n.right_rows END AS right_rows,
    CASE WHEN n.is_product THEN TRY_CAST(ROUND(n.pairs) AS BIGINT) END AS pairs,
    n.is_choice, n.is_not_in, n.is_pattern,
    -- One that was meant so says Cross.
    COALESCE(TRIM(n.description) RLIKE '^BroadcastNestedLoopJoin Build(Left|Right), Inner$', FALSE) AS is_bare,
    -- Few of the pairs match.
    COALESCE(n.rows_output < 0.1e0 * n.pairs, FALSE) AS is_lookup,
    n.stage_ms, n.cpu_ms, CASE WHEN n.stage_ms IS NOT NULL THEN a.executor_run_time END AS app_ms
  FROM timed AS n
  INNER JOIN sql AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
  INNER JOIN application_run_times AS a
    ON a.platform = n.platform AND a.cluster_id = n.cluster_id
    AND a.application_id = n.application_id AND a.attempt_id = n.attempt_id
  INNER JOIN application_facts AS f
    ON f.platform = n.platform AND f.cluster_id = n.cluster_id
    AND f.application_id = n.application_id AND f.attempt_id = n.attempt_id
  WHERE n.rows_output >= $min_rows
    OR (NOT COALESCE(n.rows_output >= $many_kept * n.pairs AND n.rows_output < 0.999e0 * n.pairs AND LEAST(n.left_rows, n.right_rows) <= $few_rows, FALSE)
      AND (n.rows_output >= $min_slow_rows OR n.pairs >= $min_pairs) AND n.stage_ms >= $min_stage_ms AND n.stage_ms >= $min_stage_share * a.executor_run_time)
    OR (NOT COALESCE(n.rows_output >= $many_kept * n.pairs AND n.rows_output < 0.999e0 * n.pairs AND LEAST(n.left_rows, n.right_rows) <= $few_rows, FALSE) AND n.pairs >= $min_costly_pairs AND n.stage_ms >= $min_stage_ms AND n.stage_ms >= $most_stage_share * a.executor_run_time)
),
judged AS (
  SELECT
    d.*,
    CASE WHEN NOT is_open THEN node_name
      ELSE CONCAT(node_name, CASE WHEN is_not_in THEN ' not in' WHEN is_pattern THEN ' pattern' WHEN is_choice THEN ' choice' WHEN is_bare THEN ' bare' WHEN is_lookup THEN ' lookup' ELSE ' open' END) END AS kind
  FROM told AS d
),
ranked AS (
  SELECT
    j.*, MAX(severity_rank) OVER alike AS worst_rank, COUNT(*) OVER alike AS num_alike,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, kind ORDER BY COALESCE(stage_ms, 0e0) DESC, rows DESC, sql_id, node_id
    ) AS place
  FROM judged AS j
  WINDOW alike AS (PARTITION BY platform, cluster_id, application_id, attempt_id, kind)
),
-- Of joins whose loss is not known, the one with the longest stages stands for all that get the same advice.
others_alike AS (
  SELECT platform, cluster_id, application_id, attempt_id, kind, ARRAY_JOIN(ARRAY_SORT(ARRAY_AGG(CONCAT('node ', subject_id))), ', ') AS more_joins
  FROM ranked
  WHERE is_open AND place BETWEEN 2 AND 4
  GROUP BY platform, cluster_id, application_id, attempt_id, kind
),
-- Each stage once.
stages_alike AS (
  SELECT platform, cluster_id, application_id, attempt_id, kind, SUM(run_ms) AS all_stage_ms
  FROM (
    SELECT DISTINCT r.platform, r.cluster_id, r.application_id, r.attempt_id, r.kind, o.stage_id, CAST(o.run_ms AS DOUBLE) AS run_ms
    FROM ranked AS r
    INNER JOIN operator_stages AS o
      ON o.platform = r.platform AND o.cluster_id = r.cluster_id
      AND o.application_id = r.application_id AND o.attempt_id = r.attempt_id AND o.sql_id = r.sql_id AND o.node_id = r.node_id
    WHERE r.is_open AND r.num_alike > 1
  ) AS s
  GROUP BY platform, cluster_id, application_id, attempt_id, kind
)
SELECT
  r.platform, r.cluster_id, r.application_id, r.attempt_id, r.subject_id,
  CASE WHEN NOT r.is_open AND r.severity_rank = 3 OR r.is_open AND r.worst_rank = 3 THEN 'high' WHEN r.is_open AND r.worst_rank = 2 THEN 'medium' WHEN r.is_open THEN 'low' END AS severity,
  r.confidence, r.lost_core_ms, r.recoverable_ms,
  r.compare_ms, r.sure_ms, r.sure_pairs, r.node_name, r.kind, r.rows, r.sql_id, r.duration_ms, r.left_rows, r.right_rows, r.pairs,
  r.is_choice, r.is_not_in, r.is_pattern, r.is_bare, r.is_lookup, r.stage_ms, r.cpu_ms, r.app_ms,
  CASE WHEN o.platform IS NOT NULL THEN r.num_alike - 1 END AS num_more, CASE WHEN r.num_alike > 4 THEN CONCAT(o.more_joins, ', …') ELSE o.more_joins END AS more_joins, t.all_stage_ms
FROM ranked AS r
LEFT JOIN others_alike AS o
  ON o.platform = r.platform AND o.cluster_id = r.cluster_id
  AND o.application_id = r.application_id AND o.attempt_id = r.attempt_id AND o.kind = r.kind
LEFT JOIN stages_alike AS t
  ON t.platform = r.platform AND t.cluster_id = r.cluster_id
  AND t.application_id = r.application_id AND t.attempt_id = r.attempt_id AND t.kind = r.kind
WHERE NOT r.is_open OR r.place = 1
