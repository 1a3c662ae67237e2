-- id: photonanalysis
-- title: Photon analysis
-- description: How much of each application's task time Photon could run, and what that might gain.
--   Every application is there; one without SQL has a share of 0. Queries shorter than Photon's
--   start-up gains nothing are left out of what can be won. The speed-up of what Photon runs is an
--   assumption (two parameters); the application's is Amdahl's law over the share that could move.
--   It pays from the speed-up on at which Databricks' price of an hour with Photon is earned back:
--   a strong candidate reaches it with the middle (geometric mean) of its estimates. Where no price is
--   known, that speed-up is taken as at list prices of common instances, and the reason says so.
--   Where a native engine runs already (Photon, Gluten, Comet, RAPIDS), the operators that Spark ran
--   beside it are its fallbacks, and its own score is by the share of task time that it runs, on the
--   thresholds that a move to Photon is judged by.
-- parameter: min_query_ms bigint = 2000 [ms] wall time below which a query gains nothing
-- parameter: speedup_low double = 1.5 [ratio] how many times faster Photon runs its operators, carefully
-- parameter: speedup_high double = 3.0 [ratio] the same, hopefully
-- parameter: strong_share double = 0.7 [ratio] share of task time that could move, from which an application is a strong candidate
-- parameter: possible_share double = 0.4 [ratio] share of task time that could move, from which it is a possible one
-- parameter: min_task_time_ms bigint = 600000 [ms] task time below which it is not worth the effort
-- parameter: photon_jobs_dbu double = 2.9 [ratio] Databricks units of an hour of automated work with Photon over one without
-- parameter: usual_breakeven double = 1.8 [ratio] speed-up that pays where no price is known: an m5.xlarge for 0.192 dollars and 0.15 a unit makes it 1.83
-- parameter: photon_interactive_dbu double = 2.0 [ratio] the same for interactive work
-- reads: application_costs, applications, photon_operators, sql, stages
WITH engines AS (
  SELECT
    o.*,
    is_photon OR COALESCE(reason LIKE 'runs on %', FALSE) AS is_native,
    operator NOT IN ('RDD', 'SQL without plan', 'Listing files') AS is_in_plan,
    -- What rounds to 0 percent is not worth a name; a time that is not known may be more.
    COALESCE(task_time_share, 1e0) >= 0.005e0 AS is_named,
    COALESCE(task_time_share, 0e0) >= 0.005e0
      OR MAX(task_time_share) OVER (PARTITION BY platform, cluster_id, application_id, attempt_id) IS NULL
      AS is_measured
  FROM photon_operators AS o
),
ranked AS (
  SELECT
    o.*,
    NOT is_native AND is_in_plan AS is_fallback,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, NOT is_native AND is_in_plan, is_named
      ORDER BY COALESCE(task_time_share, 0e0) DESC, num_nodes DESC, operator
    ) AS fallback_place,
    -- What another engine runs does not keep Photon from anything.
    NOT is_supported AND COALESCE(reason, '') NOT LIKE 'runs on %' AS is_blocker,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, is_supported,
        COALESCE(reason, '') LIKE 'runs on %', is_named
      ORDER BY COALESCE(task_time_share, 0e0) DESC, num_nodes DESC, operator
    ) AS place
  FROM engines AS o
),
shares AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    -- Decimals add up to the same in any order.
    CAST(SUM(CAST(CASE WHEN is_supported THEN task_time_share ELSE 0e0 END AS DECIMAL(38, 18))) AS DOUBLE)
      AS supported_share,
    CAST(SUM(CAST(CASE WHEN is_photon THEN task_time_share ELSE 0e0 END AS DECIMAL(38, 18))) AS DOUBLE)
      AS photon_share,
    CAST(SUM(CAST(CASE WHEN reason LIKE 'runs on %' THEN task_time_share ELSE 0e0 END AS DECIMAL(38, 18))) AS DOUBLE)
      AS other_share,
    MAX(CASE WHEN reason LIKE 'runs on %' THEN reason END) AS other_engine,
    CAST(SUM(CAST(CASE WHEN is_fallback THEN task_time_share ELSE 0e0 END AS DECIMAL(38, 18))) AS DOUBLE)
      AS fallback_share,
    SUM(CASE WHEN is_native THEN num_nodes ELSE 0 END) AS num_native_nodes,
    NULLIF(CONCAT_WS(
      ', ',
      MAX(CASE WHEN is_fallback AND is_named AND fallback_place = 1 THEN operator END),
      MAX(CASE WHEN is_fallback AND is_named AND fallback_place = 2 THEN operator END),
      MAX(CASE WHEN is_fallback AND is_named AND fallback_place = 3 THEN operator END),
      MAX(CASE WHEN is_fallback AND is_named AND fallback_place = 4 THEN operator END),
      MAX(CASE WHEN is_fallback AND is_named AND fallback_place = 5 THEN operator END)
    ), '') AS fallbacks,
    NULLIF(CONCAT_WS(
      ', ',
      MAX(CASE WHEN is_fallback AND is_measured AND fallback_place = 1 THEN operator END),
      MAX(CASE WHEN is_fallback AND is_measured AND fallback_place = 2 THEN operator END),
      MAX(CASE WHEN is_fallback AND is_measured AND fallback_place = 3 THEN operator END),
      MAX(CASE WHEN is_fallback AND is_measured AND fallback_place = 4 THEN operator END),
      MAX(CASE WHEN is_fallback AND is_measured AND fallback_place = 5 THEN operator END)
    ), '') AS fallbacks_in_time,
    SUM(task_time_ms) AS task_time_ms,
    MAX(task_time_share) AS all_shares,
    SUM(num_nodes) AS num_nodes,
    CAST(SUM(CASE WHEN is_supported THEN num_nodes ELSE 0 END) AS DOUBLE)
      / NULLIF(SUM(num_nodes), 0) AS supported_nodes,
    CAST(SUM(CASE WHEN is_photon THEN num_nodes ELSE 0 END) AS DOUBLE)
      / NULLIF(SUM(num_nodes), 0) AS photon_nodes,
    NULLIF(CONCAT_WS(
      ', ',
      MAX(CASE WHEN is_blocker AND is_named AND place = 1 THEN operator END),
      MAX(CASE WHEN is_blocker AND is_named AND place = 2 THEN operator END),
      MAX(CASE WHEN is_blocker AND is_named AND place = 3 THEN operator END),
      MAX(CASE WHEN is_blocker AND is_named AND place = 4 THEN operator END),
      MAX(CASE WHEN is_blocker AND is_named AND place = 5 THEN operator END)
    ), '') AS blockers,
    NULLIF(CONCAT_WS(
      ', ',
      MAX(CASE WHEN is_blocker AND is_measured AND place = 1 THEN operator END),
      MAX(CASE WHEN is_blocker AND is_measured AND place = 2 THEN operator END),
      MAX(CASE WHEN is_blocker AND is_measured AND place = 3 THEN operator END),
      MAX(CASE WHEN is_blocker AND is_measured AND place = 4 THEN operator END),
      MAX(CASE WHEN is_blocker AND is_measured AND place = 5 THEN operator END)
    ), '') AS blockers_in_time
  FROM ranked
  GROUP BY platform, cluster_id, application_id, attempt_id
),
long_queries AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id,
    -- A query that did not end in the log has no duration; it is not known to be short.
    CAST(SUM(CASE WHEN COALESCE(q.duration_ms, $min_query_ms) >= $min_query_ms
      THEN s.executor_run_time ELSE 0 END) AS DOUBLE)
      / NULLIF(SUM(s.executor_run_time), 0) AS long_share
  FROM stages AS s
  INNER JOIN sql AS q
    ON q.platform = s.platform AND q.cluster_id = s.cluster_id
    AND q.application_id = s.application_id AND q.attempt_id = s.attempt_id
    AND q.sql_id = s.sql_id
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id
),
-- What an hour on Databricks costs, with and without Photon: as it ran there, else as it would.
databricks_prices AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, compute_usd, service_usd,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY basis, purchase
    ) AS place
  FROM application_costs
  WHERE deployment = 'databricks' AND cost_usd > 0e0
),
measured AS (
  SELECT
    a.platform, a.cluster_id, a.cluster_name, a.application_id, a.attempt_id, a.app_date,
    a.application_name, a.job_key,
    COALESCE(h.num_nodes, 0) > 0 AS has_sql,
    -- Without task time the nodes are all there is to judge by.
    CASE WHEN h.all_shares IS NOT NULL THEN h.supported_share
      ELSE COALESCE(h.supported_nodes, 0e0) END AS supported_share,
    h.supported_nodes,
    CASE WHEN h.all_shares IS NOT NULL THEN h.photon_share
      ELSE COALESCE(h.photon_nodes, 0e0) END AS photon_share,
    COALESCE(h.task_time_ms, 0) AS task_time_ms, h.all_shares IS NOT NULL AS has_time,
    COALESCE(h.other_share, 0e0) AS other_share, h.other_engine,
    COALESCE(h.num_native_nodes, 0) > 0 AS has_native, h.fallback_share, h.fallbacks, h.fallbacks_in_time,
    (d.compute_usd + d.service_usd
      * CASE WHEN a.is_interactive THEN $photon_interactive_dbu ELSE $photon_jobs_dbu END)
      / NULLIF(d.compute_usd + d.service_usd, 0) AS breakeven_speedup,
    h.blockers, h.blockers_in_time,
    COALESCE(l.long_share, 0e0) AS long_share
  FROM applications AS a
  LEFT JOIN shares AS h
    ON h.platform = a.platform AND h.cluster_id = a.cluster_id
    AND h.application_id = a.application_id AND h.attempt_id = a.attempt_id
  LEFT JOIN long_queries AS l
    ON l.platform = a.platform AND l.cluster_id = a.cluster_id
    AND l.application_id = a.application_id AND l.attempt_id = a.attempt_id
  LEFT JOIN databricks_prices AS d
    ON d.platform = a.platform AND d.cluster_id = a.cluster_id
    AND d.application_id = a.application_id AND d.attempt_id = a.attempt_id AND d.place = 1
),
judged AS (
  SELECT
    m.*,
    GREATEST(m.supported_share - m.photon_share, 0e0) * m.long_share AS movable_share,
    CASE
      WHEN photon_share > 0e0 AND photon_share >= other_share THEN 'Photon'
      WHEN other_share > 0e0 OR (has_native AND photon_share <= 0e0) THEN SUBSTR(other_engine, 9)
    END AS native_name,
    LEAST(photon_share + other_share, 1e0) AS native_ratio
  FROM measured AS m
),
sped_up AS (
  SELECT
    j.*,
    CASE WHEN has_sql THEN 1e0 / NULLIF(1e0 - movable_share + movable_share / $speedup_low, 0) END AS est_speedup_low,
    CASE WHEN has_sql THEN 1e0 / NULLIF(1e0 - movable_share + movable_share / $speedup_high, 0) END AS est_speedup_high
  FROM judged AS j
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id,
  supported_share AS jobphotonperc,
  application_name,
  job_key,
  supported_nodes AS jobphotonperc_unweighted,
  photon_share AS already_photon_ratio,
  movable_share,
  task_time_ms,
  blockers,
  est_speedup_low,
  est_speedup_high,
  breakeven_speedup,
  LOWER(native_name) AS native_engine,
  native_ratio,
  CASE WHEN has_native THEN fallback_share END AS fallback_ratio,
  CASE WHEN has_native THEN fallbacks END AS fallbacks,
  -- Without task time there is no share to judge by.
  CASE
    WHEN native_name IS NULL OR NOT has_time THEN CAST(NULL AS STRING)
    WHEN native_ratio >= $strong_share THEN 'good'
    WHEN native_ratio >= $possible_share THEN 'partial'
    ELSE 'poor'
  END AS native_verdict,
  CASE WHEN native_name IS NOT NULL AND has_time THEN CONCAT(
    native_name, ' runs ', CAST(CAST(100e0 * native_ratio AS DECIMAL(18, 0)) AS STRING), ' percent of its task time',
    CASE WHEN fallbacks_in_time IS NOT NULL THEN CONCAT(
      '; ', CAST(CAST(100e0 * fallback_share AS DECIMAL(18, 0)) AS STRING), ' percent fell back to Spark, most of it in ',
      fallbacks_in_time) ELSE '' END, '.') END AS native_reason,
  CASE
    WHEN task_time_ms < $min_task_time_ms THEN 'no'
    -- Not even the hopeful speed-up earns the price back.
    WHEN est_speedup_high < breakeven_speedup THEN 'no'
    -- Faster is not cheaper: a strong candidate is likely to save money, too.
    WHEN movable_share >= $strong_share AND SQRT(est_speedup_low * est_speedup_high) >= COALESCE(breakeven_speedup, $usual_breakeven)
      THEN 'strong'
    WHEN movable_share >= $possible_share THEN 'possible'
    ELSE 'no'
  END AS candidate,
  CASE
    WHEN NOT has_sql THEN 'It runs no SQL or DataFrame plans, and Photon runs nothing else.'
    WHEN photon_share >= 0.5e0 THEN CONCAT(
      'Photon runs ', CAST(CAST(100e0 * photon_share AS DECIMAL(18, 0)) AS STRING),
      ' percent of its task time already',
      CASE WHEN fallbacks_in_time IS NOT NULL THEN CONCAT('; Spark ran ', fallbacks_in_time) ELSE '' END, '.')
    WHEN other_share >= 0.5e0 THEN CONCAT(
      'It ', other_engine, ': ', CAST(CAST(100e0 * other_share AS DECIMAL(18, 0)) AS STRING),
      ' percent of its task time',
      CASE WHEN fallbacks_in_time IS NOT NULL THEN CONCAT('; Spark ran ', fallbacks_in_time) ELSE '' END, '.')
    WHEN task_time_ms < $min_task_time_ms THEN CONCAT(
      'Its task time of ',
      CASE WHEN task_time_ms < 60000 THEN CONCAT(CAST(CAST(task_time_ms / 1e3 AS DECIMAL(18, 1)) AS STRING), ' seconds')
        ELSE CONCAT(CAST(CAST(task_time_ms / 6e4 AS DECIMAL(18, 1)) AS STRING), ' minutes') END,
      ' is too short to gain from Photon.')
    WHEN est_speedup_high < breakeven_speedup AND movable_share >= $possible_share THEN CONCAT(
      'Photon could take over ', CAST(CAST(100e0 * movable_share AS DECIMAL(18, 0)) AS STRING),
      ' percent of its task time, which makes it at most ', CAST(CAST(est_speedup_high AS DECIMAL(18, 2)) AS STRING),
      ' times faster; its price is earned back from ', CAST(CAST(breakeven_speedup AS DECIMAL(18, 2)) AS STRING),
      ' times on.')
    ELSE CONCAT(
      'Photon could take over ', CAST(CAST(100e0 * movable_share AS DECIMAL(18, 0)) AS STRING),
      ' percent of its task time',
      CASE WHEN long_share < 0.995e0 THEN CONCAT('; ', CAST(CAST(100e0 * (1e0 - long_share) AS DECIMAL(18, 0)) AS STRING),
        ' percent of the SQL is in queries too short to gain') ELSE '' END,
      CASE WHEN blockers_in_time IS NOT NULL THEN CONCAT('; Spark would keep: ', blockers_in_time) ELSE '' END,
      CASE WHEN breakeven_speedup IS NOT NULL THEN CONCAT(
        '; its price is earned back from ', CAST(CAST(breakeven_speedup AS DECIMAL(18, 2)) AS STRING), ' times faster on')
        WHEN movable_share >= $possible_share THEN CONCAT(
        '; it would be ', CAST(CAST(est_speedup_low AS DECIMAL(18, 2)) AS STRING), ' to ',
        CAST(CAST(est_speedup_high AS DECIMAL(18, 2)) AS STRING),
        ' times faster. Its price on Databricks is not known; at list prices it is earned back from about ',
        CAST(CAST($usual_breakeven AS DECIMAL(18, 1)) AS STRING), ' times on')
        ELSE '' END, '.')
  END AS candidate_reason,
  app_date
FROM sped_up
