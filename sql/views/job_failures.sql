-- id: job_failures
-- title: Failed jobs with the error at the root and its kind
-- description: One row per job that failed, without those that were canceled. root_cause and cause are what the view failure_causes says, but that fetches of what a lost executor held are fetch;
--   network are fetches from executors that live, shuffle_files shuffle data that is gone though no executor was lost. lost_core_ms is the task time
--   of its stages that no job which succeeded shares, and of those of the other jobs of its query that were lost with it (other_ms, view query_failures), without that of tasks that went with lost executors (gone_ms).
--   wall_ms is the time since the first job of its query began, with the first failed job, where all stages of the query were lost, else that of the job. num_attempts is how often a task failed until its stage did. num_runs is how many queries failed with
--   this error that compute the same (work_hash of the topmost operator that has one, texts of the aggregates, description). is_survived says that a job succeeded after this one, and after
--   the last failed one of the same name, so that the application went on.
-- reads: executor_losses, executors, failure_causes, job_losses, jobs, query_failures, sql, sql_nodes, stages, tasks
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
-- Tasks whose failures ended their stage.
tried AS (
  SELECT platform, cluster_id, application_id, attempt_id, stage_id, MAX(num_tries) AS num_tries
  FROM (
    SELECT t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, t.index, COUNT(*) AS num_tries
    FROM tasks AS t
    INNER JOIN stages AS s
      ON s.platform = t.platform AND s.cluster_id = t.cluster_id
      AND s.application_id = t.application_id AND s.attempt_id = t.attempt_id
      AND s.stage_id = t.stage_id AND s.stage_attempt_id = t.stage_attempt_id
    WHERE t.status = 'FAILED' AND s.status = 'FAILED'
    GROUP BY t.platform, t.cluster_id, t.application_id, t.attempt_id, t.stage_id, t.stage_attempt_id, t.index
  ) AS i
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id
),
attempts AS (
  SELECT q.platform, q.cluster_id, q.application_id, q.attempt_id, q.job_id, MAX(t.num_tries) AS num_tries
  FROM query_failures AS q
  INNER JOIN tried AS t
    ON t.platform = q.platform AND t.cluster_id = q.cluster_id
    AND t.application_id = q.application_id AND t.attempt_id = q.attempt_id AND t.stage_id = q.stage_id
  WHERE q.job_id = q.told_job_id
  GROUP BY q.platform, q.cluster_id, q.application_id, q.attempt_id, q.job_id
),
queries AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, first_job_id, MAX(jobs_ms) AS jobs_ms,
    MAX(CASE WHEN is_kept THEN 1 ELSE 0 END) = 0 AS is_whole
  FROM query_failures
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, first_job_id
),
-- What queries that failed compute.
tops AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.work_hash,
    ROW_NUMBER() OVER (PARTITION BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id ORDER BY n.node_id) AS place
  FROM sql_nodes AS n
  INNER JOIN queries AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
  WHERE n.work_hash IS NOT NULL
),
sums AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id,
    CONCAT(CAST(COUNT(*) AS STRING), MIN(REGEXP_REPLACE(n.description, '#[0-9]+L?', '')), MAX(REGEXP_REPLACE(n.description, '#[0-9]+L?', ''))) AS functions
  FROM sql_nodes AS n
  INNER JOIN queries AS q
    ON q.platform = n.platform AND q.cluster_id = n.cluster_id
    AND q.application_id = n.application_id AND q.attempt_id = n.attempt_id AND q.sql_id = n.sql_id
  WHERE n.operator_kind = 'aggregate'
  GROUP BY n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id
),
-- With the same error.
runs AS (
  SELECT
    q.platform, q.cluster_id, q.application_id, q.attempt_id, q.first_job_id,
    COUNT(*) OVER (PARTITION BY q.platform, q.cluster_id, q.application_id, q.attempt_id, c.root_cause, s.description, t.work_hash, g.functions) AS num_runs
  FROM queries AS q
  INNER JOIN sql AS s
    ON s.platform = q.platform AND s.cluster_id = q.cluster_id
    AND s.application_id = q.application_id AND s.attempt_id = q.attempt_id AND s.sql_id = q.sql_id
  INNER JOIN tops AS t
    ON t.platform = q.platform AND t.cluster_id = q.cluster_id
    AND t.application_id = q.application_id AND t.attempt_id = q.attempt_id AND t.sql_id = q.sql_id AND t.place = 1
  INNER JOIN failure_causes AS c
    ON c.platform = q.platform AND c.cluster_id = q.cluster_id
    AND c.application_id = q.application_id AND c.attempt_id = q.attempt_id AND c.kind = 'job' AND c.subject_id = CAST(q.first_job_id AS STRING)
  LEFT JOIN sums AS g
    ON g.platform = q.platform AND g.cluster_id = q.cluster_id
    AND g.application_id = q.application_id AND g.attempt_id = q.attempt_id AND g.sql_id = q.sql_id
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
    f.streaming_query_id, f.duration_ms, f.num_failed_tasks, COALESCE(f.num_attempts, n.num_tries) AS num_attempts, r.num_runs,
    CASE WHEN NOT COALESCE(q.is_whole, FALSE) THEN f.duration_ms WHEN q.first_job_id = f.job_id THEN GREATEST(f.duration_ms, COALESCE(q.jobs_ms, 0)) ELSE 0 END AS wall_ms,
    c.root_cause, c.cause,
    COALESCE(l.lost_core_ms, 0) AS lost_core_ms, l.gone_ms, l.other_ms,
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
  LEFT JOIN attempts AS n
    ON n.platform = f.platform AND n.cluster_id = f.cluster_id
    AND n.application_id = f.application_id AND n.attempt_id = f.attempt_id AND n.job_id = f.job_id
  LEFT JOIN queries AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
  LEFT JOIN runs AS r
    ON r.platform = f.platform AND r.cluster_id = f.cluster_id
    AND r.application_id = f.application_id AND r.attempt_id = f.attempt_id AND r.first_job_id = f.job_id
  LEFT JOIN gone AS g
    ON g.platform = f.platform AND g.cluster_id = f.cluster_id
    AND g.application_id = f.application_id AND g.attempt_id = f.attempt_id
)
SELECT
  platform, cluster_id, application_id, attempt_id, job_id, job_name, sql_id,
  streaming_query_id, duration_ms, wall_ms, num_failed_tasks, num_attempts, num_runs, root_cause,
  CASE WHEN has_loss AND cause IN ('network', 'shuffle_files') THEN 'fetch' ELSE cause END AS cause,
  lost_core_ms, gone_ms, other_ms, is_survived
FROM told
