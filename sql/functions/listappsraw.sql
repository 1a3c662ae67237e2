-- id: listappsraw
-- title: Applications of a cluster as JSON
-- description: Returns all Spark applications of a cluster, the newest first, as a JSON array of {id, name,
--   attempts}, as the Spark REST API lists them.
-- parameter: clusterid string = - [cluster id] id or name of the cluster, whose newest application is taken; or
--   an application id
-- returns: STRING
SELECT TO_JSON(TRANSFORM(
  ARRAY_SORT(COLLECT_LIST(NAMED_STRUCT('place', -UNIX_MILLIS(a.start_time), 'row', NAMED_STRUCT(
    'id', a.application_id,
    'name', a.application_name,
    'attempts', ARRAY_REPEAT(NAMED_STRUCT(
      'attemptId', a.attempt_id,
      'startTime', DATE_FORMAT(a.start_time, 'yyyy-MM-dd HH:mm:ss.SSS'),
      'endTime', DATE_FORMAT(a.end_time, 'yyyy-MM-dd HH:mm:ss.SSS'),
      'duration', a.duration_ms,
      'sparkUser', a.spark_user,
      'completed', a.completed,
      'appSparkVersion', a.app_spark_version
    ), 1)
  )))),
  sorted -> sorted.row
)) AS json
FROM applications AS a
WHERE a.cluster_id = $clusterid OR a.cluster_name = $clusterid OR a.application_id = $clusterid
