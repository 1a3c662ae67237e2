-- id: getsparkcontext
-- title: The Spark context of a cluster
-- description: Returns the id of the Spark context that the newest run of sparklake saw on a cluster. NULL
--   where the platform tells none.
-- parameter: clusterid string = - [cluster id] id or name of the cluster
-- returns: STRING
SELECT MAX_BY(s.spark_context_id, s.run_id) AS spark_context_id
FROM cluster_summaries AS s
WHERE (s.cluster_id = $clusterid OR s.cluster_name = $clusterid) AND s.spark_context_id IS NOT NULL
