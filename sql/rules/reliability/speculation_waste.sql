-- id: speculation_waste
-- title: Speculative copies of tasks lose their races
-- category: reliability
-- severity: low
-- version: 5
-- description: Fires where many copies that speculation started were killed, since the first attempt
--   ended before them, or where the copies won and the first attempts were killed. Lost is the time of
--   the copies that were killed; what first attempts ran until their copies won would have been spent without copies too. Where most copies win, speculation pays, and the slow first attempts are what is told, with the
--   time of all attempts that were killed and the place where all of them ran.
-- parameter: min_killed bigint = 5 [count] killed attempts, at least
-- parameter: min_lost_ms bigint = 60000 [ms] their time, at least
-- parameter: min_few_killed bigint = 3 [count] or so many, of which the time is a large share
-- parameter: min_few_lost_ms bigint = 10000 [ms] their time, at least
-- parameter: min_share double = 0.1 [ratio] the same over the core time of the application, at least
-- evidence: {num_killed:attempt was|attempts were} killed in stages with speculation and took {lost_ms:s} with them[: {copies_killed:copy|copies} {copies_ms:s} and {num_slow:first attempt|first attempts},
--   whose copies won, {slow_ms:s}]; of {num_copies:copy|copies} {num_won:int} won[; all first attempts that lost ran {slow_place}].
-- advice: num_won * 2 < num_copies AND speculation AND COALESCE(multiplier < 3, TRUE) | spark.speculation.multiplier | '3' | Few copies win: start them later, or not
--   at all where the slow tasks have more data than the others.[ spark.speculation.quantile={low_quantile} starts copies as soon as that part of the tasks is done; the default is {default_quantile}.]
-- advice: num_won * 2 < num_copies AND speculation AND low_quantile IS NOT NULL | spark.speculation.quantile | CAST(default_quantile AS STRING) | Few copies win: start them when more tasks are
--   done, or not at all where the slow tasks have more data than the others.
-- advice: num_won * 2 < num_copies AND speculation | - | - | Few copies win, although they start late: turn speculation off (spark.speculation) where the slow tasks have more data than the
--   others, and look for the cause of these (skew, slow nodes).
-- advice: slow_place IS NOT NULL | - | - | Copies win, so speculation pays: look at why tasks are slow {slow_place} (disk, network, neighbors), and take the machine out of the cluster.
-- recommendation: Copies win, so speculation pays; look for the cause of the slow first attempts (slow nodes, a service that answers late, locks).
WITH races AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    SUM(CASE WHEN speculative THEN 1 ELSE 0 END) AS num_copies,
    SUM(CASE WHEN speculative AND status = 'SUCCESS' THEN 1 ELSE 0 END) AS num_won,
    SUM(CASE WHEN is_killed THEN 1 ELSE 0 END) AS num_killed,
    SUM(CASE WHEN is_killed THEN CAST(duration AS DOUBLE) ELSE 0e0 END) AS lost_ms,
    SUM(CASE WHEN is_killed AND NOT speculative THEN 1 ELSE 0 END) AS num_slow,
    SUM(CASE WHEN is_killed AND NOT speculative THEN CAST(duration AS DOUBLE) ELSE 0e0 END) AS slow_ms,
    MIN(CASE WHEN is_killed AND NOT speculative THEN host END) AS first_host, MAX(CASE WHEN is_killed AND NOT speculative THEN host END) AS last_host,
    MIN(CASE WHEN is_killed AND NOT speculative THEN executor_id END) AS first_executor, MAX(CASE WHEN is_killed AND NOT speculative THEN executor_id END) AS last_executor
  FROM (
    -- What is killed with its job lost no race; copies that still run when their stage is done did.
    SELECT
      t.*, COALESCE(status = 'KILLED' AND COALESCE(kill_reason LIKE '%another attempt succeeded%' OR kill_reason LIKE '%Stage finished%' OR LOWER(kill_reason) NOT LIKE '%cancel%', TRUE), FALSE) AS is_killed
    FROM tasks AS t
  ) AS k
  WHERE speculative OR status = 'KILLED'
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(num_copies) AS num_copies, SUM(num_won) AS num_won, SUM(num_killed) AS num_killed,
    SUM(lost_ms) AS lost_ms, SUM(num_slow) AS num_slow, SUM(slow_ms) AS slow_ms,
    MIN(first_host) AS first_host, MAX(last_host) AS last_host, MIN(first_executor) AS first_executor, MAX(last_executor) AS last_executor
  FROM races
  WHERE num_copies > 0
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  CASE WHEN s.num_won * 2 >= s.num_copies THEN 'low' END AS severity, 'high' AS confidence,
  CASE WHEN s.num_won * 2 >= s.num_copies THEN 'First attempts of tasks are slower than their copies' END AS title,
  CASE WHEN s.num_won * 2 >= s.num_copies AND s.num_slow >= $min_few_killed THEN CASE
    WHEN s.first_host = s.last_host AND h.num_hosts > 1 THEN CONCAT('on ', s.first_host)
    WHEN s.first_executor = s.last_executor AND h.num_executors > 1 THEN CONCAT('in executor ', s.first_executor)
  END END AS slow_place,
  TRY_CAST(CASE WHEN s.num_won * 2 >= s.num_copies THEN s.lost_ms ELSE s.lost_ms - s.slow_ms END AS BIGINT) AS lost_core_ms,
  0 AS recoverable_ms,
  s.num_killed, s.num_copies, s.num_won, TRY_CAST(s.lost_ms AS BIGINT) AS lost_ms, a.speculation, m.multiplier,
  -- Both, or one of them says it all.
  CASE WHEN s.num_slow > 0 AND s.num_killed > s.num_slow THEN s.num_slow END AS num_slow, s.num_killed - s.num_slow AS copies_killed,
  TRY_CAST(s.slow_ms AS BIGINT) AS slow_ms, TRY_CAST(s.lost_ms - s.slow_ms AS BIGINT) AS copies_ms,
  CASE WHEN a.spark_minor >= 400 THEN 0.9e0 ELSE 0.75e0 END AS default_quantile,
  CASE WHEN m.quantile < CASE WHEN a.spark_minor >= 400 THEN 0.9e0 ELSE 0.75e0 END THEN m.quantile END AS low_quantile
FROM application_facts AS a
INNER JOIN summed AS s
  ON s.platform = a.platform AND s.cluster_id = a.cluster_id
  AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
LEFT JOIN (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MAX(CASE WHEN key = 'spark.speculation.multiplier' THEN TRY_CAST(TRIM(value) AS DOUBLE) END) AS multiplier,
    MAX(CASE WHEN key = 'spark.speculation.quantile' THEN TRY_CAST(TRIM(value) AS DOUBLE) END) AS quantile
  FROM spark_settings
  WHERE key IN ('spark.speculation.multiplier', 'spark.speculation.quantile')
  GROUP BY platform, cluster_id, application_id, attempt_id
) AS m
  ON m.platform = a.platform AND m.cluster_id = a.cluster_id
  AND m.application_id = a.application_id AND m.attempt_id = a.attempt_id
LEFT JOIN (
  SELECT
    platform, cluster_id, application_id, attempt_id, COUNT(DISTINCT REGEXP_REPLACE(host_port, ':[0-9]+$', '')) AS num_hosts, COUNT(DISTINCT executor_id) AS num_executors
  FROM executors
  WHERE executor_id NOT IN ('driver', '<driver>')
  GROUP BY platform, cluster_id, application_id, attempt_id
) AS h
  ON h.platform = a.platform AND h.cluster_id = a.cluster_id
  AND h.application_id = a.application_id AND h.attempt_id = a.attempt_id
WHERE (s.num_killed >= $min_killed AND s.lost_ms >= $min_lost_ms)
  OR (s.num_killed >= $min_few_killed AND s.lost_ms >= $min_few_lost_ms AND s.lost_ms >= $min_share * a.core_time_ms)
