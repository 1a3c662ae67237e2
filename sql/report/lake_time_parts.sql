-- id: lake_time_parts
-- title: Where the core time of the lake went
-- description: The parts of the core time of all applications, which add up to it. wasted_ms is what of a part is
--   wasted: of garbage collection what a healthy application does not have.
WITH sums AS (
  SELECT
    SUM(CAST(useful_core_ms AS DOUBLE)) AS useful, SUM(CAST(gc_core_ms AS DOUBLE)) AS gc,
    SUM(CAST(spill_core_ms AS DOUBLE)) AS spill, SUM(CAST(fetch_wait_core_ms AS DOUBLE)) AS fetch_wait,
    SUM(CAST(scheduling_core_ms AS DOUBLE)) AS scheduling, SUM(CAST(retry_core_ms AS DOUBLE)) AS retry,
    SUM(CAST(speculation_core_ms AS DOUBLE)) AS speculation, SUM(CAST(unfinished_core_ms AS DOUBLE)) AS unfinished,
    SUM(CAST(skew_core_ms AS DOUBLE)) AS skew, SUM(CAST(start_up_core_ms AS DOUBLE)) AS start_up,
    SUM(CAST(driver_only_core_ms AS DOUBLE)) AS driver_only, SUM(CAST(idle_core_ms AS DOUBLE)) AS idle,
    SUM(CAST(core_time_ms - useful_core_ms - unfinished_core_ms - wasted_core_ms AS DOUBLE)) AS healthy_gc,
    SUM(useful_usd) AS useful_usd, SUM(gc_usd) AS gc_usd, SUM(spill_usd) AS spill_usd,
    SUM(fetch_wait_usd) AS fetch_wait_usd, SUM(scheduling_usd) AS scheduling_usd, SUM(retry_usd) AS retry_usd,
    SUM(speculation_usd) AS speculation_usd, SUM(unfinished_usd) AS unfinished_usd, SUM(skew_usd) AS skew_usd,
    SUM(start_up_usd) AS start_up_usd, SUM(driver_only_usd) AS driver_only_usd, SUM(idle_usd) AS idle_usd
  FROM application_waste
  WHERE core_time_ms > 0
)
SELECT
  p.column1 AS part, p.column2 AS is_waste,
  CASE p.column1
    WHEN 'useful' THEN w.useful WHEN 'fetch_wait' THEN w.fetch_wait WHEN 'gc' THEN w.gc WHEN 'spill' THEN w.spill
    WHEN 'scheduling' THEN w.scheduling WHEN 'retry' THEN w.retry WHEN 'speculation' THEN w.speculation
    WHEN 'unfinished' THEN w.unfinished WHEN 'skew' THEN w.skew WHEN 'start_up' THEN w.start_up
    WHEN 'driver_only' THEN w.driver_only ELSE w.idle
  END AS core_ms,
  CASE
    WHEN NOT p.column2 THEN 0e0
    WHEN p.column1 = 'gc' THEN w.gc - w.healthy_gc
    WHEN p.column1 = 'fetch_wait' THEN w.fetch_wait WHEN p.column1 = 'spill' THEN w.spill
    WHEN p.column1 = 'scheduling' THEN w.scheduling WHEN p.column1 = 'retry' THEN w.retry
    WHEN p.column1 = 'speculation' THEN w.speculation WHEN p.column1 = 'skew' THEN w.skew
    WHEN p.column1 = 'start_up' THEN w.start_up WHEN p.column1 = 'driver_only' THEN w.driver_only
    ELSE w.idle
  END AS wasted_ms,
  CASE p.column1
    WHEN 'useful' THEN w.useful_usd WHEN 'fetch_wait' THEN w.fetch_wait_usd WHEN 'gc' THEN w.gc_usd
    WHEN 'spill' THEN w.spill_usd WHEN 'scheduling' THEN w.scheduling_usd WHEN 'retry' THEN w.retry_usd
    WHEN 'speculation' THEN w.speculation_usd WHEN 'unfinished' THEN w.unfinished_usd WHEN 'skew' THEN w.skew_usd
    WHEN 'start_up' THEN w.start_up_usd WHEN 'driver_only' THEN w.driver_only_usd ELSE w.idle_usd
  END AS usd
FROM sums AS w
CROSS JOIN (VALUES
  ('useful', FALSE, 1), ('gc', TRUE, 2), ('spill', TRUE, 3), ('fetch_wait', TRUE, 4), ('scheduling', TRUE, 5),
  ('retry', TRUE, 6), ('speculation', TRUE, 7), ('unfinished', FALSE, 8), ('skew', TRUE, 9), ('start_up', TRUE, 10),
  ('driver_only', TRUE, 11), ('idle', TRUE, 12)
) AS p
WHERE w.useful IS NOT NULL
ORDER BY p.column3
