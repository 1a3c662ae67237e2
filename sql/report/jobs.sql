-- id: jobs
-- title: Jobs that took longest
-- description: The longest jobs of an application, with the findings on them, their stages and their queries.
-- parameter: platform string = - [platform] of the application
-- parameter: cluster_id string = - [id] of the application
-- parameter: application_id string = - [id] the application
-- parameter: attempt_id string = - [id] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start: reads fewer files
-- parameter: limit bigint = 15 [count] most jobs
WITH found AS (
  SELECT
    -- A finding stands for others of its kind, which it lists.
    CASE WHEN f.evidence_json LIKE '%"others":[%' THEN SPLIT_PART(f.evidence_json, '"others":[', 2) ELSE '' END AS others,
    f.title, f.subject_type, TRY_CAST(SPLIT_PART(f.subject_id, '.', 1) AS BIGINT) AS number,
    CASE f.severity WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END AS weight
  FROM findings AS f
  WHERE f.subject_type IN ('job', 'stage', 'sql', 'node')
    AND f.platform = $platform AND f.cluster_id = $cluster_id
    AND f.application_id = $application_id AND f.attempt_id = $attempt_id
    AND f.app_date = CAST($app_date AS DATE)
),
-- The stages and the job of each job, as findings call them.
names AS (
  SELECT j.job_id, 'job' AS subject_type, CAST(j.job_id AS STRING) AS subject_id
  FROM jobs AS j
  WHERE j.platform = $platform AND j.cluster_id = $cluster_id
    AND j.application_id = $application_id AND j.attempt_id = $attempt_id
    AND j.app_date = CAST($app_date AS DATE)
  UNION ALL
  SELECT j.job_id, 'stage' AS subject_type, CONCAT(CAST(s.stage_id AS STRING), '.', CAST(s.stage_attempt_id AS STRING)) AS subject_id
  FROM jobs AS j
  INNER JOIN stages AS s
    ON s.platform = j.platform AND s.cluster_id = j.cluster_id AND s.application_id = j.application_id
    AND s.attempt_id = j.attempt_id AND s.app_date = j.app_date AND ARRAY_CONTAINS(j.stage_ids, s.stage_id)
  WHERE s.submission_time IS NOT NULL AND j.platform = $platform AND j.cluster_id = $cluster_id
    AND j.application_id = $application_id AND j.attempt_id = $attempt_id
    AND j.app_date = CAST($app_date AS DATE)
),
found_jobs AS (
  SELECT j.job_id, f.weight, f.title
  FROM jobs AS j
  INNER JOIN found AS f
    ON (f.subject_type = 'job' AND f.number = j.job_id)
    OR (f.subject_type = 'stage' AND ARRAY_CONTAINS(j.stage_ids, f.number))
    OR (f.subject_type IN ('sql', 'node') AND f.number = j.sql_id)
  WHERE j.platform = $platform AND j.cluster_id = $cluster_id
    AND j.application_id = $application_id AND j.attempt_id = $attempt_id
    AND j.app_date = CAST($app_date AS DATE)
  UNION ALL
  SELECT n.job_id, f.weight, f.title
  FROM names AS n
  INNER JOIN found AS f
    ON f.subject_type = n.subject_type AND f.others LIKE CONCAT('%"', n.subject_id, '"%')
),
marks AS (
  SELECT job_id, MAX(weight) AS weight, COUNT(*) AS num_findings, MIN(title) AS title
  FROM found_jobs
  GROUP BY job_id
),
listed AS (
  SELECT
    j.job_id, LEFT(COALESCE(
      NULLIF(j.description, ''),
      -- Adaptive execution starts jobs from threads of its own: the query says where in the code.
      CASE WHEN j.job_name LIKE '%CompletableFuture.java%' OR j.job_name LIKE '%ThreadPoolExecutor.java%' THEN NULLIF(q.description, '') END,
      j.job_name
    ), 200) AS job_name, j.sql_id, j.status,
    CASE WHEN j.submission_time >= a.start_time
      THEN UNIX_MILLIS(j.submission_time) - UNIX_MILLIS(a.start_time) END AS start_ms,
    CASE WHEN j.duration_ms >= 0 AND j.completion_time IS NOT NULL THEN j.duration_ms END AS duration_ms,
    -- Without those of stages that were skipped.
    GREATEST(j.num_tasks - COALESCE(j.num_skipped_tasks, 0), 0) AS num_tasks, j.num_failed_tasks, CARDINALITY(j.stage_ids) AS num_stages,
    LEFT(j.failure_reason, 300) AS failure_reason,
    m.weight AS severity_rank, COALESCE(m.num_findings, 0) AS num_findings, m.title AS finding_title
  FROM jobs AS j
  INNER JOIN applications AS a
    ON a.platform = j.platform AND a.cluster_id = j.cluster_id
    AND a.application_id = j.application_id AND a.attempt_id = j.attempt_id AND a.app_date = j.app_date
  LEFT JOIN marks AS m ON m.job_id = j.job_id
  LEFT JOIN sql AS q
    ON q.platform = j.platform AND q.cluster_id = j.cluster_id
    AND q.application_id = j.application_id AND q.attempt_id = j.attempt_id AND q.app_date = j.app_date AND q.sql_id = j.sql_id
  WHERE j.platform = $platform AND j.cluster_id = $cluster_id
    AND j.application_id = $application_id AND j.attempt_id = $attempt_id
    AND j.app_date = CAST($app_date AS DATE)
)
SELECT *
FROM listed
ORDER BY CASE WHEN status = 'FAILED' THEN 0 ELSE 1 END, duration_ms DESC NULLS LAST, job_id
LIMIT $limit
