-- id: time_parts
-- title: Where the core time went
-- description: The parts of the core time of an application, which add up to it, in the order in which they
--   are shown. wasted_ms is what of a part is wasted: of garbage collection what a healthy application does not have.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
SELECT
  p.column1 AS part, p.column2 AS is_waste,
  CASE p.column1
    WHEN 'useful' THEN w.useful_core_ms WHEN 'fetch_wait' THEN w.fetch_wait_core_ms WHEN 'gc' THEN w.gc_core_ms
    WHEN 'spill' THEN w.spill_core_ms WHEN 'scheduling' THEN w.scheduling_core_ms WHEN 'retry' THEN w.retry_core_ms
    WHEN 'speculation' THEN w.speculation_core_ms WHEN 'unfinished' THEN w.unfinished_core_ms
    WHEN 'skew' THEN w.skew_core_ms WHEN 'start_up' THEN w.start_up_core_ms
    WHEN 'driver_only' THEN w.driver_only_core_ms ELSE w.idle_core_ms
  END AS core_ms,
  CASE
    WHEN NOT p.column2 THEN 0e0
    WHEN p.column1 = 'gc' THEN CAST(
      w.gc_core_ms - (w.core_time_ms - w.useful_core_ms - w.unfinished_core_ms - w.wasted_core_ms) AS DOUBLE)
    WHEN p.column1 = 'fetch_wait' THEN CAST(w.fetch_wait_core_ms AS DOUBLE)
    WHEN p.column1 = 'spill' THEN CAST(w.spill_core_ms AS DOUBLE)
    WHEN p.column1 = 'scheduling' THEN CAST(w.scheduling_core_ms AS DOUBLE)
    WHEN p.column1 = 'retry' THEN CAST(w.retry_core_ms AS DOUBLE)
    WHEN p.column1 = 'speculation' THEN CAST(w.speculation_core_ms AS DOUBLE)
    WHEN p.column1 = 'skew' THEN CAST(w.skew_core_ms AS DOUBLE)
    WHEN p.column1 = 'start_up' THEN CAST(w.start_up_core_ms AS DOUBLE)
    WHEN p.column1 = 'driver_only' THEN CAST(w.driver_only_core_ms AS DOUBLE)
    ELSE CAST(w.idle_core_ms AS DOUBLE)
  END AS wasted_ms,
  CASE p.column1
    WHEN 'useful' THEN w.useful_usd WHEN 'fetch_wait' THEN w.fetch_wait_usd WHEN 'gc' THEN w.gc_usd
    WHEN 'spill' THEN w.spill_usd WHEN 'scheduling' THEN w.scheduling_usd WHEN 'retry' THEN w.retry_usd
    WHEN 'speculation' THEN w.speculation_usd WHEN 'unfinished' THEN w.unfinished_usd
    WHEN 'skew' THEN w.skew_usd WHEN 'start_up' THEN w.start_up_usd
    WHEN 'driver_only' THEN w.driver_only_usd ELSE w.idle_usd
  END AS usd
FROM application_waste AS w
CROSS JOIN (VALUES
  ('useful', FALSE, 1), ('gc', TRUE, 2), ('spill', TRUE, 3), ('fetch_wait', TRUE, 4), ('scheduling', TRUE, 5),
  ('retry', TRUE, 6), ('speculation', TRUE, 7), ('unfinished', FALSE, 8), ('skew', TRUE, 9), ('start_up', TRUE, 10),
  ('driver_only', TRUE, 11), ('idle', TRUE, 12)
) AS p
WHERE w.core_time_ms > 0
  AND w.platform = $platform AND w.cluster_id = $cluster_id
  AND w.application_id = $application_id AND w.attempt_id = $attempt_id
  AND w.app_date = CAST($app_date AS DATE)
ORDER BY p.column3
