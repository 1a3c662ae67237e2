-- id: getexecutor
-- title: One executor of an application
-- description: Returns what one executor of the newest application of a cluster did; the driver is executor
--   driver. uptime is its life in milliseconds.
-- parameter: clusterid string = - [cluster id] id or name of the cluster, whose newest application is taken; or
--   an application id
-- parameter: executorid string = driver [executor id] the executor
-- returns: TABLE(id STRING, memoryUsed BIGINT, diskUsed BIGINT, totalCores BIGINT, addTime TIMESTAMP,
--   removeTime TIMESTAMP, maxTasks BIGINT, completedTasks BIGINT, totalTasks BIGINT, totalDuration BIGINT,
--   totalGCTime BIGINT, totalInputBytes BIGINT, totalShuffleRead BIGINT, totalShuffleWrite BIGINT, maxMemory BIGINT,
--   uptime BIGINT)
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
  e.executor_id AS id, e.memory_used AS memoryUsed, e.disk_used AS diskUsed, e.total_cores AS totalCores,
  e.add_time AS addTime, e.remove_time AS removeTime, e.max_tasks AS maxTasks,
  e.completed_tasks AS completedTasks, e.total_tasks AS totalTasks, e.total_duration AS totalDuration,
  e.total_gc_time AS totalGCTime, e.total_input_bytes AS totalInputBytes,
  e.total_shuffle_read AS totalShuffleRead, e.total_shuffle_write AS totalShuffleWrite,
  e.max_memory AS maxMemory, e.lifetime_ms AS uptime
FROM executors AS e
INNER JOIN app
  ON app.platform = e.platform AND app.cluster_id = e.cluster_id
  AND app.application_id = e.application_id AND app.attempt_id = e.attempt_id
WHERE e.executor_id = $executorid
