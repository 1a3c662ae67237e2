-- id: listshstasksraw
-- title: Task quantiles of a stage as JSON
-- description: Returns the distribution of task metrics (minimum, quartiles, maximum) of the last attempt of a
--   stage of the newest application of a cluster as JSON, as the task summary of the Spark REST API.
-- parameter: clusterid string = - [cluster id] id or name of the cluster, whose newest application is taken; or
--   an application id
-- parameter: stageid bigint = 0 [stage id] the stage
-- returns: STRING
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
SELECT MAX_BY(t.raw_json, t.stage_attempt_id) AS json
FROM task_summaries AS t
INNER JOIN app
  ON app.platform = t.platform AND app.cluster_id = t.cluster_id
  AND app.application_id = t.application_id AND app.attempt_id = t.attempt_id
WHERE t.stage_id = $stageid
