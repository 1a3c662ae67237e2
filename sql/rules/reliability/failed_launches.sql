-- id: failed_launches
-- title: Executors end before they can work
-- category: reliability
-- severity: low
-- version: 7
-- description: Fires where executors were started again and again, but ended before they had registered with the driver. They are in
--   no list of executors and cost no core time of the application, but what they should have done is left to the others. A few of them in an
--   application that lost an executor or a worker went with it, or with the restart of its worker: no failed launches; nor is what a worker that
--   is being shut down refuses to start. An executor that ends with exit code 1 often did not find its driver: where the name of the
--   driver's host has no domain (or is localhost, and the master is elsewhere), and no two hosts have an executor that registered, the name is told.
--   Where no executor ever registered nothing could run: then it is of high severity.
-- parameter: min_executors bigint = 3 [count] executors that ended like that, at least
-- parameter: max_beside_loss bigint = 3 [count] and how many of them say nothing where an executor or a worker was lost
-- evidence: {unregistered:executor|executors} ended before they registered with the driver[: {reason}]; {who} did
--   {work}[; executors look for the driver at {doubtful_host}][; spark.executorEnv.JAVA_HOME is {java_home}].
-- advice: LOWER(reason) LIKE '%memory%' OR reason LIKE '%137%' | - | - | They got no memory: ask for smaller executors, or look at what else runs on their hosts.
-- advice: reason LIKE '%code 1' AND java_home IS NOT NULL | - | - | Check that every worker has a Java at {java_home}, which spark.executorEnv.JAVA_HOME asks for, or do not set it. Whether it is that, options that Java refuses, or a driver that it cannot reach,
--   is in the file stderr of such an executor, in the work folder of the application on its worker.
-- advice: reason LIKE '%code 1' AND doubtful_host IS NOT NULL | - | - | Other machines may not resolve or reach {doubtful_host}: set spark.driver.host to a full name or an address of the driver that
--   all workers reach. Whether it is that (UnknownHostException, failed to connect), a wrong JAVA_HOME or options that Java refuses, is in the file stderr of such an executor, in the
--   work folder of the application on its worker.
-- advice: reason LIKE '%code 1' | - | - | Look at the file stderr of such an executor, in the work folder of the application on its worker: a wrong JAVA_HOME, options that Java refuses, or a
--   driver that it cannot reach (spark.driver.host, firewall).
-- recommendation: Look at the log of such an executor: a wrong Java, an image that cannot be pulled, a host without room, or a driver that it
--   cannot reach (spark.driver.host, spark.driver.bindAddress, firewall).
SELECT
  p.platform, p.cluster_id, p.application_id, p.attempt_id, p.application_id AS subject_id,
  CASE WHEN COALESCE(a.num_workers, 0) = 0 THEN 'high' WHEN p.num_executors_unregistered >= 10 THEN 'medium' ELSE 'low' END AS severity, 'high' AS confidence,
  p.num_executors_unregistered AS unregistered,
  REGEXP_REPLACE(SUBSTR(p.unregistered_reason, 1, 200), '[. ]+$', '') AS reason, CASE COALESCE(a.num_workers, 0) WHEN 0 THEN 'none' WHEN 1 THEN '1 executor' ELSE CONCAT(CAST(a.num_workers AS STRING), ' executors') END AS who,
  CASE WHEN COALESCE(a.num_workers, 0) = 0 THEN 'any work' ELSE 'the work' END AS work,
  CASE WHEN p.unregistered_reason LIKE '%code 1' THEN SUBSTR(h.java_home, 1, 100) END AS java_home,
  CASE WHEN p.unregistered_reason LIKE '%code 1' AND COALESCE(r.num_hosts, 0) < 2 THEN d.doubtful_host END AS doubtful_host
FROM applications AS p
INNER JOIN application_facts AS a
  ON a.platform = p.platform AND a.cluster_id = p.cluster_id
  AND a.application_id = p.application_id AND a.attempt_id = p.attempt_id
LEFT JOIN (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM executors
  -- What dynamic allocation gave back, or the driver asked to end, was not lost.
  WHERE executor_id NOT IN ('driver', '<driver>') AND remove_time IS NOT NULL
    AND COALESCE(LOWER(remove_reason) NOT LIKE '%idle%' AND LOWER(remove_reason) NOT LIKE '%killed by driver%', TRUE)
) AS l
  ON l.platform = p.platform AND l.cluster_id = p.cluster_id
  AND l.application_id = p.application_id AND l.attempt_id = p.attempt_id
LEFT JOIN (
  -- Who registered found the driver; two hosts that did say that others can too.
  SELECT platform, cluster_id, application_id, attempt_id, COUNT(DISTINCT REGEXP_REPLACE(host_port, ':[0-9]+$', '')) AS num_hosts
  FROM executors
  WHERE executor_id NOT IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id
) AS r
  ON r.platform = p.platform AND r.cluster_id = p.cluster_id
  AND r.application_id = p.application_id AND r.attempt_id = p.attempt_id
LEFT JOIN (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    CASE
      WHEN host IN ('localhost', 'localhost.localdomain', '::1', '[::1]') OR host LIKE '127.%'
        THEN CASE WHEN master NOT LIKE '%localhost%' AND master NOT LIKE '%//127.%' AND master NOT LIKE '%::1%' THEN host END
      -- A name without a domain. Addresses have dots or colons.
      WHEN host NOT LIKE '%.%' AND host NOT LIKE '%:%' AND host <> '' THEN host
    END AS doubtful_host
  FROM (
    SELECT
      platform, cluster_id, application_id, attempt_id,
      MAX(CASE WHEN key = 'spark.driver.host' THEN value END) AS host,
      MAX(CASE WHEN key = 'spark.master' THEN LOWER(value) END) AS master
    FROM spark_settings
    WHERE key IN ('spark.driver.host', 'spark.master')
    GROUP BY platform, cluster_id, application_id, attempt_id
  ) AS s
) AS d
  ON d.platform = p.platform AND d.cluster_id = p.cluster_id
  AND d.application_id = p.application_id AND d.attempt_id = p.attempt_id
LEFT JOIN (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(value) AS java_home
  FROM spark_settings
  WHERE key = 'spark.executorEnv.JAVA_HOME'
  GROUP BY platform, cluster_id, application_id, attempt_id
) AS h
  ON h.platform = p.platform AND h.cluster_id = p.cluster_id
  AND h.application_id = p.application_id AND h.attempt_id = p.attempt_id
LEFT JOIN (
  -- What was compacted begins with a later job.
  SELECT platform, cluster_id, application_id, attempt_id, MIN(job_id) AS first_job
  FROM jobs
  GROUP BY platform, cluster_id, application_id, attempt_id
) AS j
  ON j.platform = p.platform AND j.cluster_id = p.cluster_id
  AND j.application_id = p.application_id AND j.attempt_id = p.attempt_id
WHERE p.num_executors_unregistered >= $min_executors
  -- A history that lost its beginning lost the starts of executors too; one without an end is of an application that runs, or was killed.
  AND (p.complete OR (p.start_time IS NOT NULL AND COALESCE(p.num_lost_events, 0) = 0 AND COALESCE(j.first_job, 0) = 0))
  -- A worker of a standalone cluster that ends tries until the driver hears of it.
  AND COALESCE(p.unregistered_reason NOT LIKE '%hooks cannot be modified during shutdown%', TRUE)
  -- When they went is not known: a few may have gone at once, with what else was lost.
  AND (p.num_executors_unregistered > $max_beside_loss
    OR (l.platform IS NULL AND COALESCE(LOWER(p.unregistered_reason) NOT LIKE '%worker lost%', TRUE)))
