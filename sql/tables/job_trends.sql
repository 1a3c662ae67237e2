-- id: job_trends
-- title: Runs of recurring jobs against their own past
-- description: One row per run of a recurring job. A run is comparable when its history is complete, its
--   length is known and nothing says that it failed. Its baseline are the last comparable runs before
--   it: medians, so that one odd run moves nothing. It has become slower, or takes more core time,
--   where it exceeds the baseline by the smallest change, by the smallest amount, and by more than the
--   runs of the baseline differ among themselves. The cause is looked for against the reference run,
--   that run of the baseline whose duration is nearest to the median: more data explains it where the
--   time per input has not grown; else another Spark version, other settings (those of SQL only where
--   queries ran), other operators in the plans, fewer cores, in this order. Nothing is told per input where a plan reads streams or tables through JDBC or the like, whose bytes
--   Spark does not count, nor where it reads a cache and no file. A plan without a source (SELECT 1) reads nothing, so that it hides nothing. Reads of a cache count as input each time, in its own bytes, so that numbers per input compare only runs that cache the same. Interactive applications have no job and are never here.
-- parameter: baseline_runs bigint = 10 [count] comparable runs that make up the baseline, at most 20
-- parameter: min_baseline_runs bigint = 3 [count] comparable runs without which there is no verdict
-- parameter: min_change double = 0.3 [ratio] smallest growth over the baseline that counts
-- parameter: min_slower_ms bigint = 60000 [ms] smallest growth of the duration that counts
-- parameter: min_core_ms bigint = 600000 [core_ms] smallest growth of the core time that counts
-- parameter: spreads double = 4.0 [ratio] how many median deviations of the baseline a growth has to exceed
-- parameter: fewer_cores double = 0.8 [ratio] share of the reference run's cores below which a run had fewer
-- scope: job_key
-- reads: application_costs, application_profiles, applications, ineffjobagg
WITH facts AS (
  SELECT
    a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id, a.app_date,
    a.job_key, a.application_name, a.start_time, a.spark_version, a.num_sql, a.cores_max,
    a.num_executors_max, a.core_time_ms, a.input_bytes, i.lost_core_ms, c.cost_usd,
    p.tuning_settings, p.operators, p.operator_counts,
    -- Streams and tables of other systems (JDBC, Kafka: Scan JDBCRelation) have rows without bytes, so that only the files beside them would count; a cache that no
    -- file of these plans fills counts each read of itself, and nothing of where its rows came from.
    -- Scan OneRowRelation is the one row of a query without a source.
    COALESCE(
      REGEXP_LIKE(REPLACE(p.operator_list, '|Scan OneRowRelation|', '|'), '[|](MicroBatchScan|ContinuousScan|StreamingRelation|Scan [A-Za-z0-9_.]*Relation[|])')
      OR (p.operator_list LIKE '%|InMemoryTableScan%' AND NOT REGEXP_LIKE(p.operator_list, '[|]([A-Za-z]*Scan [a-z]|[A-Za-z]*BatchScan)')),
      FALSE
    ) AS is_uncounted,
    -- A history that was cut off, or clocks that run backwards, leave only a lower bound.
    CASE WHEN a.complete AND a.observed_duration_ms > 0 THEN a.observed_duration_ms END AS duration_ms,
    a.complete AND a.failure_reason IS NULL AND COALESCE(a.observed_duration_ms > 0, FALSE)
      AS is_comparable
  FROM applications AS a
  LEFT JOIN ineffjobagg AS i
    ON i.platform = a.platform AND i.cluster_id = a.cluster_id
    AND i.application_id = a.application_id AND i.attempt_id = a.attempt_id
  LEFT JOIN application_costs AS c
    ON c.platform = a.platform AND c.cluster_id = a.cluster_id
    AND c.application_id = a.application_id AND c.attempt_id = a.attempt_id AND c.is_preferred
  LEFT JOIN (
    SELECT q.*, CONCAT('|', ARRAY_JOIN(operators, '|'), '|') AS operator_list FROM application_profiles AS q
  ) AS p
    ON p.platform = a.platform AND p.cluster_id = a.cluster_id
    AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
  WHERE a.job_key IS NOT NULL AND NOT COALESCE(a.is_interactive, FALSE)
),
ordered AS (
  SELECT
    f.*,
    -- Below 16 MiB start-up decides, not the data; and Spark 4 hardly counts bytes of local files.
    CAST(f.duration_ms AS DOUBLE) / CASE WHEN f.input_bytes >= 16777216 AND NOT f.is_uncounted THEN f.input_bytes END * 1e9 AS duration_per_gb_ms,
    CAST(f.core_time_ms AS DOUBLE) / CASE WHEN f.input_bytes >= 16777216 AND NOT f.is_uncounted THEN f.input_bytes END * 1e9 AS core_time_per_gb_ms,
    CAST(f.lost_core_ms AS DOUBLE) / NULLIF(f.core_time_ms, 0) AS waste_ratio,
    ROW_NUMBER() OVER (
      PARTITION BY job_key
      ORDER BY COALESCE(start_time, CAST(app_date AS TIMESTAMP)), platform, cluster_id, application_id, attempt_id
    ) AS run_number
  FROM facts AS f
),
numbered AS (
  SELECT
    o.*,
    -- The number of a comparable run among those, and of the comparable runs up to any run.
    SUM(CASE WHEN is_comparable THEN 1 ELSE 0 END) OVER (
      PARTITION BY job_key ORDER BY run_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS comparable_number
  FROM ordered AS o
),
distances AS (
  SELECT CAST(d.distance AS BIGINT) AS distance
  FROM (
    VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10),
    (11), (12), (13), (14), (15), (16), (17), (18), (19), (20)
  ) AS d (distance)
  WHERE d.distance <= $baseline_runs
),
wanted AS (
  SELECT
    n.job_key, n.run_number,
    n.comparable_number + CASE WHEN n.is_comparable THEN 0 ELSE 1 END - d.distance AS comparable_number
  FROM numbered AS n
  CROSS JOIN distances AS d
),
earlier AS (
  SELECT
    w.job_key, w.run_number, e.run_number AS earlier_number,
    CAST(e.duration_ms AS DOUBLE) AS duration_ms, CAST(e.core_time_ms AS DOUBLE) AS core_time_ms,
    CAST(e.input_bytes AS DOUBLE) AS input_bytes, e.duration_per_gb_ms, e.core_time_per_gb_ms, e.waste_ratio,
    e.cost_usd
  FROM wanted AS w
  INNER JOIN numbered AS e
    ON e.job_key = w.job_key AND e.comparable_number = w.comparable_number AND e.is_comparable
),
baseline AS (
  SELECT
    job_key, run_number,
    COUNT(*) AS num_runs,
    MEDIAN(duration_ms) AS duration_ms,
    MEDIAN(core_time_ms) AS core_time_ms,
    MEDIAN(input_bytes) AS input_bytes,
    MEDIAN(duration_per_gb_ms) AS duration_per_gb_ms,
    MEDIAN(core_time_per_gb_ms) AS core_time_per_gb_ms,
    MEDIAN(waste_ratio) AS waste_ratio,
    MEDIAN(cost_usd) AS cost_usd
  FROM earlier
  GROUP BY job_key, run_number
),
deviations AS (
  SELECT
    e.job_key, e.run_number, e.earlier_number,
    ABS(e.duration_ms - b.duration_ms) AS duration_ms,
    ABS(e.core_time_ms - b.core_time_ms) AS core_time_ms
  FROM earlier AS e
  INNER JOIN baseline AS b ON b.job_key = e.job_key AND b.run_number = e.run_number
),
spread AS (
  SELECT
    job_key, run_number,
    MEDIAN(duration_ms) AS duration_ms,
    MEDIAN(core_time_ms) AS core_time_ms
  FROM deviations
  GROUP BY job_key, run_number
),
nearest AS (
  SELECT
    job_key, run_number, earlier_number,
    ROW_NUMBER() OVER (PARTITION BY job_key, run_number ORDER BY duration_ms, earlier_number DESC) AS place
  FROM deviations
),
compared AS (
  SELECT
    n.platform, n.cluster_id, n.cluster_name, n.application_id, n.attempt_id, n.app_date,
    n.job_key, n.application_name, n.start_time, n.run_number, n.is_comparable,
    n.duration_ms, n.core_time_ms, n.input_bytes, n.lost_core_ms, n.waste_ratio,
    n.duration_per_gb_ms, n.core_time_per_gb_ms, n.num_executors_max, n.spark_version,
    COALESCE(b.num_runs, 0) AS baseline_runs,
    b.duration_ms AS baseline_duration_ms,
    b.core_time_ms AS baseline_core_time_ms,
    b.input_bytes AS baseline_input_bytes,
    b.duration_per_gb_ms AS baseline_duration_per_gb_ms,
    b.core_time_per_gb_ms AS baseline_core_time_per_gb_ms,
    b.waste_ratio AS baseline_waste_ratio,
    n.cost_usd,
    b.cost_usd AS baseline_cost_usd,
    s.duration_ms AS spread_duration_ms,
    s.core_time_ms AS spread_core_time_ms,
    n.duration_ms / NULLIF(b.duration_ms, 0e0) - 1e0 AS duration_change_ratio,
    n.core_time_ms / NULLIF(b.core_time_ms, 0e0) - 1e0 AS core_time_change_ratio,
    n.input_bytes / NULLIF(b.input_bytes, 0e0) - 1e0 AS input_change_ratio,
    n.duration_per_gb_ms / NULLIF(b.duration_per_gb_ms, 0e0) - 1e0 AS duration_per_gb_change_ratio,
    n.core_time_per_gb_ms / NULLIF(b.core_time_per_gb_ms, 0e0) - 1e0 AS core_time_per_gb_change_ratio,
    CAST(n.cores_max AS DOUBLE) / NULLIF(r.cores_max, 0) - 1e0 AS cores_change_ratio,
    r.application_id AS reference_application_id,
    r.spark_version AS reference_spark_version,
    ARRAY_JOIN(ARRAY_EXCEPT(n.tuning_settings, r.tuning_settings), ', ') AS new_settings,
    ARRAY_JOIN(ARRAY_EXCEPT(r.tuning_settings, n.tuning_settings), ', ') AS old_settings,
    CONCAT(
      '~|~', ARRAY_JOIN(ARRAY_EXCEPT(n.tuning_settings, r.tuning_settings), '~|~'),
      '~|~', ARRAY_JOIN(ARRAY_EXCEPT(r.tuning_settings, n.tuning_settings), '~|~')
    ) AS different_settings,
    -- Settings of queries change nothing where none ran.
    COALESCE(n.num_sql = 0 AND r.num_sql = 0, FALSE) AS is_without_sql,
    -- Counts say more, but grow with the number of queries.
    CASE
      WHEN n.num_sql = r.num_sql THEN ARRAY_JOIN(ARRAY_EXCEPT(n.operator_counts, r.operator_counts), ', ')
      ELSE ARRAY_JOIN(ARRAY_EXCEPT(n.operators, r.operators), ', ')
    END AS new_operators,
    CASE
      WHEN n.num_sql = r.num_sql THEN ARRAY_JOIN(ARRAY_EXCEPT(r.operator_counts, n.operator_counts), ', ')
      ELSE ARRAY_JOIN(ARRAY_EXCEPT(r.operators, n.operators), ', ')
    END AS old_operators
  FROM numbered AS n
  LEFT JOIN baseline AS b ON b.job_key = n.job_key AND b.run_number = n.run_number
  LEFT JOIN spread AS s ON s.job_key = n.job_key AND s.run_number = n.run_number
  LEFT JOIN nearest AS m ON m.job_key = n.job_key AND m.run_number = n.run_number AND m.place = 1
  LEFT JOIN numbered AS r ON r.job_key = m.job_key AND r.run_number = m.earlier_number
),
judged AS (
  SELECT
    c.*,
    CASE WHEN is_comparable AND baseline_runs >= $min_baseline_runs THEN
      duration_change_ratio >= $min_change
      AND duration_ms - baseline_duration_ms >= $min_slower_ms
      AND duration_ms - baseline_duration_ms >= $spreads * spread_duration_ms
    END AS is_slower,
    CASE WHEN is_comparable AND baseline_runs >= $min_baseline_runs THEN
      COALESCE(
        core_time_change_ratio >= $min_change
        AND core_time_ms - baseline_core_time_ms >= $min_core_ms
        AND core_time_ms - baseline_core_time_ms >= $spreads * spread_core_time_ms,
        FALSE
      )
    END AS takes_more
  FROM compared AS c
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id,
  job_key, application_name, start_time, run_number, is_comparable,
  duration_ms, core_time_ms, input_bytes, lost_core_ms, waste_ratio,
  cost_usd,
  duration_per_gb_ms, core_time_per_gb_ms, num_executors_max, spark_version,
  baseline_runs, baseline_duration_ms, baseline_core_time_ms, baseline_input_bytes,
  baseline_duration_per_gb_ms, baseline_core_time_per_gb_ms, baseline_waste_ratio,
  baseline_cost_usd,
  spread_duration_ms, duration_change_ratio, core_time_change_ratio, input_change_ratio,
  duration_per_gb_change_ratio, cores_change_ratio,
  is_slower OR takes_more AS is_regression,
  CASE
    WHEN NOT COALESCE(is_slower OR takes_more, FALSE) THEN NULL
    WHEN input_change_ratio > 0e0
      AND COALESCE(NOT is_slower OR duration_per_gb_change_ratio < $min_change, FALSE)
      AND COALESCE(NOT takes_more OR core_time_per_gb_change_ratio < $min_change, FALSE)
      THEN 'more_data'
    WHEN spark_version <> reference_spark_version THEN 'new_spark_version'
    WHEN (new_settings <> '' OR old_settings <> '')
      AND (NOT is_without_sql OR REGEXP_LIKE(different_settings, '~spark[.]([^s]|s[^q]|sq[^l]|sql[^.])'))
      THEN 'new_settings'
    WHEN new_operators <> '' OR old_operators <> '' THEN 'new_plan'
    WHEN cores_change_ratio < $fewer_cores - 1e0 THEN 'fewer_cores'
    ELSE 'unknown'
  END AS regression_cause,
  reference_application_id,
  CASE WHEN new_settings <> '' OR old_settings <> '' THEN CONCAT(old_settings, ' -> ', new_settings) END
    AS changed_settings,
  CASE WHEN new_operators <> '' OR old_operators <> '' THEN CONCAT(old_operators, ' -> ', new_operators) END
    AS changed_operators,
  app_date
FROM judged
