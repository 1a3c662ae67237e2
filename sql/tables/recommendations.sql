-- id: recommendations
-- title: Settings to change, by recurring job
-- description: What the findings of a job's runs ask for, as one value for each setting, and what became of
--   it in later runs. A run that asks for more of something wins over one that asks for less, and gets
--   all of it at once; resources are only taken away a part at a time (a bound that was never reached from what
--   ran), and nothing that needs memory is taken away while one of the last runs was out of memory. step orders what is proposed: change one
--   setting, look at the next runs, change the next. A recommendation is applied when a later run has
--   its value; it is verified when enough comparable runs with it save a fair part of what was promised,
--   and regressed when they take more core time, for each input where that is known, or when one of
--   them is out of memory and none before was. A value that regressed is never proposed again.
-- parameter: window_runs bigint = 10 [count] runs that are looked back to, for memory that ran out and for what was before
-- parameter: min_runs bigint = 3 [count] comparable runs with a value before it is judged
-- parameter: shrink_step double = 0.75 [ratio] smallest share of a resource that one step leaves
-- parameter: verified_share double = 0.25 [ratio] share of the promised saving that verifies a recommendation
-- parameter: max_worse double = 0.1 [ratio] growth of core time from which a recommendation has regressed
-- scope: job_key
-- reads: application_profiles, findings, job_trends
WITH runs AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.job_key, t.run_number, t.start_time,
    t.is_comparable, t.core_time_ms, t.core_time_per_gb_ms, t.input_bytes, t.num_executors_max,
    COALESCE(p.out_of_memory, FALSE) AS out_of_memory,
    CONCAT('~|~', ARRAY_JOIN(p.tuning_settings, '~|~'), '~|~') AS settings,
    MAX(CASE WHEN p.out_of_memory THEN t.run_number END) OVER (
      PARTITION BY t.job_key ORDER BY t.run_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS last_out_of_memory,
    -- Findings of this run and of those after it are of today.
    COALESCE(MAX(CASE WHEN t.is_comparable THEN t.run_number END) OVER (PARTITION BY t.job_key), 1) AS today
  FROM job_trends AS t
  LEFT JOIN application_profiles AS p
    ON p.platform = t.platform AND p.cluster_id = t.cluster_id
    AND p.application_id = t.application_id AND p.attempt_id = t.attempt_id
),
wishes AS (
  SELECT
    r.job_key, r.run_number, r.start_time, r.today, r.last_out_of_memory, r.core_time_ms, r.num_executors_max,
    f.finding_id, f.rule_id, f.config_key, f.config_current, f.config_recommended, f.recommendation,
    f.lost_core_ms, f.recoverable_ms, f.est_savings_usd, f.confidence,
    f.config_key LIKE 'spark.executor.%' OR f.config_key LIKE 'spark.driver.%'
      OR f.config_key LIKE 'spark.dynamicAllocation.%' OR f.config_key = 'spark.cores.max' AS is_resource,
    LOWER(f.config_key) LIKE '%memory%'
      AND f.config_key NOT IN ('spark.memory.fraction', 'spark.memory.storageFraction') AS is_memory,
    TRY_CAST(REGEXP_REPLACE(LOWER(TRIM(f.config_current)), '[a-z]+$', '') AS DOUBLE)
      * CASE REGEXP_REPLACE(LOWER(TRIM(f.config_current)), '^[0-9.]+', '')
        WHEN '' THEN CASE WHEN f.config_key LIKE 'spark.%.memory%' THEN 1048576e0 ELSE 1e0 END
        WHEN 'b' THEN 1e0 WHEN 'k' THEN 1024e0 WHEN 'kb' THEN 1024e0 WHEN 'm' THEN 1048576e0
        WHEN 'mb' THEN 1048576e0 WHEN 'g' THEN 1073741824e0 WHEN 'gb' THEN 1073741824e0
        WHEN 't' THEN 1099511627776e0 WHEN 'tb' THEN 1099511627776e0
      END AS current_number,
    TRY_CAST(REGEXP_REPLACE(LOWER(TRIM(f.config_recommended)), '[a-z]+$', '') AS DOUBLE)
      * CASE REGEXP_REPLACE(LOWER(TRIM(f.config_recommended)), '^[0-9.]+', '')
        WHEN '' THEN CASE WHEN f.config_key LIKE 'spark.%.memory%' THEN 1048576e0 ELSE 1e0 END
        WHEN 'b' THEN 1e0 WHEN 'k' THEN 1024e0 WHEN 'kb' THEN 1024e0 WHEN 'm' THEN 1048576e0
        WHEN 'mb' THEN 1048576e0 WHEN 'g' THEN 1073741824e0 WHEN 'gb' THEN 1073741824e0
        WHEN 't' THEN 1099511627776e0 WHEN 'tb' THEN 1099511627776e0
      END AS wanted_number
  FROM findings AS f
  INNER JOIN runs AS r
    ON r.platform = f.platform AND r.cluster_id = f.cluster_id
    AND r.application_id = f.application_id AND r.attempt_id = f.attempt_id
  WHERE f.config_key IS NOT NULL AND f.config_recommended IS NOT NULL
),
directed AS (
  SELECT
    w.*,
    -- From where a resource shrinks: a bound above what ran takes nothing away before it is below that.
    CASE WHEN config_key IN ('spark.dynamicAllocation.maxExecutors', 'spark.executor.instances') AND num_executors_max < current_number
      THEN CAST(num_executors_max AS DOUBLE) ELSE current_number END AS held_number,
    CASE
      -- Here 0 means without a limit.
      WHEN config_key = 'spark.driver.maxResultSize' AND current_number = 0e0 THEN 'set'
      WHEN wanted_number > current_number THEN 'grow'
      WHEN wanted_number < current_number THEN 'shrink'
      ELSE 'set'
    END AS action
  FROM wishes AS w
),
reasons AS (
  SELECT
    job_key, run_number, config_key,
    ARRAY_SORT(ARRAY_AGG(DISTINCT rule_id)) AS rule_ids,
    ARRAY_SORT(ARRAY_AGG(DISTINCT finding_id)) AS finding_ids
  FROM wishes
  GROUP BY job_key, run_number, config_key
),
chosen AS (
  SELECT
    d.*,
    -- More tasks in the same memory, or less memory for the same tasks.
    last_out_of_memory > run_number - $window_runs
      AND (
        action = 'shrink' AND (is_memory OR config_key IN ('spark.sql.shuffle.partitions', 'spark.default.parallelism'))
        OR action = 'grow' AND config_key IN (
          'spark.executor.cores', 'spark.sql.files.maxPartitionBytes',
          'spark.sql.adaptive.advisoryPartitionSizeInBytes'
        )
      ) AS is_blocked,
    action = 'shrink' AND is_resource AND config_key NOT LIKE '%Factor' AND wanted_number < held_number * $shrink_step AS is_limited,
    ROW_NUMBER() OVER (
      PARTITION BY job_key, run_number, config_key
      ORDER BY
        CASE action WHEN 'grow' THEN 0 WHEN 'set' THEN 1 ELSE 2 END,
        wanted_number DESC NULLS LAST, lost_core_ms DESC NULLS LAST, finding_id
    ) AS place
  FROM directed AS d
),
steps AS (
  SELECT
    c.*,
    CASE WHEN is_memory THEN CEIL(held_number * $shrink_step / 1048576e0) * 1048576e0 ELSE CEIL(held_number * $shrink_step) END AS step_number
  FROM chosen AS c
),
measured AS (
  SELECT
    s.*,
    CASE WHEN is_limited THEN (held_number - step_number) / NULLIF(held_number - wanted_number, 0) ELSE 1e0 END AS step_share
  FROM steps AS s
),
proposals AS (
  SELECT
    c.job_key, c.run_number, c.start_time, c.today, c.config_key, c.config_current, c.action,
    c.is_memory, c.is_limited, c.last_out_of_memory, c.recommendation, c.confidence,
    -- A first step saves its part.
    TRY_CAST(c.lost_core_ms * c.step_share AS BIGINT) AS lost_core_ms,
    TRY_CAST(c.recoverable_ms * c.step_share AS BIGINT) AS recoverable_ms,
    c.est_savings_usd * c.step_share AS est_savings_usd,
    c.lost_core_ms * c.step_share / NULLIF(c.core_time_ms, 0) AS saving_ratio,
    CASE
      WHEN NOT c.is_limited THEN c.config_recommended
      WHEN c.is_memory THEN CONCAT(CAST(CAST(CEIL(c.step_number / 1048576e0) AS BIGINT) AS STRING), 'm')
      ELSE CAST(CAST(c.step_number AS BIGINT) AS STRING)
    END AS recommended_value,
    CASE WHEN c.is_limited THEN c.step_number ELSE c.wanted_number END AS recommended_number
  FROM measured AS c
  WHERE c.place = 1 AND NOT COALESCE(c.is_blocked, FALSE)
),
ranked AS (
  SELECT
    p.*,
    MIN(run_number) OVER (PARTITION BY job_key, config_key, recommended_value) AS first_run,
    MIN(start_time) OVER (PARTITION BY job_key, config_key, recommended_value) AS first_proposed_at,
    COUNT(*) OVER (PARTITION BY job_key, config_key, recommended_value) AS num_runs,
    ROW_NUMBER() OVER (
      PARTITION BY job_key, config_key, recommended_value ORDER BY run_number DESC
    ) AS recency
  FROM proposals AS p
),
values_of_runs AS (
  SELECT
    p.job_key, p.config_key, p.recommended_value, p.first_run,
    r.run_number, r.start_time, r.application_id, r.is_comparable, r.out_of_memory,
    CAST(r.core_time_ms AS DOUBLE) AS core_time_ms, r.core_time_per_gb_ms,
    p.recommended_number,
    SPLIT_PART(SPLIT_PART(r.settings, CONCAT('~|~', p.config_key, '='), 2), '~|~', 1) AS value
  FROM ranked AS p
  INNER JOIN runs AS r ON r.job_key = p.job_key
  WHERE p.recency = 1
),
matches AS (
  SELECT
    v.*,
    LOWER(value) = LOWER(recommended_value)
      OR COALESCE(
        TRY_CAST(REGEXP_REPLACE(LOWER(value), '[a-z]+$', '') AS DOUBLE)
          * CASE REGEXP_REPLACE(LOWER(value), '^[0-9.]+', '')
            WHEN '' THEN CASE WHEN config_key LIKE 'spark.%.memory%' THEN 1048576e0 ELSE 1e0 END
            WHEN 'b' THEN 1e0 WHEN 'k' THEN 1024e0 WHEN 'kb' THEN 1024e0 WHEN 'm' THEN 1048576e0
            WHEN 'mb' THEN 1048576e0 WHEN 'g' THEN 1073741824e0 WHEN 'gb' THEN 1073741824e0
            WHEN 't' THEN 1099511627776e0 WHEN 'tb' THEN 1099511627776e0
          END = recommended_number,
        FALSE
      ) AS has_value
  FROM values_of_runs AS v
),
applications_of_value AS (
  SELECT
    job_key, config_key, recommended_value,
    MIN(CASE WHEN has_value AND run_number > first_run THEN run_number END) AS applied_run,
    MIN(CASE WHEN has_value AND run_number > first_run THEN start_time END) AS applied_at
  FROM matches
  GROUP BY job_key, config_key, recommended_value
),
outcomes AS (
  SELECT
    m.job_key, m.config_key, m.recommended_value,
    COUNT(CASE WHEN m.is_comparable AND m.has_value AND m.run_number >= a.applied_run THEN 1 END) AS runs_after,
    MEDIAN(CASE WHEN m.is_comparable AND m.has_value AND m.run_number >= a.applied_run THEN m.core_time_ms END)
      AS core_time_after,
    MEDIAN(CASE WHEN m.is_comparable AND m.has_value AND m.run_number >= a.applied_run THEN m.core_time_per_gb_ms END)
      AS per_gb_after,
    MEDIAN(CASE WHEN m.is_comparable AND NOT m.has_value AND m.run_number < a.applied_run
      AND m.run_number >= a.applied_run - $window_runs THEN m.core_time_ms END) AS core_time_before,
    MEDIAN(CASE WHEN m.is_comparable AND NOT m.has_value AND m.run_number < a.applied_run
      AND m.run_number >= a.applied_run - $window_runs THEN m.core_time_per_gb_ms END) AS per_gb_before,
    COUNT(CASE WHEN m.out_of_memory AND m.has_value AND m.run_number >= a.applied_run THEN 1 END) AS memory_after,
    COUNT(CASE WHEN m.out_of_memory AND m.run_number < a.applied_run
      AND m.run_number >= a.applied_run - $window_runs THEN 1 END) AS memory_before
  FROM matches AS m
  INNER JOIN applications_of_value AS a
    ON a.job_key = m.job_key AND a.config_key = m.config_key AND a.recommended_value = m.recommended_value
  WHERE a.applied_run IS NOT NULL
  GROUP BY m.job_key, m.config_key, m.recommended_value
),
judged AS (
  SELECT
    p.*,
    a.applied_run, a.applied_at,
    COALESCE(o.runs_after, 0) AS runs_after,
    -- For each input where that is known of both, since the input decides most of the core time.
    1e0 - COALESCE(
      o.per_gb_after / NULLIF(o.per_gb_before, 0e0),
      o.core_time_after / NULLIF(o.core_time_before, 0e0)
    ) AS realized_saving_ratio,
    COALESCE(o.memory_after > 0 AND o.memory_before = 0, FALSE) AS ran_out_of_memory,
    p.run_number >= p.today AS is_of_today
  FROM ranked AS p
  LEFT JOIN applications_of_value AS a
    ON a.job_key = p.job_key AND a.config_key = p.config_key AND a.recommended_value = p.recommended_value
  LEFT JOIN outcomes AS o
    ON o.job_key = p.job_key AND o.config_key = p.config_key AND o.recommended_value = p.recommended_value
  WHERE p.recency = 1
),
stated AS (
  SELECT
    j.*,
    CASE
      WHEN applied_run IS NOT NULL AND ran_out_of_memory THEN 'regressed'
      WHEN applied_run IS NOT NULL AND runs_after >= $min_runs AND realized_saving_ratio <= 0e0 - $max_worse THEN 'regressed'
      -- Asked for again: the value is no longer there.
      WHEN is_of_today THEN 'proposed'
      WHEN applied_run IS NULL THEN 'outdated'
      WHEN runs_after >= $min_runs AND realized_saving_ratio > 0e0
        AND realized_saving_ratio >= $verified_share * COALESCE(saving_ratio, 0e0) THEN 'verified'
      ELSE 'applied'
    END AS status
  FROM judged AS j
),
newest AS (
  SELECT
    s.*,
    ROW_NUMBER() OVER (
      PARTITION BY job_key, config_key, status ORDER BY run_number DESC, recommended_value
    ) AS place,
    COUNT(CASE WHEN status = 'applied' AND runs_after < $min_runs THEN 1 END) OVER (PARTITION BY job_key) AS num_watched
  FROM stated AS s
  WHERE status <> 'outdated'
),
stepped AS (
  SELECT
    n.*,
    CASE WHEN status = 'proposed' THEN ROW_NUMBER() OVER (
      PARTITION BY job_key, status
      ORDER BY
        -- What is out of memory comes first.
        CASE WHEN action = 'grow' AND is_memory AND last_out_of_memory > run_number - $window_runs THEN 0 ELSE 1 END,
        lost_core_ms DESC NULLS LAST, recoverable_ms DESC NULLS LAST, config_key
    ) END AS step
  FROM newest AS n
  WHERE status <> 'proposed' OR place = 1
)
SELECT
  s.job_key,
  s.config_key,
  s.recommended_value,
  s.config_current AS current_value,
  s.action,
  s.status,
  s.step,
  CASE WHEN s.status = 'proposed' THEN
    s.step = 1 AND (s.num_watched = 0 OR s.action = 'grow' AND s.is_memory)
  END AS is_next,
  CASE
    WHEN s.status = 'regressed' AND s.ran_out_of_memory THEN
      CONCAT('Go back to ', COALESCE(s.config_current, 'the default'), ': a run with this value was out of memory.')
    WHEN s.status = 'regressed' THEN
      CONCAT('Go back to ', COALESCE(s.config_current, 'the default'), ': runs with this value take more core time.')
    WHEN s.is_limited THEN CONCAT(s.recommendation, ' This is the first step towards it.')
    ELSE s.recommendation
  END AS reason,
  r.rule_ids,
  r.finding_ids,
  s.num_runs,
  s.first_proposed_at,
  s.start_time AS last_proposed_at,
  s.lost_core_ms AS expected_saving_core_ms,
  s.saving_ratio AS expected_saving_ratio,
  s.recoverable_ms AS expected_saving_ms,
  s.est_savings_usd AS expected_saving_usd,
  CASE
    WHEN s.num_runs >= 3 THEN s.confidence
    WHEN s.num_runs = 2 AND s.confidence = 'high' THEN 'medium'
    WHEN s.num_runs = 2 THEN s.confidence
    ELSE 'low'
  END AS confidence,
  CASE
    WHEN s.action = 'shrink' AND s.is_memory AND s.last_out_of_memory IS NOT NULL THEN 'high'
    WHEN s.action = 'shrink' AND s.is_memory OR s.config_key = 'spark.executor.cores' THEN 'medium'
    ELSE 'low'
  END AS risk,
  s.applied_at,
  s.runs_after,
  s.realized_saving_ratio
FROM stepped AS s
LEFT JOIN reasons AS r
  ON r.job_key = s.job_key AND r.run_number = s.run_number AND r.config_key = s.config_key
