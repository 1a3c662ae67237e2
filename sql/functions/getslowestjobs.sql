-- id: getslowestjobs
-- title: Slowest jobs of an application
-- description: Lists the Spark jobs of the newest application of a cluster, the slowest first; runtimesec is
--   the duration in seconds.
-- parameter: clusterid string = - [cluster id] id or name of the cluster, whose newest application is taken; or
--   an application id
-- returns: TABLE(jobId BIGINT, name STRING, description STRING, submissionTime TIMESTAMP, completionTime TIMESTAMP,
--   stageIds ARRAY<BIGINT>, status STRING, numTasks BIGINT, numCompletedTasks BIGINT, numSkippedTasks BIGINT,
--   numFailedTasks BIGINT, numCompletedStages BIGINT, numSkippedStages BIGINT, numFailedStages BIGINT, runtimesec DOUBLE)
WITH app AS (
  SELECT platform, cluster_id, application_id, attempt_id
  FROM (
    SELECT
      a.*,
      ROW_NUMBER() OVER (
        ORDER BY CASE WHEN a.application_id = $clusterid THEN 0 ELSE 1 END, a.start_time DESC, a.attempt_id DESC
      ) AS place
    FROM applications AS a
    WHERE a.cluster_id = $clusterid OR a.cluster_name = $clusterid OR a.application_id = $clusterid
  ) AS ranked
  WHERE place = 1
)
SELECT
  j.job_id AS jobId, j.job_name AS name, j.description, j.submission_time AS submissionTime,
  j.completion_time AS completionTime, j.stage_ids AS stageIds, j.status, j.num_tasks AS numTasks,
  j.num_completed_tasks AS numCompletedTasks, j.num_skipped_tasks AS numSkippedTasks,
  j.num_failed_tasks AS numFailedTasks, j.num_completed_stages AS numCompletedStages,
  j.num_skipped_stages AS numSkippedStages, j.num_failed_stages AS numFailedStages,
  j.duration_ms / CAST(1000 AS DOUBLE) AS runtimesec
FROM jobs AS j
INNER JOIN app
  ON app.platform = j.platform AND app.cluster_id = j.cluster_id
  AND app.application_id = j.application_id AND app.attempt_id = j.attempt_id
ORDER BY runtimesec DESC, jobId
