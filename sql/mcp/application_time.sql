-- id: application_time
-- title: Where the core time went
-- description: The core time and money of one application in parts that add up, the largest first.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
WITH parts AS (
  SELECT
    p.part, w.core_time_ms AS whole_core_ms,
    CASE p.part
      WHEN 'useful' THEN w.useful_core_ms
      WHEN 'fetch_wait' THEN w.fetch_wait_core_ms
      WHEN 'gc' THEN w.gc_core_ms
      WHEN 'spill' THEN w.spill_core_ms
      WHEN 'scheduling' THEN w.scheduling_core_ms
      WHEN 'retry' THEN w.retry_core_ms
      WHEN 'speculation' THEN w.speculation_core_ms
      WHEN 'unfinished' THEN w.unfinished_core_ms
      WHEN 'skew' THEN w.skew_core_ms
      WHEN 'start_up' THEN w.start_up_core_ms
      WHEN 'driver_only' THEN w.driver_only_core_ms
      WHEN 'idle' THEN w.idle_core_ms
    END AS core_ms,
    CASE p.part
      WHEN 'useful' THEN w.useful_usd
      WHEN 'fetch_wait' THEN w.fetch_wait_usd
      WHEN 'gc' THEN w.gc_usd
      WHEN 'spill' THEN w.spill_usd
      WHEN 'scheduling' THEN w.scheduling_usd
      WHEN 'retry' THEN w.retry_usd
      WHEN 'speculation' THEN w.speculation_usd
      WHEN 'unfinished' THEN w.unfinished_usd
      WHEN 'skew' THEN w.skew_usd
      WHEN 'start_up' THEN w.start_up_usd
      WHEN 'driver_only' THEN w.driver_only_usd
      WHEN 'idle' THEN w.idle_usd
    END AS usd
  FROM application_waste AS w
  CROSS JOIN (VALUES
    ('useful'), ('fetch_wait'), ('gc'), ('spill'), ('scheduling'), ('retry'),
    ('speculation'), ('unfinished'), ('skew'), ('start_up'), ('driver_only'), ('idle')
  ) AS p (part)
  WHERE w.platform = $platform AND w.cluster_id = $cluster_id
    AND w.application_id = $application_id AND w.attempt_id = $attempt_id
    AND w.app_date = CAST($app_date AS DATE)
)
SELECT part, core_ms, core_ms / CAST(NULLIF(whole_core_ms, 0) AS DOUBLE) AS ratio, usd
FROM parts
WHERE core_ms > 0
ORDER BY core_ms DESC, part
