-- id: core_time
-- title: Where the core time went
-- description: The core time and money of one application, or of all, in parts that add up, the largest first.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = * [text] its id; * for all applications of the dates
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: since string = 1970-01-01 [date] first UTC date, for all applications
-- parameter: until string = 9999-12-31 [date] last UTC date, for all applications
WITH whole AS (
  SELECT
    SUM(core_time_ms) AS core_time_ms,
    SUM(useful_core_ms) AS useful_core_ms, SUM(useful_usd) AS useful_usd,
    SUM(fetch_wait_core_ms) AS fetch_wait_core_ms, SUM(fetch_wait_usd) AS fetch_wait_usd,
    SUM(gc_core_ms) AS gc_core_ms, SUM(gc_usd) AS gc_usd,
    SUM(spill_core_ms) AS spill_core_ms, SUM(spill_usd) AS spill_usd,
    SUM(scheduling_core_ms) AS scheduling_core_ms, SUM(scheduling_usd) AS scheduling_usd,
    SUM(retry_core_ms) AS retry_core_ms, SUM(retry_usd) AS retry_usd,
    SUM(speculation_core_ms) AS speculation_core_ms, SUM(speculation_usd) AS speculation_usd,
    SUM(unfinished_core_ms) AS unfinished_core_ms, SUM(unfinished_usd) AS unfinished_usd,
    SUM(skew_core_ms) AS skew_core_ms, SUM(skew_usd) AS skew_usd,
    SUM(start_up_core_ms) AS start_up_core_ms, SUM(start_up_usd) AS start_up_usd,
    SUM(driver_only_core_ms) AS driver_only_core_ms, SUM(driver_only_usd) AS driver_only_usd,
    SUM(idle_core_ms) AS idle_core_ms, SUM(idle_usd) AS idle_usd
  FROM application_waste
  WHERE app_date >= CAST(CASE WHEN $application_id = '*' THEN $since ELSE $app_date END AS DATE)
    AND app_date <= CAST(CASE WHEN $application_id = '*' THEN $until ELSE $app_date END AS DATE)
    AND (
      $application_id = '*'
      OR (platform = $platform AND cluster_id = $cluster_id
        AND application_id = $application_id AND attempt_id = $attempt_id)
    )
),
parts AS (
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
  FROM whole AS w
  CROSS JOIN (VALUES
    ('useful'), ('fetch_wait'), ('gc'), ('spill'), ('scheduling'), ('retry'),
    ('speculation'), ('unfinished'), ('skew'), ('start_up'), ('driver_only'), ('idle')
  ) AS p (part)
)
SELECT part, core_ms, core_ms / CAST(NULLIF(whole_core_ms, 0) AS DOUBLE) AS ratio, usd
FROM parts
WHERE core_ms > 0
ORDER BY core_ms DESC, part
