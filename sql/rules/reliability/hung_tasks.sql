-- id: hung_tasks
-- title: Tasks began and never ended
-- category: reliability
-- severity: medium
-- version: 3
-- description: Fires for a stage attempt with tasks that began and never ended, although they ran many times as long as the others of the stage (view
--   stuck_stages says from when on). Lost is the time of all cores that were held while nothing else ran, and what the stuck tasks held
--   before. A task that only had far more to do than all others looks the same from here, so it is of medium confidence; of low
--   confidence where no task of the stage succeeded. A history that ends by itself, and one that Spark dropped events from, are not told.
-- subject: stage
-- parameter: min_lost_ms bigint = 60000 [core_ms] core time that was held, at least
-- evidence: {num_stuck:task|tasks} of stage {subject_id} ({stage_name}) began {since_ms:s} after the start and never ended{place}, though {open_ms:s} passed until
--   {the_end}[ and the median task of the stage took {median_ms:s}][. For {idle_ms:s} no other task ran][, while {idle_cores:int} cores were held].
-- advice: num_fetches_failed > 0 AND is_databricks | - | - | [{num_fetches_failed:fetch|fetches} of shuffle data from {fetch_host} had failed: ]the machines do not reach one another. Look at
--   the network of the cluster (security groups, peering, the health of the host)[, first at {other_host}, where the work hung].
-- advice: num_fetches_failed > 0 | - | - | [{num_fetches_failed:fetch|fetches} of shuffle data from {fetch_host} had failed: ]the machines do not reach one another. [Begin with {other_host}, where the work hung. ]Give each an
--   address that all others reach (SPARK_LOCAL_IP on the workers, spark.driver.host), and open the ports between them (firewall;
--   spark.blockManager.port and spark.driver.blockManager.port make them fixed). Retries and longer timeouts do not help.
-- advice: is_cut_off AND is_databricks | - | - | The stage reads shuffle data, and what ran there had never fetched any from another machine: most likely it cannot reach the others. Look at the network of the
--   cluster (security groups, peering, the health of the host), and take a thread dump of {hung_executor} while it hangs.
-- advice: is_cut_off AND NOT is_local | - | - | The stage reads shuffle data, and what ran there had never fetched any from another machine: most likely it cannot
--   reach the others. Check that the address that each executor tells is one that all others reach (SPARK_LOCAL_IP on the workers), and that
--   the ports between them are open (firewall; spark.blockManager.port makes them fixed). If so, take a thread dump of
--   {hung_executor} while it hangs.
-- advice: NOT speculation AND NOT is_local | - | - | Take a thread dump of {hung_executor} while it hangs (page Executors): it shows a deadlock, or a call to a
--   database or service without a timeout: give it one. Where tasks may run twice without harm spark.speculation starts them elsewhere.
-- recommendation: Take a thread dump while it hangs (page Executors): it shows a deadlock, or a call to a database or service without a timeout:
--   give it one.
SELECT
  platform, cluster_id, application_id, attempt_id,
  CONCAT(CAST(stage_id AS STRING), '.', CAST(stage_attempt_id AS STRING)) AS subject_id,
  CASE
    -- The whole application waited for them, however few cores it had.
    WHEN lost_core_ms < 600000 AND idle_ms >= 0.5e0 * app_duration_ms THEN 'medium'
    WHEN lost_core_ms < 600000 THEN 'low'
  END AS severity,
  CASE WHEN median_ms IS NULL AND num_fetches_failed IS NULL THEN 'low' ELSE 'medium' END AS confidence,
  lost_core_ms, CASE WHEN idle_ms > 0 THEN idle_ms END AS recoverable_ms,
  stage_name, num_stuck, since_ms, open_ms, median_ms, CASE WHEN idle_ms >= 1000 THEN idle_ms END AS idle_ms,
  CASE WHEN idle_ms >= 1000 THEN TRY_CAST(ROUND(CAST(idle_core_ms AS DOUBLE) / NULLIF(idle_ms, 0)) AS BIGINT) END AS idle_cores,
  stuck_core_ms, num_hosts, first_host, num_executors, first_executor,
  CASE
    WHEN is_local THEN ''
    WHEN num_executors = 1 THEN CONCAT(', on executor ', first_executor, COALESCE(CONCAT(' (', first_host, ')'), ''))
    WHEN num_hosts = 1 THEN CONCAT(', all on ', first_host)
    ELSE CONCAT(', on ', CAST(num_executors AS STRING), ' executors')
  END AS place,
  CASE WHEN num_executors = 1 THEN CONCAT('executor ', first_executor, COALESCE(CONCAT(' on ', first_host), '')) WHEN num_hosts = 1 THEN CONCAT('the executors on ', first_host) ELSE 'the executors' END AS hung_executor,
  CASE WHEN num_hosts = 1 AND NOT (num_fetch_hosts = 1 AND first_fetch_host = first_host) THEN first_host END AS other_host,
  CASE WHEN is_ended THEN 'the end' ELSE 'the last event of the history' END AS the_end,
  num_fetches_failed,
  CASE WHEN num_fetch_hosts > 1 THEN CONCAT(CAST(num_fetch_hosts AS STRING), ' hosts') ELSE first_fetch_host END AS fetch_host,
  is_cut_off, speculation, is_local, is_databricks
FROM stuck_stages
WHERE lost_core_ms >= $min_lost_ms
