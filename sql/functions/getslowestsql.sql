-- id: getslowestsql
-- title: Slowest SQL executions of an application
-- description: Lists the SQL executions of the newest application of a cluster, the slowest first, with their
--   plans; duration is in milliseconds.
-- parameter: clusterid string = - [cluster id] id or name of the cluster, whose newest application is taken; or
--   an application id
-- returns: TABLE(id BIGINT, status STRING, description STRING, planDescription STRING, submissionTime TIMESTAMP,
--   duration BIGINT, successJobIds ARRAY<BIGINT>, failedJobIds ARRAY<BIGINT>, numNodes BIGINT)
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
  q.sql_id AS id, q.status, q.description, q.plan_description AS planDescription,
  q.submission_time AS submissionTime, q.duration_ms AS duration, q.success_job_ids AS successJobIds,
  q.failed_job_ids AS failedJobIds, q.num_nodes AS numNodes
FROM sql AS q
INNER JOIN app
  ON app.platform = q.platform AND app.cluster_id = q.cluster_id
  AND app.application_id = q.application_id AND app.attempt_id = q.attempt_id
ORDER BY duration DESC, id
