-- id: query_failures
-- title: Jobs and stages of queries that a failed job ended
-- description: One row per stage that a job of such a query lists and that ran: adaptive execution runs a job for each exchange, and what they made is thrown away with the query. told_job_id is
--   the job that is told with it: the job itself if it failed by itself, else the first that did (first_job_id). is_kept says that the stage was of use all the same: it succeeded and filled a cache, wrote output, or a job
--   outside of the query had its shuffle data. jobs_ms is the time from the start of the first job of the query to the first failure. Streams are left out, and queries in which a job began and succeeded after the failure.
-- reads: jobs, rdds, sql, stages
WITH failed AS (
  SELECT platform, cluster_id, application_id, attempt_id, job_id, sql_id, UNIX_MILLIS(completion_time) AS failed_ms
  FROM jobs
  WHERE status = 'FAILED' AND sql_id IS NOT NULL AND streaming_query_id IS NULL AND failure_reason IS NOT NULL
    AND failure_reason NOT LIKE '%cancelled%' AND failure_reason NOT LIKE '%canceled%'
    AND failure_reason NOT LIKE '%SPARK_JOB_CANCELLED%' AND failure_reason NOT LIKE '%on a stopped SparkContext%'
),
ended AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id,
    MIN(f.job_id) AS first_job_id, MIN(f.failed_ms) AS failed_ms
  FROM failed AS f
  INNER JOIN sql AS q
    ON q.platform = f.platform AND q.cluster_id = f.cluster_id
    AND q.application_id = f.application_id AND q.attempt_id = f.attempt_id AND q.sql_id = f.sql_id
  WHERE q.status = 'FAILED'
  GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.sql_id
),
members AS (
  SELECT
    j.platform, j.cluster_id, j.application_id, j.attempt_id, j.job_id, j.status, j.stage_ids, e.sql_id, e.first_job_id,
    CASE WHEN f.job_id IS NOT NULL THEN j.job_id ELSE e.first_job_id END AS told_job_id,
    MAX(CASE WHEN j.status = 'SUCCEEDED' AND UNIX_MILLIS(j.submission_time) > e.failed_ms THEN 1 ELSE 0 END)
      OVER (PARTITION BY j.platform, j.cluster_id, j.application_id, j.attempt_id, e.sql_id) AS went_on,
    e.failed_ms - MIN(UNIX_MILLIS(j.submission_time)) OVER (PARTITION BY j.platform, j.cluster_id, j.application_id, j.attempt_id, e.sql_id) AS jobs_ms
  FROM ended AS e
  INNER JOIN jobs AS j
    ON j.platform = e.platform AND j.cluster_id = e.cluster_id
    AND j.application_id = e.application_id AND j.attempt_id = e.attempt_id AND j.sql_id = e.sql_id
  LEFT JOIN failed AS f
    ON f.platform = j.platform AND f.cluster_id = j.cluster_id
    AND f.application_id = j.application_id AND f.attempt_id = j.attempt_id AND f.job_id = j.job_id
  WHERE j.status IN ('SUCCEEDED', 'FAILED')
),
ran AS (
  SELECT
    m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.job_id, m.first_job_id, m.told_job_id, m.jobs_ms, m.status,
    s.stage_id, MAX(s.output_bytes) AS output_bytes, MAX(ARRAY_MAX(s.rdd_ids)) AS rdd_id
  FROM members AS m
  INNER JOIN stages AS s
    ON s.platform = m.platform AND s.cluster_id = m.cluster_id
    AND s.application_id = m.application_id AND s.attempt_id = m.attempt_id
  WHERE m.went_on = 0 AND s.status NOT IN ('SKIPPED', 'PENDING') AND ARRAY_CONTAINS(m.stage_ids, s.stage_id)
  GROUP BY m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.job_id, m.first_job_id, m.told_job_id, m.jobs_ms, m.status, s.stage_id
),
-- A stage that finds its shuffle data is skipped, under another id: its last RDD is the same.
skipped AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, ARRAY_MAX(s.rdd_ids) AS rdd_id
  FROM stages AS s
  INNER JOIN (SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM ended) AS e
    ON e.platform = s.platform AND e.cluster_id = s.cluster_id
    AND e.application_id = s.application_id AND e.attempt_id = s.attempt_id
  LEFT JOIN members AS m
    ON m.platform = s.platform AND m.cluster_id = s.cluster_id
    AND m.application_id = s.application_id AND m.attempt_id = s.attempt_id AND m.job_id = ARRAY_MAX(s.job_ids)
  WHERE s.status = 'SKIPPED' AND m.job_id IS NULL AND CARDINALITY(s.rdd_ids) > 0
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, ARRAY_MAX(s.rdd_ids)
),
filled AS (
  SELECT platform, cluster_id, application_id, attempt_id, first_stage_id
  FROM rdds
  WHERE is_persisted AND first_stage_id IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, first_stage_id
)
SELECT
  r.platform, r.cluster_id, r.application_id, r.attempt_id, r.sql_id, r.job_id, r.stage_id, r.first_job_id, r.told_job_id, r.jobs_ms,
  r.status = 'SUCCEEDED' AND (COALESCE(r.output_bytes > 0, FALSE) OR k.rdd_id IS NOT NULL OR c.first_stage_id IS NOT NULL) AS is_kept
FROM ran AS r
LEFT JOIN skipped AS k
  ON k.platform = r.platform AND k.cluster_id = r.cluster_id
  AND k.application_id = r.application_id AND k.attempt_id = r.attempt_id AND k.rdd_id = r.rdd_id
LEFT JOIN filled AS c
  ON c.platform = r.platform AND c.cluster_id = r.cluster_id
  AND c.application_id = r.application_id AND c.attempt_id = r.attempt_id AND c.first_stage_id = r.stage_id
