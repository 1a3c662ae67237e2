-- id: getappid
-- title: The Spark application of a cluster
-- description: Returns the application id of the newest Spark application of a cluster. Call it first when only
--   a cluster is known.
-- parameter: clusterid string = - [cluster id] id or name of the cluster, whose newest application is taken; or
--   an application id
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
SELECT MAX(app.application_id) AS application_id
FROM app
