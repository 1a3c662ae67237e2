-- id: exploding_rows
-- title: A step makes many rows of each row
-- category: plans
-- severity: low
-- version: 13
-- description: Fires where explode or a function like it (Generate), or the copies that several distinct counts, cubes and grouping sets
--   need (Expand), put out many times the rows that went in, and the stages that it works in took a large part of the
--   task time. Rows that go in are those of the nearest operator below that counts them. All that follows works on
--   the copies: where they are aggregated at once and shuffled (view copied_rows), the stages that read this shuffle count too. Whether the rows are wanted is for the author to know; where the next step groups by the column that explode made, they may well be, which the advice says; where it also computes with that column it is a note only. A loss is counted for distinct counts, which
--   approx_count_distinct makes without copies: what making and aggregating the rows beyond those that went in takes at least, and their part of the stages that read the shuffle, which do nothing else. For grouping sets of sums, counts, minima,
--   maxima and averages it is the copies saved by aggregating before copying, counting all groups of all sets as those of the finest; where a filter on the grouping id right above tells which sets are used, the copies that it
--   throws away, by what making and dropping a row takes at least. None is more than the time of the stages without their spill, which memory_spill and disk_spill count. Copies whose made
--   column is a key of the join above, against random numbers or a hash on its other side, salt that join: they are the price of even tasks (view salted_joins), and the stages of the join that shuffled them count too. How many salts the largest key needs is not known: the loss is that of half of the copies, to make them and, of the stages of the join, their part of
--   the rows. Joins that
--   multiply rows are what exploding_join reports. Where explode makes a row for each value of a sequence (the days from a start to an end), and the next aggregation, across broadcast joins that add no rows, only counts, sums or averages
--   other columns by that value, or without it, and leaves far fewer, the rows are not needed: a change at the start and one at the end, added up in order, give the same. Lost is then a part of the task time of the stages without their scans and spill,
--   for rows beyond those that went in, no more than what such a row cost at most (two applications of this kind took 0.4 and 0.5 microseconds a row with two broadcast joins, and gained 86 % of the task time). Else never above medium, which it also is where a fifth of the wall time (10 seconds or more) or three tenths (5 seconds or more) could be won.
-- subject: node
-- group_by: query_description
-- parameter: min_factor double = 4.0 [ratio] rows put out over those that went in, at least
-- parameter: min_rows double = 2e6 [count] rows put out, at least
-- parameter: min_share double = 0.2 [ratio] task time of the stages of the step over that of the application, at least
-- parameter: min_stage_ms double = 10000 [ms] that task time, at least
-- parameter: medium_stage_ms double = 3600000 [ms] that task time, from which it is of medium severity
-- parameter: row_ms double = 0.000006 [ms] core time to make a copy for a grouping set and drop it in the filter, at least (6 to 18 ns were measured with Spark 4.3)
-- parameter: copy_ms double = 0.00019 [ms] core time to make a copy and aggregate it, at least (as measured with Spark 4.3)
-- parameter: range_part double = 0.7 [ratio] part of the time that rows of a sequence took which is counted as lost
-- parameter: range_ms double = 0.0005 [ms] what a row of a sequence takes until it is aggregated, at most
-- parameter: min_lost_share double = 0.1 [ratio] what rows of a sequence cost over the task time of all stages from which it decides the severity
-- parameter: min_reduction double = 10.0 [ratio] rows of a sequence over those that the aggregation puts out, at least
-- parameter: salt_part double = 0.5 [ratio] copies of a salted join that are taken for needless
-- evidence: {node_name} {node_id:int} of query {sql_id:int} ({query_description:query}) made {rows:row|rows} of {rows_in:int}, {factor:1} times as
--   many[; a filter on the grouping id right above it keeps {sets_used:grouping set|grouping sets}][, {rows_used:row|rows}][; {range_function} makes them][, and {range_joins}the aggregation above leaves {range_groups:row|rows} of them][; they salt {join_name} {join_id:int} above it][, which joins them with {other_rows:row|rows}][ and puts out {join_rows:row|rows}]; the stages that it works in[ and those of this join ({join_ms:s})][ and those that aggregate the shuffled copies ({read_ms:s})] took {stage_ms:s} of {app_ms:s} of task time[ and spilled {spilled:bytes}].
-- advice: node_name = 'Expand' AND is_distinct | - | - | Each distinct count over other columns adds a copy of every row: use
--   approx_count_distinct where an estimate will do, which needs none; else leave out counts that nobody reads, or count each in a query of its own over only its columns where reading the rows again is cheap.
-- advice: node_name = 'Expand' AND sets_used IS NOT NULL | - | - | The other grouping sets are made only to be thrown away: name those that are
--   used (GROUP BY ... GROUPING SETS, or DataFrame.groupingSets in Spark 4) instead of a cube or rollup with a filter on grouping_id.
-- advice: node_name = 'Expand' | - | - | Each grouping set adds a copy of every row: leave out the sets that nobody reads, or aggregate to the finest
--   grouping first and compute the sets from that result.
-- advice: is_salted AND join_name LIKE 'Broadcast%' | - | - | The join above broadcasts these copies and shuffles no rows by key, so that no key can make a task long: join without the salt, which sends
--   each row once.
-- advice: is_salted AND NOT is_full AND has_settings AND spark_minor >= 300 AND NOT adaptive | spark.sql.adaptive.enabled | 'true' | Try the join without the salt: adaptive execution splits the partitions
--   of large keys by itself. Else use fewer salts than {factor:int}, as many as the largest key needs, or salt only the keys that have very many rows and give all others one salt.
-- advice: is_salted AND NOT is_full AND has_settings AND spark_minor >= 300 AND NOT skew_join | spark.sql.adaptive.skewJoin.enabled | 'true' | Try the join without the salt: adaptive execution splits the partitions
--   of large keys by itself. Else use fewer salts than {factor:int}, as many as the largest key needs, or salt only the keys that have very many rows and give all others one salt.
-- advice: is_salted AND NOT is_full AND spark_minor >= 300 | - | - | Use fewer salts than {factor:int}, as many as the largest key needs, or salt only the keys that have very many rows and give all others one
--   salt. Or try the join without the salt: adaptive execution is on and splits the partitions of large keys by itself (spark.sql.adaptive.skewJoin).
-- advice: is_salted | - | - | Use fewer salts than {factor:int}, as many as the largest key needs, or salt only the keys that have very many rows and give all others one salt.
-- advice: range_groups IS NOT NULL AND is_range_key | - | - | The rows are made only to be counted or added up by {range_made}. Make two rows of each instead: its amount (1 for a count) at the start, and the same with a minus after the end. Add these up by {range_made} and
--   the other keys, and take a running sum over {range_made} (a window ordered by it; a calendar fills in values without changes). Else aggregate, and join, before explode where many rows agree in start, end and the other keys.
-- advice: range_groups IS NOT NULL | - | - | The rows are made only to be counted or added up: compute with the length of the sequence instead (datediff of end and start for days), which needs no row for each of its values.
-- advice: is_regrouped | - | - | Work on each array as it is with functions over arrays (aggregate, transform, filter, array_max) in place of explode and groupBy, which
--   groups the rows again that explode made of one: that needs no copies, and no shuffle where the grouping gives each row back.
-- advice: made_key IS NOT NULL AND uses_made | - | - | The rows may be needed: the next step groups by {made_key}, which {node_name} {node_id:int} makes, and computes with it. Then only fewer rows before it help (filter first), or fewer values of
--   {made_key} for each row.
-- advice: made_key IS NOT NULL | - | - | The rows may be needed: the next step groups by {made_key}, which {node_name} {node_id:int} makes. Where many input rows agree in the other keys and in what {made_key} is made of, aggregate by these
--   first and explode the groups (sums, counts, minima and maxima stay the same). Else filter first.
-- advice: is_sequence | - | - | Filter before the rows are multiplied, aggregate first where many rows agree in what the sequence is made of, and join as late as possible.
-- recommendation: Filter and aggregate before the rows are multiplied, carry only the columns that are needed (large texts are copied into
--   every row), or work on the array as it is with functions over arrays (transform, filter, aggregate).
WITH steps AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, TRIM(n.node_name) AS node_name, n.description,
    CAST(n.rows_output AS DOUBLE) AS rows, i.rows AS rows_in
  FROM sql_nodes AS n
  INNER JOIN step_inputs AS i
    ON i.platform = n.platform AND i.cluster_id = n.cluster_id
    AND i.application_id = n.application_id AND i.attempt_id = n.attempt_id AND i.sql_id = n.sql_id AND i.node_id = n.node_id
  WHERE TRIM(n.node_name) IN ('Generate', 'Expand') AND n.rows_output >= $min_rows
),
-- Filter spark_grouping_id#37L IN (31,15) or (spark_grouping_id#37L = 31), with nothing else in it: what follows the id tells the sets.
above AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, CAST(f.rows_output AS DOUBLE) AS rows_used,
    CASE
      WHEN REGEXP_REPLACE(f.description, 'Filter [(]?spark_grouping_id#[0-9]+L? IN [(][0-9, ]+[)]+', '') = ''
        THEN LENGTH(f.description) - LENGTH(REPLACE(f.description, ',', '')) + 1
      WHEN REGEXP_REPLACE(f.description, 'Filter [(]?spark_grouping_id#[0-9]+L? = [0-9]+[)]?', '') = '' THEN 1
    END AS sets_used
  FROM steps AS s
  INNER JOIN sql_nodes AS f
    ON f.platform = s.platform AND f.cluster_id = s.cluster_id
    AND f.application_id = s.application_id AND f.attempt_id = s.attempt_id AND f.sql_id = s.sql_id
    AND f.node_name LIKE '%Filter%' AND ARRAY_CONTAINS(f.child_node_ids, s.node_id)
  WHERE s.node_name = 'Expand'
),
-- Rows of a sequence, which explode holds itself or a projection below made.
generators AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.rows, s.rows_in,
    SPLIT_PART(SPLIT_PART(s.description, ', false, [', 1), ', true, [', 1) AS head, REPLACE(REPLACE(REGEXP_REPLACE(s.description, '^.*, ', ''), '[', ''), ']', '') AS made
  FROM steps AS s
  WHERE s.node_name = 'Generate' AND s.description LIKE 'Generate %explode(%'
),
ranges AS (
  SELECT
    g.platform, g.cluster_id, g.application_id, g.attempt_id, g.sql_id, g.node_id, g.rows, g.rows_in, g.made,
    -- explode(sequence(activated_on, date_sub(ended_on, 1))).
    SUBSTR(REGEXP_REPLACE(REGEXP_REPLACE(SPLIT_PART(REPLACE(g.head, 'Generate ', ''), ', [', 1), '#[0-9]+L?', ''), ', (Some|None)[^a-z].*$', '))'), 1, 160) AS function
  FROM generators AS g
  LEFT JOIN sql_nodes AS p
    ON p.platform = g.platform AND p.cluster_id = g.cluster_id
    AND p.application_id = g.application_id AND p.attempt_id = g.attempt_id AND p.sql_id = g.sql_id AND p.node_id > g.node_id AND p.node_id <= g.node_id + 4
    AND TRIM(p.node_name) = 'Project' AND p.description LIKE '%sequence(%'
    AND INSTR(p.description, CONCAT(' AS ', SPLIT_PART(SPLIT_PART(g.head, 'explode(', 2), ')', 1))) > 0
  WHERE g.made <> '' AND (g.head LIKE '%explode(sequence(%' OR p.node_id IS NOT NULL)
  GROUP BY g.platform, g.cluster_id, g.application_id, g.attempt_id, g.sql_id, g.node_id, g.rows, g.rows_in, g.made, g.head
),
-- What stands between the rows of a sequence and the next aggregation.
range_tops AS (
  SELECT r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, r.node_id, MAX(n.node_id) AS aggregate_id
  FROM ranges AS r
  INNER JOIN sql_nodes AS n
    ON n.platform = r.platform AND n.cluster_id = r.cluster_id
    AND n.application_id = r.application_id AND n.attempt_id = r.attempt_id AND n.sql_id = r.sql_id
    AND n.node_id < r.node_id AND n.last_node_id >= r.node_id
  WHERE TRIM(n.node_name) NOT IN ('Project', 'Filter', 'InputAdapter', 'BroadcastHashJoin') AND n.node_name NOT LIKE 'WholeStageCodegen%'
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, r.node_id
),
range_paths AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, r.node_id, SUM(CASE WHEN n.node_name LIKE 'BroadcastHashJoin%' THEN 1 ELSE 0 END) AS num_joins,
    -- A join that adds or drops rows, and whatever computes with the value of the sequence or looks at it.
    MAX(CASE
      WHEN n.node_name LIKE 'BroadcastHashJoin%' THEN CASE WHEN COALESCE(n.rows_output <= r.rows, FALSE) THEN 0 ELSE 1 END
      WHEN INSTR(REPLACE(REPLACE(REPLACE(CONCAT(', ', REPLACE(n.description, CONCAT('isnotnull(', r.made, ')'), ''), ', '), '[', ', '), ']', ', '), CONCAT(', ', r.made, ', '), ', '), CONCAT(r.made, ',')) > 0
        OR INSTR(REPLACE(REPLACE(REPLACE(CONCAT(', ', REPLACE(n.description, CONCAT('isnotnull(', r.made, ')'), ''), ', '), '[', ', '), ']', ', '), CONCAT(', ', r.made, ', '), ', '), CONCAT(r.made, ' ')) > 0
        OR INSTR(REPLACE(REPLACE(REPLACE(CONCAT(', ', REPLACE(n.description, CONCAT('isnotnull(', r.made, ')'), ''), ', '), '[', ', '), ']', ', '), CONCAT(', ', r.made, ', '), ', '), CONCAT(r.made, ')')) > 0 THEN 1
      ELSE 0
    END) = 1 AS is_used
  FROM ranges AS r
  INNER JOIN range_tops AS t
    ON t.platform = r.platform AND t.cluster_id = r.cluster_id
    AND t.application_id = r.application_id AND t.attempt_id = r.attempt_id AND t.sql_id = r.sql_id AND t.node_id = r.node_id
  INNER JOIN sql_nodes AS n
    ON n.platform = r.platform AND n.cluster_id = r.cluster_id
    AND n.application_id = r.application_id AND n.attempt_id = r.attempt_id AND n.sql_id = r.sql_id
    AND n.node_id < r.node_id AND n.last_node_id >= r.node_id AND n.node_id > t.aggregate_id AND n.node_name NOT LIKE 'WholeStageCodegen%'
  GROUP BY r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, r.node_id
),
summed AS (
  SELECT
    r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, r.node_id, r.made, r.function, CAST(n.rows_output AS DOUBLE) AS groups, COALESCE(p.num_joins, 0) AS num_joins,
    INSTR(CONCAT(', ', SPLIT_PART(SPLIT_PART(REPLACE(n.description, '(key=[', '(keys=['), '(keys=[', 2), '], functions=', 1), ','), CONCAT(', ', r.made, ',')) > 0 AS is_key,
    SPLIT_PART(n.description, '], functions=', 2) AS functions, n.description AS description
  FROM ranges AS r
  INNER JOIN range_tops AS t
    ON t.platform = r.platform AND t.cluster_id = r.cluster_id
    AND t.application_id = r.application_id AND t.attempt_id = r.attempt_id AND t.sql_id = r.sql_id AND t.node_id = r.node_id
  INNER JOIN sql_nodes AS n
    ON n.platform = r.platform AND n.cluster_id = r.cluster_id
    AND n.application_id = r.application_id AND n.attempt_id = r.attempt_id AND n.sql_id = r.sql_id AND n.node_id = t.aggregate_id
  LEFT JOIN range_paths AS p
    ON p.platform = r.platform AND p.cluster_id = r.cluster_id
    AND p.application_id = r.application_id AND p.attempt_id = r.attempt_id AND p.sql_id = r.sql_id AND p.node_id = r.node_id
  WHERE TRIM(n.node_name) = 'HashAggregate' AND n.rows_output > 0 AND NOT COALESCE(p.is_used, FALSE)
    AND r.rows >= $min_reduction * n.rows_output
),
summed_ranges AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, made, function, groups, num_joins, is_key
  FROM summed
  -- Counts, sums and averages only, of other columns.
  WHERE INSTR(functions, 'partial_') > 0 AND INSTR(functions, ' more fields') = 0 AND INSTR(functions, 'distinct') = 0 AND INSTR(functions, 'FILTER') = 0
    AND INSTR(REPLACE(REPLACE(REPLACE(functions, 'partial_sum(', ''), 'partial_count(', ''), 'partial_avg(', ''), 'partial_') = 0
    AND (is_key OR INSTR(description, made) = 0)
    AND INSTR(functions, CONCAT(made, ')')) = 0 AND INSTR(functions, CONCAT(made, ',')) = 0 AND INSTR(functions, CONCAT(made, ' ')) = 0
),
-- The stages of the step itself, of a join that copies were shuffled for, and those that read the shuffle of aggregated copies; a broadcast join is in stages of the other side.
worked AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, o.stage_id, CAST(MAX(o.run_ms) AS DOUBLE) AS run_ms,
    MAX(CASE WHEN o.node_id = s.node_id THEN 1 ELSE 0 END) AS is_own, MAX(CASE WHEN o.node_id = g.exchange_id THEN 1 ELSE 0 END) AS is_read
  FROM steps AS s
  LEFT JOIN salted_joins AS j
    ON j.platform = s.platform AND j.cluster_id = s.cluster_id
    AND j.application_id = s.application_id AND j.attempt_id = s.attempt_id AND j.sql_id = s.sql_id AND j.node_id = s.node_id AND j.join_name NOT LIKE 'Broadcast%'
  LEFT JOIN copied_rows AS g
    ON g.platform = s.platform AND g.cluster_id = s.cluster_id
    AND g.application_id = s.application_id AND g.attempt_id = s.attempt_id AND g.sql_id = s.sql_id AND g.node_id = s.node_id
  INNER JOIN operator_stages AS o
    ON o.platform = s.platform AND o.cluster_id = s.cluster_id
    AND o.application_id = s.application_id AND o.attempt_id = s.attempt_id AND o.sql_id = s.sql_id
  WHERE o.node_id = s.node_id OR o.node_id = j.join_id OR o.node_id = g.exchange_id
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, o.stage_id
),
-- All attempts of a stage.
spills AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, stage_id, SUM(compute_ms + disk_ms) AS spill_ms, SUM(memory_bytes) AS spilled
  FROM spill_costs
  WHERE sql_id IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, stage_id
),
scans AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, SUM(scan_ms) AS scan_ms
  FROM stage_facts
  WHERE scan_ms > 0e0
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
work AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id,
    SUM(run_ms) AS stage_ms, SUM(CASE WHEN is_own = 0 AND is_read = 0 THEN run_ms END) AS join_ms, SUM(CASE WHEN is_own = 0 AND is_read = 1 THEN run_ms END) AS read_ms,
    SUM(CASE WHEN is_own = 1 THEN GREATEST(run_ms - COALESCE(spill_ms, 0e0), 0e0) ELSE 0e0 END) AS own_free_ms,
    SUM(CASE WHEN is_own = 1 THEN GREATEST(run_ms - COALESCE(spill_ms, 0e0) - COALESCE(x.scan_ms, 0e0), 0e0) ELSE 0e0 END) AS own_rest_ms,
    SUM(CASE WHEN is_own = 0 AND is_read = 0 THEN GREATEST(run_ms - COALESCE(spill_ms, 0e0), 0e0) ELSE 0e0 END) AS join_free_ms,
    SUM(CASE WHEN is_own = 0 AND is_read = 1 THEN GREATEST(run_ms - COALESCE(spill_ms, 0e0), 0e0) ELSE 0e0 END) AS read_free_ms,
    SUM(CASE WHEN spilled >= 1048576e0 THEN spilled END) AS spilled
  FROM worked AS w
  LEFT JOIN spills AS l
    ON l.platform = w.platform AND l.cluster_id = w.cluster_id
    AND l.application_id = w.application_id AND l.attempt_id = w.attempt_id AND l.sql_id = w.sql_id AND l.stage_id = w.stage_id
  LEFT JOIN scans AS x
    ON x.platform = w.platform AND x.cluster_id = w.cluster_id
    AND x.application_id = w.application_id AND x.attempt_id = w.attempt_id AND x.stage_id = w.stage_id
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id
),
judged AS (
  SELECT
    w.*, c.rows, c.rows_in, c.node_name, c.description, b.sets_used, b.rows_used,
    CASE
      WHEN b.sets_used IS NOT NULL AND b.rows_used < c.rows THEN LEAST(w.stage_ms, (c.rows - b.rows_used) * $row_ms)
      WHEN j.platform IS NOT NULL THEN $salt_part * (
        LEAST(w.own_free_ms, (c.rows - c.rows_in) * $copy_ms) + COALESCE(w.join_free_ms * (c.rows - c.rows_in) / NULLIF(c.rows + j.other_rows, 0e0), 0e0)
      )
      WHEN e.platform IS NOT NULL THEN $range_part * LEAST(w.own_rest_ms * (c.rows - c.rows_in) / NULLIF(c.rows, 0e0), (c.rows - c.rows_in) * $range_ms)
      WHEN b.platform IS NOT NULL OR g.platform IS NULL THEN CAST(NULL AS DOUBLE)
      WHEN g.is_distinct THEN LEAST(w.own_free_ms, (c.rows - c.rows_in) * $copy_ms) + w.read_free_ms * (c.rows - c.rows_in) / NULLIF(c.rows, 0e0)
      WHEN g.is_summable AND c.rows - c.rows / NULLIF(c.rows_in, 0e0) * g.groups > c.rows_in
        THEN LEAST(w.own_free_ms, (c.rows - c.rows / NULLIF(c.rows_in, 0e0) * g.groups - c.rows_in) * $copy_ms)
    END AS lost_ms
  FROM steps AS c
  INNER JOIN work AS w
    ON w.platform = c.platform AND w.cluster_id = c.cluster_id
    AND w.application_id = c.application_id AND w.attempt_id = c.attempt_id
    AND w.sql_id = c.sql_id AND w.node_id = c.node_id
  LEFT JOIN above AS b
    ON b.platform = c.platform AND b.cluster_id = c.cluster_id
    AND b.application_id = c.application_id AND b.attempt_id = c.attempt_id AND b.sql_id = c.sql_id AND b.node_id = c.node_id
  LEFT JOIN salted_joins AS j
    ON j.platform = c.platform AND j.cluster_id = c.cluster_id
    AND j.application_id = c.application_id AND j.attempt_id = c.attempt_id AND j.sql_id = c.sql_id AND j.node_id = c.node_id AND j.join_name NOT LIKE 'Broadcast%'
  LEFT JOIN summed_ranges AS e
    ON e.platform = c.platform AND e.cluster_id = c.cluster_id
    AND e.application_id = c.application_id AND e.attempt_id = c.attempt_id AND e.sql_id = c.sql_id AND e.node_id = c.node_id
  LEFT JOIN copied_rows AS g
    ON g.platform = c.platform AND g.cluster_id = c.cluster_id
    AND g.application_id = c.application_id AND g.attempt_id = c.attempt_id AND g.sql_id = c.sql_id AND g.node_id = c.node_id
)
SELECT
  c.platform, c.cluster_id, c.application_id, c.attempt_id,
  CONCAT(CAST(c.sql_id AS STRING), '.', CAST(c.node_id AS STRING)) AS subject_id,
  CASE WHEN e.platform IS NOT NULL AND c.lost_ms >= $min_lost_share * a.executor_run_time THEN CAST(NULL AS STRING) WHEN g.made_key IS NOT NULL AND g.uses_made AND j.platform IS NULL THEN 'info' WHEN c.stage_ms >= $medium_stage_ms THEN 'medium' WHEN ((c.lost_ms * x.wall_ratio >= 10000 AND c.lost_ms * x.wall_ratio >= 0.2e0 * x.app_duration_ms) OR (c.lost_ms * x.wall_ratio >= 5000 AND c.lost_ms * x.wall_ratio >= 0.3e0 * x.app_duration_ms)) THEN 'medium' ELSE 'low' END AS severity,
  'medium' AS confidence,
  TRY_CAST(c.lost_ms AS BIGINT) AS lost_core_ms,
  TRY_CAST(c.lost_ms * x.wall_ratio AS BIGINT) AS recoverable_ms,
  CASE
    WHEN c.node_name = 'Expand' THEN 'Distinct counts or grouping sets copy every row several times'
    WHEN j.platform IS NOT NULL THEN 'A salted join copies every row of one side' WHEN e.platform IS NOT NULL THEN 'explode makes a row for each value of a sequence, only to add them up' ELSE 'explode makes many rows of each row'
  END AS title,
  c.node_name, c.node_id, c.sql_id, SUBSTR(q.description, 1, 200) AS query_description, c.rows, TRY_CAST(c.rows_in AS BIGINT) AS rows_in,
  CASE WHEN c.rows_used IS NOT NULL THEN c.sets_used END AS sets_used, CASE WHEN c.sets_used IS NOT NULL THEN TRY_CAST(c.rows_used AS BIGINT) END AS rows_used,
  c.rows / NULLIF(c.rows_in, 0) AS factor, c.stage_ms, c.join_ms, c.read_ms, c.spilled, a.executor_run_time AS app_ms,
  -- What Spark calls the column that tells the copies apart: gid for distinct counts, spark_grouping_id for grouping sets.
  COALESCE(c.description NOT LIKE '%spark\_grouping\_id%', TRUE) AS is_distinct,
  COALESCE(g.is_same AND g.groups >= 0.5e0 * c.rows_in, FALSE) AS is_regrouped, CASE WHEN j.platform IS NULL THEN g.made_key END AS made_key, COALESCE(g.uses_made, FALSE) AS uses_made,
  r.platform IS NOT NULL AS is_sequence, e.groups AS range_groups, e.function AS range_function, REGEXP_REPLACE(e.made, '#[0-9]+L?$', '') AS range_made, COALESCE(e.is_key, FALSE) AS is_range_key,
  CASE WHEN e.num_joins = 1 THEN 'after a broadcast join ' WHEN e.num_joins > 1 THEN CONCAT('after ', CAST(e.num_joins AS STRING), ' broadcast joins ') WHEN e.platform IS NOT NULL THEN '' END AS range_joins,
  j.platform IS NOT NULL AS is_salted, j.join_name, j.join_id, j.other_rows, j.join_rows, j.is_full,
  f.spark_minor, f.has_settings, COALESCE(t.adaptive, f.adaptive) AS adaptive, COALESCE(t.skew_join, f.skew_join) AS skew_join
FROM judged AS c
LEFT JOIN regrouped_rows AS g
  ON g.platform = c.platform AND g.cluster_id = c.cluster_id
  AND g.application_id = c.application_id AND g.attempt_id = c.attempt_id AND g.sql_id = c.sql_id AND g.node_id = c.node_id
LEFT JOIN ranges AS r
  ON r.platform = c.platform AND r.cluster_id = c.cluster_id
  AND r.application_id = c.application_id AND r.attempt_id = c.attempt_id AND r.sql_id = c.sql_id AND r.node_id = c.node_id
LEFT JOIN summed_ranges AS e
  ON e.platform = c.platform AND e.cluster_id = c.cluster_id
  AND e.application_id = c.application_id AND e.attempt_id = c.attempt_id AND e.sql_id = c.sql_id AND e.node_id = c.node_id
LEFT JOIN salted_joins AS j
  ON j.platform = c.platform AND j.cluster_id = c.cluster_id
  AND j.application_id = c.application_id AND j.attempt_id = c.attempt_id AND j.sql_id = c.sql_id AND j.node_id = c.node_id
LEFT JOIN application_settings AS f
  ON f.platform = c.platform AND f.cluster_id = c.cluster_id
  AND f.application_id = c.application_id AND f.attempt_id = c.attempt_id
LEFT JOIN application_facts AS x
  ON x.platform = c.platform AND x.cluster_id = c.cluster_id
  AND x.application_id = c.application_id AND x.attempt_id = c.attempt_id
LEFT JOIN query_settings AS t
  ON t.platform = c.platform AND t.cluster_id = c.cluster_id
  AND t.application_id = c.application_id AND t.attempt_id = c.attempt_id AND t.sql_id = c.sql_id
INNER JOIN sql AS q
  ON q.platform = c.platform AND q.cluster_id = c.cluster_id
  AND q.application_id = c.application_id AND q.attempt_id = c.attempt_id AND q.sql_id = c.sql_id
INNER JOIN application_run_times AS a
  ON a.platform = c.platform AND a.cluster_id = c.cluster_id
  AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id
WHERE c.rows >= $min_factor * c.rows_in AND c.stage_ms >= $min_stage_ms AND c.stage_ms >= $min_share * a.executor_run_time
