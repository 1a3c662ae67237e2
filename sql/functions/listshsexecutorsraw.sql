-- id: listshsexecutorsraw
-- title: Executors of an application as JSON
-- description: Returns all executors of the newest application of a cluster, removed ones and the driver too,
--   as a JSON array, as the Spark REST API gives them.
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
SELECT TO_JSON(TRANSFORM(
  ARRAY_SORT(COLLECT_LIST(NAMED_STRUCT('place', e.executor_id, 'row', NAMED_STRUCT(
    'id', e.executor_id,
    'hostPort', e.host_port,
    'isActive', e.is_active,
    'memoryUsed', e.memory_used,
    'diskUsed', e.disk_used,
    'totalCores', e.total_cores,
    'maxTasks', e.max_tasks,
    'failedTasks', e.failed_tasks,
    'completedTasks', e.completed_tasks,
    'totalTasks', e.total_tasks,
    'totalDuration', e.total_duration,
    'totalGCTime', e.total_gc_time,
    'totalInputBytes', e.total_input_bytes,
    'totalShuffleRead', e.total_shuffle_read,
    'totalShuffleWrite', e.total_shuffle_write,
    'maxMemory', e.max_memory,
    'addTime', DATE_FORMAT(e.add_time, 'yyyy-MM-dd HH:mm:ss.SSS'),
    'removeTime', DATE_FORMAT(e.remove_time, 'yyyy-MM-dd HH:mm:ss.SSS'),
    'removeReason', e.remove_reason
  )))),
  sorted -> sorted.row
)) AS json
FROM executors AS e
INNER JOIN app
  ON app.platform = e.platform AND app.cluster_id = e.cluster_id
  AND app.application_id = e.application_id AND app.attempt_id = e.attempt_id
