-- id: speculation_waste
-- title: Speculative copies of tasks lose their races
-- category: reliability
-- severity: low
-- version: 2
-- description: Fires where many copies that speculation started were killed, since the first attempt
--   ended before them, or where the copies won and the first attempts were killed. Lost is the time of
--   the attempts that were killed in stages with speculation.
-- parameter: min_killed bigint = 5 [count] killed attempts, at least
-- parameter: min_lost_ms bigint = 60000 [ms] their time, at least
-- evidence: {num_killed:attempt was|attempts were} killed in stages with speculation and took {lost_ms:s} with them; of
--   {num_copies:copy|copies} {num_won:int} won.
-- advice: num_won * 2 < num_copies AND speculation AND COALESCE(multiplier < 3, TRUE) | spark.speculation.multiplier | '3' | Few copies win: start them later, or not
--   at all where the slow tasks have more data than the others.
-- advice: num_won * 2 < num_copies AND speculation | - | - | Few copies win, although they start late: turn speculation off (spark.speculation) where the slow tasks have more data than the
--   others, and look for the cause of these (skew, slow nodes).
-- recommendation: Look for the cause of the slow tasks (skew, slow nodes); copies pay only where a node is slow.
WITH races AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id,
    SUM(CASE WHEN speculative THEN 1 ELSE 0 END) AS num_copies,
    SUM(CASE WHEN speculative AND status = 'SUCCESS' THEN 1 ELSE 0 END) AS num_won,
    SUM(CASE WHEN status = 'KILLED' THEN 1 ELSE 0 END) AS num_killed,
    SUM(CASE WHEN status = 'KILLED' THEN CAST(duration AS DOUBLE) ELSE 0e0 END) AS lost_ms
  FROM tasks
  WHERE speculative OR status = 'KILLED'
  GROUP BY platform, cluster_id, application_id, attempt_id, stage_id, stage_attempt_id
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    SUM(num_copies) AS num_copies, SUM(num_won) AS num_won, SUM(num_killed) AS num_killed,
    SUM(lost_ms) AS lost_ms
  FROM races
  WHERE num_copies > 0
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  a.platform, a.cluster_id, a.application_id, a.attempt_id, a.application_id AS subject_id,
  'high' AS confidence,
  TRY_CAST(s.lost_ms AS BIGINT) AS lost_core_ms,
  0 AS recoverable_ms,
  s.num_killed, s.num_copies, s.num_won, TRY_CAST(s.lost_ms AS BIGINT) AS lost_ms, a.speculation, m.multiplier
FROM application_facts AS a
INNER JOIN summed AS s
  ON s.platform = a.platform AND s.cluster_id = a.cluster_id
  AND s.application_id = a.application_id AND s.attempt_id = a.attempt_id
LEFT JOIN (
  SELECT platform, cluster_id, application_id, attempt_id, MAX(TRY_CAST(TRIM(value) AS DOUBLE)) AS multiplier
  FROM spark_settings
  WHERE key = 'spark.speculation.multiplier'
  GROUP BY platform, cluster_id, application_id, attempt_id
) AS m
  ON m.platform = a.platform AND m.cluster_id = a.cluster_id
  AND m.application_id = a.application_id AND m.attempt_id = a.attempt_id
WHERE s.num_killed >= $min_killed AND s.lost_ms >= $min_lost_ms
