-- id: job_failures
-- title: Failed jobs with the error at the root and its kind
-- description: One row per job that failed, without those that were canceled. root_cause and cause are what the view failure_causes says, but that fetches of what a lost executor held are fetch;
--   network are fetches from executors that live, shuffle_files shuffle data that is gone though no executor was lost. lost_core_ms is the task time
--   of its stages that no job which succeeded shares, without that of tasks that went with lost executors (gone_ms). is_survived says that a job succeeded after this one, and after
--   the last failed one of the same name, so that the application went on.
-- reads: executor_losses, executors, failure_causes, job_losses, jobs
WITH failed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, job_id, job_name, sql_id, streaming_query_id, duration_ms, num_failed_tasks, completion_time,
    TRY_CAST(REGEXP_REPLACE(
      SPLIT_PART(failure_reason, CHR(10), 1), '^Job aborted due to stage failure: .* failed ([0-9]+) times.*$', '$1'
    ) AS BIGINT) AS num_attempts
  FROM jobs
  WHERE status = 'FAILED' AND failure_reason IS NOT NULL
    AND failure_reason NOT LIKE '%cancelled%' AND failure_reason NOT LIKE '%canceled%'
    AND failure_reason NOT LIKE '%SPARK_JOB_CANCELLED%'
    -- A job that begins while the application ends.
    AND failure_reason NOT LIKE '%on a stopped SparkContext%'
),
-- Executors that went for another reason than idleness or the end, those that were decommissioned only where they took work along.
gone AS (
  SELECT platform, cluster_id, application_id, attempt_id, MIN(remove_ms) AS first_gone_ms
  FROM (
    SELECT platform, cluster_id, application_id, attempt_id, UNIX_MILLIS(remove_time) AS remove_ms
    FROM executors
    WHERE executor_id NOT IN ('driver', '<driver>') AND loss_kind IN ('oom', 'spot', 'killed', 'lost')
    UNION ALL
    SELECT platform, cluster_id, application_id, attempt_id, remove_ms
    FROM executor_losses
    WHERE cause = 'decommissioned'
  ) AS e
  GROUP BY platform, cluster_id, application_id, attempt_id
),
last_successes AS (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(submission_time) AS last_success_time,
    MAX(job_id) AS last_success_id
  FROM jobs
  WHERE status = 'SUCCEEDED'
  GROUP BY platform, cluster_id, application_id, attempt_id
),
told AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.job_id, f.job_name, f.sql_id,
    f.streaming_query_id, f.duration_ms, f.num_failed_tasks, f.num_attempts,
    c.root_cause, c.cause,
    COALESCE(l.lost_core_ms, 0) AS lost_core_ms, l.gone_ms,
    g.platform IS NOT NULL AND COALESCE(g.first_gone_ms <= UNIX_MILLIS(f.completion_time), TRUE) AS has_loss,
    -- Spark before 1.3 logs no times of jobs.
    COALESCE(
      t.last_success_time >= MAX(f.completion_time) OVER (
        PARTITION BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.job_name
      ),
      t.last_success_id > f.job_id, FALSE
    ) AS is_survived
  FROM failed AS f
  LEFT JOIN last_successes AS t
    ON t.platform = f.platform AND t.cluster_id = f.cluster_id
    AND t.application_id = f.application_id AND t.attempt_id = f.attempt_id
  LEFT JOIN job_losses AS l
    ON l.platform = f.platform AND l.cluster_id = f.cluster_id
    AND l.application_id = f.application_id AND l.attempt_id = f.attempt_id AND l.job_id = f.job_id
  LEFT JOIN failure_causes AS c
    ON c.platform = f.platform AND c.cluster_id = f.cluster_id
    AND c.application_id = f.application_id AND c.attempt_id = f.attempt_id AND c.kind = 'job' AND c.subject_id = CAST(f.job_id AS STRING)
  LEFT JOIN gone AS g
    ON g.platform = f.platform AND g.cluster_id = f.cluster_id
    AND g.application_id = f.application_id AND g.attempt_id = f.attempt_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, job_id, job_name, sql_id,
  streaming_query_id, duration_ms, num_failed_tasks, num_attempts, root_cause,
  CASE WHEN has_loss AND cause IN ('network', 'shuffle_files') THEN 'fetch' ELSE cause END AS cause,
  lost_core_ms, gone_ms, is_survived
FROM told
