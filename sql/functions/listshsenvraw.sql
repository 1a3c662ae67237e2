-- id: listshsenvraw
-- title: Configuration of an application as JSON
-- description: Returns the configuration in force of the newest application of a cluster as a JSON array of
--   {section, key, value}; sections are spark, hadoop, system, metrics, runtime.
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
SELECT TO_JSON(ARRAY_SORT(COLLECT_LIST(NAMED_STRUCT('section', e.section, 'key', e.key, 'value', e.value)))) AS json
FROM environment AS e
INNER JOIN app
  ON app.platform = e.platform AND app.cluster_id = e.cluster_id
  AND app.application_id = e.application_id AND app.attempt_id = e.attempt_id
