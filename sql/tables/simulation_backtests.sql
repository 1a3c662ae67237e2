-- id: simulation_backtests
-- title: Back-test of simulations
-- description: Each run of a recurring job as the simulation of the run before it would have predicted
--   it, beside three predictions that need none. The run before has predictions for some numbers of
--   cores: between two of them run time is taken as a power of the cores, and beyond them as that of the
--   nearest. Where the input differs, the time in which jobs ran grows with it. Runs that failed, whose
--   history is not complete, and interactive applications are never here.
-- parameter: same_input_ratio double = 0.01 [ratio] change of the input below which it counts as the same
-- scope: job_key
-- reads: applications, simulations
WITH runs AS (
  SELECT
    a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id, a.app_date, a.job_key,
    CAST(s.executors * s.cores_per_executor AS DOUBLE) AS cores,
    s.measured_ms, CAST(s.driver_ms AS DOUBLE) AS driver_ms, CAST(a.input_bytes AS DOUBLE) AS input_bytes,
    ROW_NUMBER() OVER (
      PARTITION BY a.job_key
      ORDER BY a.start_time, a.platform, a.cluster_id, a.application_id, a.attempt_id
    ) AS run_number
  FROM applications AS a
  INNER JOIN simulations AS s
    ON s.platform = a.platform AND s.cluster_id = a.cluster_id
    AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id AND s.is_current
  WHERE a.job_key IS NOT NULL AND a.complete AND a.failure_reason IS NULL
    AND NOT COALESCE(a.is_interactive, FALSE) AND s.measured_ms > 0
),
pairs AS (
  SELECT
    r.platform, r.cluster_id, r.cluster_name, r.application_id, r.attempt_id, r.app_date, r.job_key,
    r.run_number, r.cores, CAST(r.measured_ms AS DOUBLE) AS measured_ms,
    e.platform AS from_platform, e.cluster_id AS from_cluster_id,
    e.application_id AS from_application_id, e.attempt_id AS from_attempt_id,
    CAST(e.measured_ms AS DOUBLE) AS from_ms, e.driver_ms AS from_driver_ms,
    r.cores / NULLIF(e.cores, 0e0) AS cores_ratio,
    CASE
      WHEN r.input_bytes > 0e0 AND e.input_bytes > 0e0
        AND ABS(r.input_bytes / NULLIF(e.input_bytes, 0) - 1e0) >= $same_input_ratio THEN r.input_bytes / NULLIF(e.input_bytes, 0)
      ELSE 1e0
    END AS input_ratio
  FROM runs AS r
  INNER JOIN runs AS e ON e.job_key = r.job_key AND e.run_number = r.run_number - 1
),
sizes AS (
  SELECT
    p.job_key, p.run_number, CAST(s.executors * s.cores_per_executor AS DOUBLE) AS cores,
    CAST(s.duration_ms AS DOUBLE) AS duration_ms, CAST(s.low_ms AS DOUBLE) AS low_ms, CAST(s.high_ms AS DOUBLE) AS high_ms,
    p.cores AS wanted_cores,
    ROW_NUMBER() OVER (
      PARTITION BY p.job_key, p.run_number, s.executors * s.cores_per_executor <= p.cores
      ORDER BY ABS(s.executors * s.cores_per_executor - p.cores), s.executors
    ) AS distance
  FROM pairs AS p
  INNER JOIN simulations AS s
    ON s.platform = p.from_platform AND s.cluster_id = p.from_cluster_id
    AND s.application_id = p.from_application_id AND s.attempt_id = p.from_attempt_id
),
-- The two sizes next to the one that was run.
bounds AS (
  SELECT
    job_key, run_number,
    MAX(CASE WHEN cores <= wanted_cores THEN cores END) AS below_cores,
    MAX(CASE WHEN cores <= wanted_cores THEN duration_ms END) AS below_ms,
    MAX(CASE WHEN cores > wanted_cores THEN cores END) AS above_cores,
    MAX(CASE WHEN cores > wanted_cores THEN duration_ms END) AS above_ms,
    MAX(CASE WHEN cores <= wanted_cores THEN low_ms / NULLIF(duration_ms, 0e0) END) AS below_low_ratio,
    MAX(CASE WHEN cores > wanted_cores THEN low_ms / NULLIF(duration_ms, 0e0) END) AS above_low_ratio
  FROM sizes
  WHERE distance = 1
  GROUP BY job_key, run_number
),
predicted AS (
  SELECT
    p.*,
    CASE
      WHEN b.above_cores IS NULL THEN b.below_ms
      WHEN b.below_cores IS NULL THEN b.above_ms
      WHEN b.below_cores = p.cores OR b.below_ms <= 0e0 OR b.above_ms <= 0e0 THEN b.below_ms
      ELSE b.below_ms * POWER(b.above_ms / NULLIF(b.below_ms, 0), LN(p.cores / NULLIF(b.below_cores, 0)) / LN(b.above_cores / NULLIF(b.below_cores, 0)))
    END AS same_input_ms,
    LEAST(COALESCE(b.below_low_ratio, b.above_low_ratio), COALESCE(b.above_low_ratio, b.below_low_ratio)) AS low_ratio
  FROM pairs AS p
  INNER JOIN bounds AS b ON b.job_key = p.job_key AND b.run_number = p.run_number
),
scaled AS (
  SELECT
    p.*,
    LEAST(from_driver_ms, same_input_ms) + GREATEST(same_input_ms - from_driver_ms, 0e0) * input_ratio AS predicted_ms
  FROM predicted AS p
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id, job_key, run_number,
  from_application_id, from_attempt_id,
  TRY_CAST(ROUND(predicted_ms) AS BIGINT) AS predicted_ms,
  TRY_CAST(measured_ms AS BIGINT) AS measured_ms,
  cores_ratio, input_ratio,
  predicted_ms / NULLIF(measured_ms, 0) - 1e0 AS error_ratio,
  ABS(measured_ms / NULLIF(predicted_ms, 0e0) - 1e0) <= 1e0 - low_ratio + 1e-9 AS is_covered,
  from_ms / NULLIF(measured_ms, 0) - 1e0 AS last_run_error_ratio,
  from_ms * input_ratio / NULLIF(measured_ms, 0) - 1e0 AS by_input_error_ratio,
  from_ms * input_ratio / NULLIF(cores_ratio, 0e0) / NULLIF(measured_ms, 0) - 1e0 AS perfect_scaling_error_ratio,
  app_date
FROM scaled
