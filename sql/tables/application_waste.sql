-- id: application_waste
-- title: Application waste
-- description: Divides what each application was given into parts that add up to it: its core time as
--   the view core_time_parts does, its memory time and its cost in the same shares. Of the memory held
--   during useful work, what lies above the highest peak measured is unused. Wasted is all that is
--   neither useful nor unfinished nor the garbage collection that a healthy application has too.
-- reads: application_costs, applications, core_time_parts, executors
WITH peaks AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE
      WHEN peak_process_tree_jvm_rss_memory > 0 THEN CAST(
        peak_process_tree_jvm_rss_memory + COALESCE(peak_process_tree_python_rss_memory, 0)
          + COALESCE(peak_process_tree_other_rss_memory, 0) AS DOUBLE)
      WHEN peak_jvm_heap_memory > 0 THEN CAST(peak_jvm_heap_memory AS DOUBLE)
        + COALESCE(peak_jvm_off_heap_memory, 0) + COALESCE(peak_off_heap_unified_memory, 0)
        + COALESCE(peak_direct_pool_memory, 0)
    END / NULLIF(CAST(container_memory_bytes AS DOUBLE), 0e0)) AS peak_ratio,
    SUM(CASE WHEN executor_id NOT IN ('driver', '<driver>') THEN CAST(container_memory_time_byte_ms AS DOUBLE) END) AS worker_byte_ms
  FROM executors
  WHERE core_time_ms > 0
  GROUP BY platform, cluster_id, application_id, attempt_id
),
ranked AS (
  SELECT platform, cluster_id, application_id, attempt_id, basis, cost_usd
  FROM application_costs
  WHERE is_preferred
),
-- Terabytes for hours are more byte-milliseconds than a bigint holds: the sum of all executors then stands at its end.
memory AS (
  SELECT
    a.platform, a.cluster_id, a.application_id, a.attempt_id,
    CASE WHEN a.container_memory_time_byte_ms = 9223372036854775807 AND p.worker_byte_ms > 9.2e18 THEN p.worker_byte_ms
      ELSE CAST(NULLIF(a.container_memory_time_byte_ms, 0) AS DOUBLE) END / 1073741824e0 / 3600000e0 AS gb_hours
  FROM applications AS a
  LEFT JOIN peaks AS p
    ON p.platform = a.platform AND p.cluster_id = a.cluster_id
    AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
),
measured AS (
  SELECT
    c.*,
    a.application_name, a.job_key, a.team,
    c.core_time_ms - c.useful_core_ms - c.unfinished_core_ms - c.healthy_gc_core_ms AS wasted_core_ms,
    -- Without a lifetime that is known nothing is known of its memory either.
    g.gb_hours AS memory_gb_hours,
    -- The memory and the money of a millisecond of core time.
    g.gb_hours / NULLIF(c.core_time_ms, 0) AS gb_hours_each,
    m.cost_usd / NULLIF(c.core_time_ms, 0) AS usd_each,
    CASE WHEN p.peak_ratio > 1e0 THEN 1e0 ELSE p.peak_ratio END AS peak_ratio,
    m.basis, m.cost_usd,
    GREATEST(c.fetch_wait_core_ms, c.gc_core_ms - c.healthy_gc_core_ms, c.spill_core_ms,
      c.scheduling_core_ms, c.retry_core_ms, c.speculation_core_ms,
      c.skew_core_ms, c.start_up_core_ms, c.driver_only_core_ms,
      c.idle_core_ms) AS worst_core_ms
  FROM core_time_parts AS c
  INNER JOIN applications AS a
    ON a.platform = c.platform AND a.cluster_id = c.cluster_id
    AND a.application_id = c.application_id AND a.attempt_id = c.attempt_id
  LEFT JOIN memory AS g
    ON g.platform = c.platform AND g.cluster_id = c.cluster_id
    AND g.application_id = c.application_id AND g.attempt_id = c.attempt_id
  LEFT JOIN peaks AS p
    ON p.platform = c.platform AND p.cluster_id = c.cluster_id
    AND p.application_id = c.application_id AND p.attempt_id = c.attempt_id
  LEFT JOIN ranked AS m
    ON m.platform = c.platform AND m.cluster_id = c.cluster_id
    AND m.application_id = c.application_id AND m.attempt_id = c.attempt_id
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id,
  application_name, job_key, team,
  core_time_ms,
  wasted_core_ms,
  CAST(wasted_core_ms AS DOUBLE) / NULLIF(core_time_ms, 0) AS wasted_ratio,
  CASE
    WHEN COALESCE(worst_core_ms, 0) <= 0 THEN CAST(NULL AS STRING)
    WHEN worst_core_ms = fetch_wait_core_ms THEN 'fetch_wait'
    WHEN worst_core_ms = gc_core_ms - healthy_gc_core_ms THEN 'gc'
    WHEN worst_core_ms = spill_core_ms THEN 'spill'
    WHEN worst_core_ms = scheduling_core_ms THEN 'scheduling'
    WHEN worst_core_ms = retry_core_ms THEN 'retry'
    WHEN worst_core_ms = speculation_core_ms THEN 'speculation'
    WHEN worst_core_ms = skew_core_ms THEN 'skew'
    WHEN worst_core_ms = start_up_core_ms THEN 'start_up'
    WHEN worst_core_ms = driver_only_core_ms THEN 'driver_only'
    WHEN worst_core_ms = idle_core_ms THEN 'idle'
  END AS largest_waste,
  useful_core_ms, fetch_wait_core_ms, gc_core_ms, spill_core_ms,
  scheduling_core_ms, retry_core_ms, speculation_core_ms, unfinished_core_ms,
  skew_core_ms, start_up_core_ms, driver_only_core_ms, idle_core_ms,
  core_time_incomplete,
  memory_gb_hours,
  useful_core_ms * gb_hours_each * COALESCE(peak_ratio, 1e0) AS useful_gb_hours,
  fetch_wait_core_ms * gb_hours_each AS fetch_wait_gb_hours,
  gc_core_ms * gb_hours_each AS gc_gb_hours,
  spill_core_ms * gb_hours_each AS spill_gb_hours,
  scheduling_core_ms * gb_hours_each AS scheduling_gb_hours,
  retry_core_ms * gb_hours_each AS retry_gb_hours,
  speculation_core_ms * gb_hours_each AS speculation_gb_hours,
  unfinished_core_ms * gb_hours_each AS unfinished_gb_hours,
  skew_core_ms * gb_hours_each AS skew_gb_hours,
  start_up_core_ms * gb_hours_each AS start_up_gb_hours,
  driver_only_core_ms * gb_hours_each AS driver_only_gb_hours,
  idle_core_ms * gb_hours_each AS idle_gb_hours,
  useful_core_ms * gb_hours_each * (1e0 - peak_ratio) AS unused_gb_hours,
  peak_ratio AS memory_peak_ratio,
  basis AS cost_basis,
  cost_usd,
  wasted_core_ms * usd_each AS wasted_usd,
  useful_core_ms * usd_each AS useful_usd,
  fetch_wait_core_ms * usd_each AS fetch_wait_usd,
  gc_core_ms * usd_each AS gc_usd,
  spill_core_ms * usd_each AS spill_usd,
  scheduling_core_ms * usd_each AS scheduling_usd,
  retry_core_ms * usd_each AS retry_usd,
  speculation_core_ms * usd_each AS speculation_usd,
  unfinished_core_ms * usd_each AS unfinished_usd,
  skew_core_ms * usd_each AS skew_usd,
  start_up_core_ms * usd_each AS start_up_usd,
  driver_only_core_ms * usd_each AS driver_only_usd,
  idle_core_ms * usd_each AS idle_usd,
  app_date
FROM measured
