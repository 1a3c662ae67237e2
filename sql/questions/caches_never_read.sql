-- id: caches_never_read
-- title: Caches that were never read
-- question: Which RDDs and tables were cached and never read again?
-- reads: applications, rdds
SELECT
  a.application_name, r.application_id, r.rdd_id, r.call_site, r.storage_level, r.num_partitions
FROM rdds AS r
INNER JOIN applications AS a
  ON a.platform = r.platform AND a.cluster_id = r.cluster_id
  AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
WHERE r.is_persisted AND r.num_reads = 0
ORDER BY r.num_partitions DESC, a.application_name, r.rdd_id, r.application_id
LIMIT 20
