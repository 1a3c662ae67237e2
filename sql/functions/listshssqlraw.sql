-- id: listshssqlraw
-- title: SQL executions of an application as JSON
-- description: Returns all SQL executions of the newest application of a cluster with plan nodes, metrics and
--   edges as a JSON array, as the Spark REST API gives them.
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
SELECT CONCAT('[', ARRAY_JOIN(TRANSFORM(
  ARRAY_SORT(COLLECT_LIST(NAMED_STRUCT('place', q.sql_id, 'row', q.sql_raw_json))),
  sorted -> sorted.row
), ','), ']') AS json
FROM sql AS q
INNER JOIN app
  ON app.platform = q.platform AND app.cluster_id = q.cluster_id
  AND app.application_id = q.application_id AND app.attempt_id = q.attempt_id
