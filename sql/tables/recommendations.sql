-- id: recommendations
-- title: Settings to change, by recurring job
-- description: What the findings of a job's runs ask for, as one value for each setting, and what became of
--   it in later runs. A run that asks for more of something wins over one that asks for less, and gets
--   all of it at once; resources are only taken away a part at a time (a bound that was never reached from what
--   ran, a count by one at least), and no executors or memory are taken away while one of the last runs was out of
--   memory. More memory that such a run asked for stays proposed while its memory settings are the same. step
--   orders what is proposed: change one setting, look at the next runs, change the next. A recommendation is
--   applied when a later run has its value; a resource that a run changed beyond the proposed step has a row of its own.
--   It is verified when enough comparable runs with it save a fair part of what was promised: core time, the memory time of
--   the executors where memory is taken away, or the losses of memory where more was asked for after them.
--   It has regressed when they take more core time, for each input where that is known, or when one of
--   them is out of memory and none before was. Runs before and after it are those between the changes before and
--   after; two settings that change in the same run are not told apart. A value that regressed is never proposed
--   again, nor one beyond it; while the newest run still has it, going back to the value before is the first step.
-- parameter: window_runs bigint = 10 [count] runs that are looked back to, for memory that ran out and for what was before
-- parameter: min_runs bigint = 3 [count] comparable runs with a value before it is judged
-- parameter: shrink_step double = 0.75 [ratio] smallest share of a resource that one step leaves, where it is not one of a count
-- parameter: verified_share double = 0.25 [ratio] share of the promised saving that verifies a recommendation
-- parameter: min_saved double = 0.02 [ratio] saving of core time that verifies a recommendation which promised no number
-- parameter: max_worse double = 0.1 [ratio] growth of core time from which a recommendation has regressed
-- parameter: min_avoided double = 2.0 [count] runs that would have been out of memory at the earlier rate before more memory is verified
-- scope: job_key
-- reads: application_profiles, applications, findings, job_trends, ref_spark_settings
WITH units AS (
  SELECT
    key, MAX(type) AS type, MAX(unit) AS unit,
    -- Where all versions since 3.0 agree on it.
    CASE
      WHEN MIN(CASE WHEN valid_until_number >= 30000 THEN default_value END)
        = MAX(CASE WHEN valid_until_number >= 30000 THEN default_value END)
      THEN NULLIF(MAX(CASE WHEN valid_until_number >= 30000 THEN default_value END), '')
    END AS default_value
  FROM ref_spark_settings
  WHERE kind = 'exact'
  GROUP BY key
),
settings_of AS (
  SELECT
    t.platform, t.cluster_id, t.application_id, t.attempt_id, t.job_key, t.run_number, t.start_time,
    t.is_comparable, t.core_time_ms, t.core_time_per_gb_ms, t.num_executors_max,
    CAST(NULLIF(a.container_memory_time_byte_ms, 0) AS DOUBLE) AS memory_time,
    COALESCE(p.out_of_memory, FALSE) AS out_of_memory,
    CONCAT('~|~', ARRAY_JOIN(p.tuning_settings, '~|~'), '~|~') AS settings
  FROM job_trends AS t
  LEFT JOIN application_profiles AS p
    ON p.platform = t.platform AND p.cluster_id = t.cluster_id
    AND p.application_id = t.application_id AND p.attempt_id = t.attempt_id
  LEFT JOIN applications AS a
    ON a.platform = t.platform AND a.cluster_id = t.cluster_id
    AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
),
shaped AS (
  SELECT
    s.*,
    -- For each input where that is known, as the core time.
    memory_time * core_time_per_gb_ms / NULLIF(core_time_ms, 0) AS memory_time_per_gb,
    -- The memory of a task.
    CONCAT_WS(
      '|',
      SPLIT_PART(SPLIT_PART(settings, '~|~spark.executor.memory=', 2), '~|~', 1),
      SPLIT_PART(SPLIT_PART(settings, '~|~spark.executor.memoryOverhead=', 2), '~|~', 1),
      SPLIT_PART(SPLIT_PART(settings, '~|~spark.yarn.executor.memoryOverhead=', 2), '~|~', 1),
      SPLIT_PART(SPLIT_PART(settings, '~|~spark.executor.memoryOverheadFactor=', 2), '~|~', 1),
      SPLIT_PART(SPLIT_PART(settings, '~|~spark.executor.pyspark.memory=', 2), '~|~', 1),
      SPLIT_PART(SPLIT_PART(settings, '~|~spark.memory.offHeap.size=', 2), '~|~', 1),
      SPLIT_PART(SPLIT_PART(settings, '~|~spark.executor.cores=', 2), '~|~', 1),
      SPLIT_PART(SPLIT_PART(settings, '~|~spark.driver.memory=', 2), '~|~', 1)
    ) AS memory_settings
  FROM settings_of AS s
),
runs AS (
  SELECT
    s.*,
    MAX(run_number) OVER (PARTITION BY job_key) AS newest_run,
    -- Findings of this run and of those after it are of today.
    COALESCE(MAX(CASE WHEN is_comparable THEN run_number END) OVER (PARTITION BY job_key), 1) AS today,
    MAX(CASE WHEN out_of_memory THEN run_number END) OVER (PARTITION BY job_key) AS newest_out_of_memory,
    memory_settings = FIRST_VALUE(memory_settings) OVER (PARTITION BY job_key ORDER BY run_number DESC) AS has_newest_memory,
    MAX(CASE WHEN out_of_memory THEN run_number END) OVER (
      PARTITION BY job_key ORDER BY run_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS last_out_of_memory
  FROM shaped AS s
),
wishes AS (
  SELECT
    r.job_key, r.run_number, r.start_time, r.newest_run, r.today, r.newest_out_of_memory, r.last_out_of_memory,
    r.has_newest_memory, r.out_of_memory, r.core_time_ms, r.num_executors_max,
    f.finding_id, f.rule_id, f.config_key, f.config_current, f.config_recommended, f.recommendation,
    f.lost_core_ms, f.recoverable_ms, f.est_savings_usd, f.confidence,
    (f.config_key LIKE 'spark.executor.%' OR f.config_key LIKE 'spark.driver.%'
      OR f.config_key LIKE 'spark.dynamicAllocation.%' OR f.config_key = 'spark.cores.max')
      AND f.config_key NOT LIKE '%Factor' AND f.config_key NOT LIKE '%Ratio'
      -- A time is no resource.
      AND COALESCE(u.type, '') <> 'duration' AS is_resource,
    u.type,
    CASE WHEN u.unit IS NULL AND f.config_key LIKE 'spark.%.memory%' THEN 'MiB' ELSE u.unit END AS unit,
    LOWER(TRIM(f.config_current)) AS current_text, LOWER(TRIM(f.config_recommended)) AS wanted_text,
    LOWER(f.config_key) LIKE '%memory%'
      AND f.config_key NOT IN ('spark.memory.fraction', 'spark.memory.storageFraction') AS is_memory
  FROM findings AS f
  INNER JOIN runs AS r
    ON r.platform = f.platform AND r.cluster_id = f.cluster_id
    AND r.application_id = f.application_id AND r.attempt_id = f.attempt_id
  LEFT JOIN units AS u ON u.key = f.config_key
  WHERE f.config_key IS NOT NULL AND f.config_recommended IS NOT NULL
),
parsed AS (
  -- Milliseconds, bytes or a plain number; NULL for all else.
  SELECT
    w.*,
    TRY_CAST(REGEXP_REPLACE(current_text, '[a-z]+$', '') AS DOUBLE) * CASE
      WHEN type = 'duration' THEN CASE REGEXP_REPLACE(current_text, '^[0-9.]+', '')
        WHEN '' THEN CASE unit WHEN 's' THEN 1e3 WHEN 'min' THEN 6e4 ELSE 1e0 END
        WHEN 'us' THEN 1e-3 WHEN 'ms' THEN 1e0 WHEN 's' THEN 1e3 WHEN 'm' THEN 6e4 WHEN 'min' THEN 6e4
        WHEN 'h' THEN 36e5 WHEN 'd' THEN 864e5
      END
      ELSE CASE REGEXP_REPLACE(current_text, '^[0-9.]+', '')
        WHEN '' THEN CASE unit WHEN 'MiB' THEN 1048576e0 WHEN 'KiB' THEN 1024e0 ELSE 1e0 END
        WHEN 'b' THEN 1e0 WHEN 'k' THEN 1024e0 WHEN 'kb' THEN 1024e0 WHEN 'm' THEN 1048576e0
        WHEN 'mb' THEN 1048576e0 WHEN 'g' THEN 1073741824e0 WHEN 'gb' THEN 1073741824e0
        WHEN 't' THEN 1099511627776e0 WHEN 'tb' THEN 1099511627776e0
      END
    END AS stated_number,
    TRY_CAST(REGEXP_REPLACE(wanted_text, '[a-z]+$', '') AS DOUBLE) * CASE
      WHEN type = 'duration' THEN CASE REGEXP_REPLACE(wanted_text, '^[0-9.]+', '')
        WHEN '' THEN CASE unit WHEN 's' THEN 1e3 WHEN 'min' THEN 6e4 ELSE 1e0 END
        WHEN 'us' THEN 1e-3 WHEN 'ms' THEN 1e0 WHEN 's' THEN 1e3 WHEN 'm' THEN 6e4 WHEN 'min' THEN 6e4
        WHEN 'h' THEN 36e5 WHEN 'd' THEN 864e5
      END
      ELSE CASE REGEXP_REPLACE(wanted_text, '^[0-9.]+', '')
        WHEN '' THEN CASE unit WHEN 'MiB' THEN 1048576e0 WHEN 'KiB' THEN 1024e0 ELSE 1e0 END
        WHEN 'b' THEN 1e0 WHEN 'k' THEN 1024e0 WHEN 'kb' THEN 1024e0 WHEN 'm' THEN 1048576e0
        WHEN 'mb' THEN 1048576e0 WHEN 'g' THEN 1073741824e0 WHEN 'gb' THEN 1073741824e0
        WHEN 't' THEN 1099511627776e0 WHEN 'tb' THEN 1099511627776e0
      END
    END AS wanted_number
  FROM wishes AS w
),
numbered AS (
  SELECT
    p.*,
    -- Without a number of its own, as many as ran.
    CASE WHEN config_key IN ('spark.dynamicAllocation.maxExecutors', 'spark.executor.instances')
      THEN COALESCE(stated_number, CAST(num_executors_max AS DOUBLE)) ELSE stated_number END AS current_number
  FROM parsed AS p
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
      -- An overhead that nobody set has no default in the settings, and is asked for where memory runs out.
      WHEN is_memory AND config_current IS NULL AND wanted_number IS NOT NULL THEN 'grow'
      ELSE 'set'
    END AS action
  FROM numbered AS w
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
    -- More data or tasks in the same memory, or less memory for the same tasks. Fewer cores leave more to each task.
    action = 'shrink' AND config_key <> 'spark.executor.cores'
      AND (is_memory OR is_resource OR config_key IN ('spark.sql.shuffle.partitions', 'spark.default.parallelism'))
    OR action = 'grow' AND config_key IN (
      'spark.executor.cores', 'spark.sql.files.maxPartitionBytes', 'spark.sql.adaptive.advisoryPartitionSizeInBytes'
    ) AS needs_memory,
    action = 'shrink' AND is_resource AND wanted_number < held_number * $shrink_step AS is_limited,
    action = 'grow' AND is_memory AND out_of_memory AND has_newest_memory AND run_number > newest_run - $window_runs AS is_cure,
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
    -- Of two or three a quarter is less than one.
    CASE
      WHEN NOT COALESCE(is_limited, FALSE) THEN wanted_number
      WHEN is_memory THEN CEIL(held_number * $shrink_step / 1048576e0) * 1048576e0
      ELSE GREATEST(LEAST(CEIL(held_number * $shrink_step), held_number - 1e0), wanted_number)
    END AS recommended_number
  FROM chosen AS c
  WHERE place = 1
    AND NOT COALESCE(needs_memory AND last_out_of_memory > run_number - $window_runs, FALSE)
),
proposals AS (
  SELECT
    s.*,
    FALSE AS is_beyond,
    CASE
      WHEN NOT COALESCE(is_limited, FALSE) THEN config_recommended
      WHEN is_memory THEN CONCAT(CAST(CAST(recommended_number / 1048576e0 AS BIGINT) AS STRING), 'm')
      ELSE CAST(CAST(recommended_number AS BIGINT) AS STRING)
    END AS recommended_value
  FROM steps AS s
  -- What is there already is no change.
  WHERE NOT COALESCE(
    recommended_number = stated_number, LOWER(config_recommended) = LOWER(config_current), FALSE
  )
),
ranked AS (
  SELECT
    p.*,
    MIN(run_number) OVER (PARTITION BY job_key, config_key, recommended_value) AS first_run,
    MIN(start_time) OVER (PARTITION BY job_key, config_key, recommended_value) AS first_proposed_at,
    COUNT(*) OVER (PARTITION BY job_key, config_key, recommended_value) AS num_runs,
    MAX(CASE WHEN is_cure THEN 1 ELSE 0 END) OVER (PARTITION BY job_key, config_key, recommended_value) = 1 AS is_asked_after_loss,
    FIRST_VALUE(config_current) OVER (PARTITION BY job_key, config_key, recommended_value ORDER BY run_number) AS first_current,
    FIRST_VALUE(held_number) OVER (PARTITION BY job_key, config_key, recommended_value ORDER BY run_number) AS first_held,
    ROW_NUMBER() OVER (
      PARTITION BY job_key, config_key, recommended_value ORDER BY run_number DESC
    ) AS recency
  FROM proposals AS p
),
later AS (
  -- Each value with each run of the job, and what that run had.
  SELECT
    p.job_key, p.run_number, p.start_time, p.newest_run, p.today, p.newest_out_of_memory, p.config_key, p.config_current,
    p.action, p.type, p.unit, p.is_memory, p.is_resource, p.needs_memory, p.is_limited, p.is_asked_after_loss,
    p.last_out_of_memory, p.recommendation, p.confidence, p.core_time_ms, p.lost_core_ms, p.recoverable_ms,
    p.est_savings_usd, p.held_number, p.wanted_number, p.recommended_value, p.recommended_number,
    p.first_run, p.first_proposed_at, p.num_runs, p.first_current, p.first_held,
    r.run_number AS later_run, r.start_time AS later_start, r.is_comparable, r.out_of_memory,
    CAST(r.core_time_ms AS DOUBLE) AS later_core_time, r.core_time_per_gb_ms, r.memory_time, r.memory_time_per_gb,
    SPLIT_PART(SPLIT_PART(r.settings, CONCAT('~|~', p.config_key, '='), 2), '~|~', 1) AS had_value
  FROM ranked AS p
  INNER JOIN runs AS r ON r.job_key = p.job_key
  WHERE p.recency = 1
),
spelled AS (
  SELECT l.*, LOWER(TRIM(had_value)) AS value
  FROM later AS l
),
valued AS (
  SELECT
    l.*,
    TRY_CAST(REGEXP_REPLACE(value, '[a-z]+$', '') AS DOUBLE) * CASE
      WHEN type = 'duration' THEN CASE REGEXP_REPLACE(value, '^[0-9.]+', '')
        WHEN '' THEN CASE unit WHEN 's' THEN 1e3 WHEN 'min' THEN 6e4 ELSE 1e0 END
        WHEN 'us' THEN 1e-3 WHEN 'ms' THEN 1e0 WHEN 's' THEN 1e3 WHEN 'm' THEN 6e4 WHEN 'min' THEN 6e4
        WHEN 'h' THEN 36e5 WHEN 'd' THEN 864e5
      END
      ELSE CASE REGEXP_REPLACE(value, '^[0-9.]+', '')
        WHEN '' THEN CASE unit WHEN 'MiB' THEN 1048576e0 WHEN 'KiB' THEN 1024e0 ELSE 1e0 END
        WHEN 'b' THEN 1e0 WHEN 'k' THEN 1024e0 WHEN 'kb' THEN 1024e0 WHEN 'm' THEN 1048576e0
        WHEN 'mb' THEN 1048576e0 WHEN 'g' THEN 1073741824e0 WHEN 'gb' THEN 1073741824e0
        WHEN 't' THEN 1099511627776e0 WHEN 'tb' THEN 1099511627776e0
      END
    END AS value_number
  FROM spelled AS l
),
passed AS (
  SELECT
    v.*,
    MIN(CASE
      WHEN (is_resource OR is_memory) AND later_run > first_run AND later_run <= run_number + $window_runs
        AND (action = 'shrink' AND value_number < recommended_number OR action = 'grow' AND value_number > recommended_number)
        THEN later_run
    END) OVER (PARTITION BY job_key, config_key, recommended_value) AS beyond_run
  FROM valued AS v
),
aimed AS (
  -- What a run had instead, further than the proposed step, is a value of its own.
  SELECT
    p.*,
    k.is_beyond,
    CASE WHEN k.is_beyond
      THEN MAX(CASE WHEN p.later_run = p.beyond_run THEN p.had_value END) OVER (PARTITION BY p.job_key, p.config_key, p.recommended_value)
      ELSE p.recommended_value END AS target_value,
    CASE WHEN k.is_beyond
      THEN MAX(CASE WHEN p.later_run = p.beyond_run THEN p.value_number END) OVER (PARTITION BY p.job_key, p.config_key, p.recommended_value)
      ELSE p.recommended_number END AS target_number
  FROM passed AS p
  CROSS JOIN (VALUES (FALSE), (TRUE)) AS k (is_beyond)
  WHERE NOT k.is_beyond OR p.beyond_run IS NOT NULL
),
matches AS (
  SELECT
    a.*,
    value = LOWER(target_value) OR COALESCE(value_number = target_number, FALSE) AS has_value,
    -- What was recommended itself comes before what was only taken.
    DENSE_RANK() OVER (
      PARTITION BY job_key, config_key, COALESCE(CAST(target_number AS STRING), LOWER(target_value))
      ORDER BY is_beyond, CASE WHEN is_beyond THEN 0 - run_number ELSE 0 END,
        CASE WHEN is_beyond THEN recommended_value ELSE '' END
    ) AS claim
  FROM aimed AS a
),
applications_of_value AS (
  SELECT
    m.*,
    MIN(CASE WHEN has_value AND later_run > first_run THEN later_run END)
      OVER (PARTITION BY job_key, config_key, target_value) AS applied_run,
    MIN(CASE WHEN has_value AND later_run > first_run THEN later_start END)
      OVER (PARTITION BY job_key, config_key, target_value) AS applied_at,
    MAX(CASE WHEN has_value AND later_run = newest_run THEN 1 ELSE 0 END)
      OVER (PARTITION BY job_key, config_key, target_value) = 1 AS is_set
  FROM matches AS m
  WHERE claim = 1
),
applied AS (
  -- What a change brought is what differs from the change before it to the change after it.
  SELECT
    a.*,
    COALESCE(MAX(applied_run) OVER (
      PARTITION BY job_key ORDER BY applied_run RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 1) AS from_run,
    MIN(applied_run) OVER (
      PARTITION BY job_key ORDER BY applied_run RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS next_change,
    COALESCE(
      applied_run IS NOT NULL AND MIN(config_key) OVER (PARTITION BY job_key, applied_run)
        <> MAX(config_key) OVER (PARTITION BY job_key, applied_run), FALSE
    ) AS is_mixed
  FROM applications_of_value AS a
),
sided AS (
  SELECT
    a.*,
    COALESCE(has_value AND later_run >= applied_run AND later_run < COALESCE(next_change, later_run + 1), FALSE) AS is_after,
    COALESCE(
      NOT has_value AND later_run < applied_run AND later_run >= from_run AND later_run >= applied_run - $window_runs, FALSE
    ) AS is_before
  FROM applied AS a
),
outcomes AS (
  SELECT
    job_key, config_key, target_value,
    MAX(CASE WHEN later_run = applied_run - 1 AND value <> '' THEN had_value END) AS replaced_value,
    COUNT(CASE WHEN is_comparable AND is_after THEN 1 END) AS runs_after,
    MEDIAN(CASE WHEN is_comparable AND is_after THEN later_core_time END) AS core_time_after,
    MEDIAN(CASE WHEN is_comparable AND is_after THEN core_time_per_gb_ms END) AS per_gb_after,
    MEDIAN(CASE WHEN is_comparable AND is_before THEN later_core_time END) AS core_time_before,
    MEDIAN(CASE WHEN is_comparable AND is_before THEN core_time_per_gb_ms END) AS per_gb_before,
    MEDIAN(CASE WHEN is_comparable AND is_after THEN memory_time END) AS memory_time_after,
    MEDIAN(CASE WHEN is_comparable AND is_after THEN memory_time_per_gb END) AS memory_per_gb_after,
    MEDIAN(CASE WHEN is_comparable AND is_before THEN memory_time END) AS memory_time_before,
    MEDIAN(CASE WHEN is_comparable AND is_before THEN memory_time_per_gb END) AS memory_per_gb_before,
    CAST(COUNT(CASE WHEN is_before THEN 1 END) AS DOUBLE) AS all_before,
    CAST(COUNT(CASE WHEN is_after THEN 1 END) AS DOUBLE) AS all_after,
    COUNT(CASE WHEN out_of_memory AND is_before THEN 1 END) AS memory_before,
    COUNT(CASE WHEN out_of_memory AND is_after THEN 1 END) AS memory_after
  FROM sided
  GROUP BY job_key, config_key, target_value
),
shared AS (
  SELECT
    a.*,
    -- A first step saves its part.
    CASE WHEN is_limited
      THEN LEAST((held_number - target_number) / NULLIF(held_number - wanted_number, 0e0), 1e0) ELSE 1e0
    END AS step_share
  FROM applied AS a
  WHERE later_run = newest_run
),
measured AS (
  SELECT
    p.*,
    -- A setting that was not there goes back to its default: it cannot be unset where it is set in a file of the cluster.
    COALESCE(o.replaced_value, p.first_current, d.default_value) AS value_before,
    o.runs_after, o.core_time_after,
    -- For each input where that is known of both, since the input decides most of the core time.
    1e0 - COALESCE(
      o.per_gb_after / NULLIF(o.per_gb_before, 0e0),
      o.core_time_after / NULLIF(o.core_time_before, 0e0)
    ) AS core_saving,
    1e0 - COALESCE(
      o.memory_per_gb_after / NULLIF(o.memory_per_gb_before, 0e0),
      o.memory_time_after / NULLIF(o.memory_time_before, 0e0)
    ) AS memory_saving,
    1e0 - p.target_number / NULLIF(p.first_held, 0e0) AS memory_taken,
    o.all_after * o.memory_before / NULLIF(o.all_before, 0e0) AS losses_expected,
    o.memory_before, o.memory_after,
    p.action = 'shrink' AND p.is_memory AND p.config_key NOT LIKE 'spark.driver.%' AS takes_memory,
    p.action = 'grow' AND p.is_memory AND o.memory_before > 0 AS follows_losses,
    p.lost_core_ms * p.step_share / NULLIF(p.core_time_ms, 0) AS saving_ratio
  FROM shared AS p
  INNER JOIN outcomes AS o
    ON o.job_key = p.job_key AND o.config_key = p.config_key AND o.target_value = p.target_value
  LEFT JOIN units AS d ON d.key = p.config_key
),
judged AS (
  SELECT
    m.*,
    CASE WHEN NOT is_mixed THEN core_saving END AS realized_saving_ratio,
    -- More memory is not why memory ran out; of two changes at once only less memory is.
    applied_run IS NOT NULL AND memory_after > 0 AND memory_before = 0
      AND NOT (action = 'grow' AND is_memory) AND (NOT is_mixed OR action = 'shrink' AND is_memory) AS ran_out_of_memory,
    runs_after >= $min_runs AND NOT is_mixed AS is_judged
  FROM measured AS m
),
stated AS (
  SELECT
    j.*,
    CASE
      WHEN ran_out_of_memory THEN 'regressed'
      -- Runs that were out of memory took less, because they did less.
      WHEN is_judged AND NOT follows_losses AND core_saving <= 0e0 - $max_worse THEN 'regressed'
      WHEN NOT is_beyond AND run_number >= today
        AND NOT COALESCE(needs_memory AND newest_out_of_memory > newest_run - $window_runs, FALSE)
        -- Asked for again: the value is no longer there.
        THEN 'proposed'
      WHEN applied_run IS NULL AND is_asked_after_loss THEN 'proposed'
      WHEN applied_run IS NULL THEN 'outdated'
      WHEN NOT is_judged OR follows_losses AND memory_after > 0 THEN 'applied'
      WHEN follows_losses AND losses_expected >= $min_avoided THEN 'verified'
      WHEN takes_memory AND memory_after = 0 AND memory_saving > 0e0
        AND memory_saving >= $verified_share * memory_taken THEN 'verified'
      WHEN NOT takes_memory AND core_saving > 0e0
        AND core_saving >= COALESCE($verified_share * saving_ratio, $min_saved) THEN 'verified'
      ELSE 'applied'
    END AS status
  FROM judged AS j
),
regressed AS (
  SELECT
    s.*,
    MAX(CASE WHEN status = 'regressed' AND action = 'shrink' THEN target_number END) OVER (PARTITION BY job_key, config_key) AS too_little,
    MIN(CASE WHEN status = 'regressed' AND action = 'grow' THEN target_number END) OVER (PARTITION BY job_key, config_key) AS too_much,
    MAX(CASE WHEN status = 'regressed' AND is_set AND value_before IS NOT NULL THEN applied_run END)
      OVER (PARTITION BY job_key, config_key) AS bad_since
  FROM stated AS s
),
reverted AS (
  SELECT
    r.*,
    COALESCE(status = 'regressed' AND is_set AND value_before IS NOT NULL AND applied_run = bad_since, FALSE) AS goes_back,
    MAX(CASE WHEN status = 'regressed' AND is_set AND applied_run = bad_since THEN value_before END)
      OVER (PARTITION BY job_key, config_key) AS right_value
  FROM regressed AS r
),
united AS (
  -- A value that has to go is told twice: as what it was, and as the way back.
  SELECT
    r.job_key, r.config_key, r.run_number, r.start_time, r.is_memory, r.is_limited, r.is_beyond, r.last_out_of_memory,
    r.ran_out_of_memory, r.recommendation, r.takes_memory, r.follows_losses, r.memory_saving, r.memory_before, r.value_before, r.target_value AS tried_value, k.is_revert,
    r.is_asked_after_loss AND NOT k.is_revert AS is_due,
    CASE WHEN k.is_revert THEN r.value_before ELSE r.target_value END AS recommended_value,
    CASE
      WHEN k.is_revert THEN r.target_value
      WHEN r.status = 'proposed' THEN r.config_current
      ELSE r.value_before
    END AS current_value,
    CASE
      WHEN NOT k.is_revert THEN r.action WHEN r.action = 'shrink' THEN 'grow' WHEN r.action = 'grow' THEN 'shrink' ELSE r.action
    END AS action,
    CASE WHEN k.is_revert THEN 'proposed' ELSE r.status END AS status,
    CASE WHEN k.is_revert THEN 0 ELSE r.num_runs END AS num_runs,
    CASE WHEN NOT k.is_revert THEN r.first_proposed_at END AS first_proposed_at,
    CASE WHEN NOT k.is_revert THEN r.confidence WHEN r.runs_after >= $min_runs THEN 'high' ELSE 'medium' END AS confidence,
    CASE
      WHEN NOT k.is_revert THEN CASE WHEN r.lost_core_ms > 0 THEN TRY_CAST(r.lost_core_ms * r.step_share AS BIGINT) END
      WHEN r.core_saving < 0e0 AND NOT r.is_mixed THEN TRY_CAST(ROUND(r.core_time_after * (1e0 - 1e0 / NULLIF(1e0 - r.core_saving, 0e0))) AS BIGINT)
    END AS saving_core_ms,
    CASE
      WHEN NOT k.is_revert THEN CASE WHEN r.lost_core_ms > 0 THEN r.saving_ratio END
      WHEN r.core_saving < 0e0 AND NOT r.is_mixed THEN 1e0 - 1e0 / NULLIF(1e0 - r.core_saving, 0e0)
    END AS saving_ratio,
    CASE WHEN NOT k.is_revert THEN TRY_CAST(r.recoverable_ms * r.step_share AS BIGINT) END AS saving_ms,
    CASE WHEN NOT k.is_revert AND r.lost_core_ms > 0 THEN r.est_savings_usd * r.step_share END AS saving_usd,
    CASE WHEN NOT k.is_revert THEN r.applied_at END AS applied_at,
    CASE WHEN k.is_revert THEN 0 ELSE r.runs_after END AS runs_after,
    CASE WHEN NOT k.is_revert THEN r.realized_saving_ratio END AS realized_saving_ratio,
    -- Waits for its runs.
    r.status = 'applied' AND r.runs_after < $min_runs AND r.is_set AND r.next_change IS NULL AS is_watched
  FROM reverted AS r
  CROSS JOIN (VALUES (FALSE), (TRUE)) AS k (is_revert)
  WHERE k.is_revert AND r.goes_back
    OR NOT k.is_revert AND r.status <> 'outdated'
      AND NOT COALESCE(r.status <> 'regressed' AND LOWER(r.target_value) = LOWER(r.right_value), FALSE)
      -- Nor is a value proposed beyond one that regressed, unless memory ran out, or for a setting that has to go back.
      AND (
        r.status <> 'proposed'
        OR r.right_value IS NULL
          AND NOT COALESCE(r.action = 'shrink' AND r.target_number <= r.too_little, FALSE)
          AND NOT COALESCE(r.action = 'grow' AND r.target_number >= r.too_much AND NOT r.is_asked_after_loss, FALSE)
      )
),
placed AS (
  SELECT
    u.*,
    ROW_NUMBER() OVER (
      PARTITION BY job_key, config_key, status
      ORDER BY
        CASE WHEN is_revert THEN 0 WHEN is_due THEN 1 ELSE 2 END, run_number DESC, recommended_value
    ) AS place
  FROM united AS u
),
stepped AS (
  SELECT
    n.*,
    SUM(CASE WHEN is_watched THEN 1 ELSE 0 END) OVER (PARTITION BY job_key) AS num_watched,
    CASE WHEN status = 'proposed' THEN ROW_NUMBER() OVER (
      PARTITION BY job_key, status
      ORDER BY
        CASE
          -- What made it worse goes first,
          WHEN is_revert THEN 0
          -- what is out of memory next.
          WHEN action = 'grow' AND is_memory AND (is_due OR last_out_of_memory > run_number - $window_runs) THEN 1
          ELSE 2
        END,
        saving_core_ms DESC NULLS LAST, saving_ms DESC NULLS LAST, config_key
    ) END AS step
  FROM placed AS n
  WHERE status <> 'proposed' OR place = 1
)
SELECT
  s.job_key,
  s.config_key,
  s.recommended_value,
  s.current_value,
  s.action,
  s.status,
  s.step,
  CASE WHEN s.status = 'proposed' THEN
    s.step = 1 AND (s.num_watched = 0 OR s.is_revert OR s.action = 'grow' AND s.is_memory)
  END AS is_next,
  CASE
    WHEN (s.status = 'regressed' OR s.is_revert) AND s.ran_out_of_memory THEN
      CONCAT('Go back to ', COALESCE(s.value_before, 'the default'), ': a run with ', s.tried_value, ' was out of memory.')
    WHEN s.status = 'regressed' OR s.is_revert THEN
      CONCAT('Go back to ', COALESCE(s.value_before, 'the default'), ': runs with ', s.tried_value, ' take more core time.')
    WHEN s.status = 'verified' AND s.takes_memory THEN CONCAT(
      s.recommendation, ' Runs with it hold ', CAST(CAST(ROUND(s.memory_saving * 1e2) AS BIGINT) AS STRING), ' percent less memory over time.'
    )
    WHEN s.status = 'verified' AND s.follows_losses THEN CONCAT(
      s.recommendation, ' Before it ', CAST(s.memory_before AS STRING),
      CASE WHEN s.memory_before = 1 THEN ' run was' ELSE ' runs were' END, ' out of memory, with it none.'
    )
    WHEN s.is_beyond THEN CONCAT(s.recommendation, ' The job went beyond the proposed step.')
    WHEN s.is_limited THEN CONCAT(s.recommendation, ' This is the first step towards it.')
    ELSE s.recommendation
  END AS reason,
  r.rule_ids,
  r.finding_ids,
  s.num_runs,
  s.first_proposed_at,
  CASE WHEN NOT s.is_revert THEN s.start_time END AS last_proposed_at,
  s.saving_core_ms AS expected_saving_core_ms,
  s.saving_ratio AS expected_saving_ratio,
  s.saving_ms AS expected_saving_ms,
  s.saving_usd AS expected_saving_usd,
  CASE
    WHEN s.num_runs >= 3 OR s.is_revert THEN s.confidence
    WHEN s.num_runs = 2 AND s.confidence = 'high' THEN 'medium'
    WHEN s.num_runs = 2 THEN s.confidence
    ELSE 'low'
  END AS confidence,
  CASE
    WHEN s.action = 'shrink' AND s.is_memory AND s.last_out_of_memory IS NOT NULL AND NOT s.is_revert THEN 'high'
    WHEN s.action = 'shrink' AND s.is_memory OR s.config_key = 'spark.executor.cores' THEN 'medium'
    ELSE 'low'
  END AS risk,
  s.applied_at,
  s.runs_after,
  s.realized_saving_ratio
FROM stepped AS s
LEFT JOIN reasons AS r
  ON r.job_key = s.job_key AND r.run_number = s.run_number AND r.config_key = s.config_key
