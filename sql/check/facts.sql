-- id: facts
-- title: What a budget is checked against
-- description: One row per measure of one application attempt. value is NULL where it is not known, and then
--   not_known says why; at_least is what a history without an end shows of a total. detail names the stage or
--   the basis that the value comes from. skew_ratio is the longest over the median task of the stage where that
--   is worst, among stages with enough tasks whose longest task took long enough to matter; 1 where there is none.
-- parameter: platform string = - [platform] platform of the application
-- parameter: cluster string = - [cluster id] its cluster
-- parameter: application string = - [application id] its id
-- parameter: attempt string = - [attempt id] its attempt
-- parameter: skew_min_tasks bigint = 4 [count] tasks that a stage needs for its skew to count
-- parameter: skew_min_longest_ms bigint = 5000 [ms] longest task that a stage needs for its skew to count
WITH application AS (
  SELECT a.*
  FROM applications AS a
  WHERE a.platform = $platform AND a.cluster_id = $cluster
    AND a.application_id = $application AND a.attempt_id = $attempt
),
collected AS (
  SELECT
    SUM(CAST(s.jvm_gc_time AS DOUBLE)) AS gc_time_ms, SUM(CAST(s.executor_run_time AS DOUBLE)) AS run_time_ms
  FROM stages AS s
  WHERE s.platform = $platform AND s.cluster_id = $cluster
    AND s.application_id = $application AND s.attempt_id = $attempt
),
failed AS (
  SELECT
    COUNT(*) AS num_jobs,
    SUM(CASE WHEN j.status = 'FAILED' THEN 1 ELSE 0 END) AS num_failed_jobs
  FROM jobs AS j
  WHERE j.platform = $platform AND j.cluster_id = $cluster
    AND j.application_id = $application AND j.attempt_id = $attempt
),
costs AS (
  SELECT
    MAX(CASE WHEN c.is_preferred THEN c.cost_usd END) AS cost_usd,
    MAX(CASE WHEN c.is_preferred THEN CONCAT(c.basis, ' cost on ', c.deployment, ', ', c.purchase) END) AS basis,
    MAX(c.missing_price) AS missing_price
  FROM application_costs AS c
  WHERE c.platform = $platform AND c.cluster_id = $cluster
    AND c.application_id = $application AND c.attempt_id = $attempt
),
waste AS (
  SELECT MAX(w.wasted_ratio) AS wasted_ratio, MAX(w.largest_waste) AS largest_waste
  FROM application_waste AS w
  WHERE w.platform = $platform AND w.cluster_id = $cluster
    AND w.application_id = $application AND w.attempt_id = $attempt
),
tails AS (
  SELECT
    q.stage_id, q.stage_attempt_id, CAST(q.max AS DOUBLE) AS longest_ms,
    CAST(q.max AS DOUBLE) / NULLIF(CAST(q.median AS DOUBLE), 0e0) AS ratio,
    COALESCE(q.num_tasks >= $skew_min_tasks AND q.max >= $skew_min_longest_ms, FALSE) AS counts
  FROM task_quantiles AS q
  WHERE q.platform = $platform AND q.cluster_id = $cluster
    AND q.application_id = $application AND q.attempt_id = $attempt
    AND q.metric = 'duration'
),
ranked AS (
  SELECT
    t.*,
    ROW_NUMBER() OVER (ORDER BY CASE WHEN counts THEN ratio END DESC, stage_id, stage_attempt_id) AS place
  FROM tails AS t
),
skew AS (
  SELECT
    MAX(CASE WHEN counts THEN ratio ELSE 1e0 END) AS ratio,
    MAX(CASE WHEN counts THEN CONCAT('stage ', CAST(stage_id AS STRING), '.', CAST(stage_attempt_id AS STRING)) END)
      AS stage
  FROM ranked
  WHERE place = 1
),
known AS (
  SELECT
    a.*, c.gc_time_ms, c.run_time_ms, f.num_jobs AS jobs_seen, f.num_failed_jobs, m.cost_usd, m.basis, m.missing_price,
    w.wasted_ratio, w.largest_waste, s.ratio AS skew_ratio, s.stage AS skewed_stage
  FROM application AS a
  CROSS JOIN collected AS c
  CROSS JOIN failed AS f
  CROSS JOIN costs AS m
  CROSS JOIN waste AS w
  CROSS JOIN skew AS s
),
measures AS (
  SELECT *
  FROM (
    VALUES
    ('duration_ms', 'ms'), ('core_time_ms', 'core_ms'), ('cost_usd', 'usd'), ('memory_bytes_spilled', 'bytes'),
    ('disk_bytes_spilled', 'bytes'), ('shuffle_read_bytes', 'bytes'), ('shuffle_write_bytes', 'bytes'),
    ('input_bytes', 'bytes'), ('num_failed_tasks', 'count'), ('failed_task_ratio', 'ratio'),
    ('num_failed_jobs', 'count'), ('gc_ratio', 'ratio'), ('skew_ratio', 'times'), ('idle_ratio', 'ratio'),
    ('wasted_ratio', 'ratio'), ('duration_per_gb_ms', 'ms')
  ) AS m (metric, unit)
),
long AS (
  SELECT
    m.metric, m.unit, k.complete,
    m.metric IN (
      'duration_ms', 'core_time_ms', 'cost_usd', 'memory_bytes_spilled', 'disk_bytes_spilled', 'shuffle_read_bytes',
      'shuffle_write_bytes', 'input_bytes', 'num_failed_tasks', 'num_failed_jobs'
    ) AS is_total,
    CASE m.metric
      WHEN 'duration_ms' THEN CASE WHEN k.observed_duration_ms > 0 THEN CAST(k.observed_duration_ms AS DOUBLE) END
      WHEN 'core_time_ms' THEN CAST(k.core_time_ms AS DOUBLE)
      WHEN 'cost_usd' THEN k.cost_usd
      WHEN 'memory_bytes_spilled' THEN CASE WHEN k.num_tasks > 0 THEN CAST(k.memory_bytes_spilled AS DOUBLE) END
      WHEN 'disk_bytes_spilled' THEN CASE WHEN k.num_tasks > 0 THEN CAST(k.disk_bytes_spilled AS DOUBLE) END
      WHEN 'shuffle_read_bytes' THEN CASE WHEN k.num_tasks > 0 THEN CAST(k.shuffle_read_bytes AS DOUBLE) END
      WHEN 'shuffle_write_bytes' THEN CASE WHEN k.num_tasks > 0 THEN CAST(k.shuffle_write_bytes AS DOUBLE) END
      WHEN 'input_bytes' THEN CASE WHEN k.num_tasks > 0 THEN CAST(k.input_bytes AS DOUBLE) END
      WHEN 'num_failed_tasks' THEN CASE WHEN k.num_tasks > 0 THEN CAST(k.num_failed_tasks AS DOUBLE) END
      WHEN 'failed_task_ratio' THEN CAST(k.num_failed_tasks AS DOUBLE) / NULLIF(k.num_tasks, 0)
      WHEN 'num_failed_jobs' THEN CASE WHEN k.jobs_seen > 0 THEN CAST(k.num_failed_jobs AS DOUBLE) END
      -- Spark 4 logs a run time once for each core that a task reserves (spark.task.cpus): tasks run no longer than from launch to finish.
      WHEN 'gc_ratio' THEN k.gc_time_ms / NULLIF(LEAST(k.run_time_ms, COALESCE(NULLIF(CAST(k.total_task_time_ms AS DOUBLE), 0e0), k.run_time_ms)), 0e0)
      WHEN 'skew_ratio' THEN k.skew_ratio
      WHEN 'idle_ratio' THEN 1e0 - CAST(k.total_task_time_ms AS DOUBLE) / NULLIF(k.core_time_ms, 0)
      WHEN 'wasted_ratio' THEN k.wasted_ratio
      WHEN 'duration_per_gb_ms' THEN
        CASE WHEN k.observed_duration_ms > 0 THEN CAST(k.observed_duration_ms AS DOUBLE) END
          / NULLIF(k.input_bytes, 0) * 1e9
    END AS value,
    CASE m.metric
      WHEN 'cost_usd' THEN k.basis
      WHEN 'skew_ratio' THEN k.skewed_stage
      WHEN 'wasted_ratio' THEN CONCAT('most of it: ', k.largest_waste)
    END AS detail,
    CASE
      WHEN NOT k.complete THEN 'the history has no end'
      WHEN m.metric = 'duration_ms' THEN 'the clocks ran backwards'
      WHEN m.metric = 'cost_usd' THEN COALESCE(k.missing_price, 'no price is known')
      WHEN m.metric IN ('core_time_ms', 'idle_ratio', 'wasted_ratio') THEN 'no executor is known'
      WHEN m.metric = 'duration_per_gb_ms' THEN 'no input was read'
      WHEN m.metric = 'num_failed_jobs' THEN 'no job ran'
      ELSE 'no task ran'
    END AS reason
  FROM known AS k
  CROSS JOIN measures AS m
)
SELECT
  metric, unit,
  CASE WHEN complete THEN value END AS value,
  CASE WHEN NOT complete AND is_total THEN value END AS at_least,
  CASE WHEN value IS NOT NULL THEN detail END AS detail,
  CASE WHEN value IS NULL OR NOT complete THEN reason END AS not_known
FROM long
ORDER BY metric
