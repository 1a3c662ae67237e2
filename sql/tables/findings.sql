-- id: findings
-- title: Findings
-- description: Gives every row that a rule found its identity, its application's keys, a severity by
--   what it costs, and the rule's defaults for what the rule left open. What would win less than the
--   smallest share of the application, in wall time and in core time, is not told; what wins little is
--   never above medium, and what would win a fifth of the wall time, of ten seconds or more, or three tenths of it, of five seconds or more, is at least medium, as is a quarter of the core time, of ten core seconds or more; two fifths of the wall time, of fifteen seconds or more, are high, however few cores waited. What is a guess (low confidence) is raised by wall time to medium only. No loss is larger than the core time that the application held (or its task time, where the history is
--   incomplete); where that is not known, than its wall time on as many slots as ran tasks at once, and no gain larger than its wall time. A rule may set the severity itself, which is then kept. Of an attempt that another one followed all is lost (repeated_attempts): what a rule finds again in the last attempt, about the same subject, is told there alone, but for what tells why an attempt failed. What comes from an
--   incomplete history is of low confidence, because its totals are lower bounds; Databricks logs, which never
--   have an end, are of medium confidence at best.
-- parameter: critical_core_ms bigint = 72000000 [core_ms] lost core time from which a finding is critical (20 core-hours)
-- parameter: high_core_ms bigint = 7200000 [core_ms] lost core time from which it is high (2 core-hours)
-- parameter: medium_core_ms bigint = 600000 [core_ms] lost core time from which it is medium (10 core-minutes)
-- parameter: high_share double = 0.25 [ratio] share of the application from which a medium one is high
-- parameter: serious_share double = 0.02 [ratio] share of the application below which it is never above medium
-- parameter: medium_wall_ms bigint = 10000 [ms] gain of wall time from which a finding is medium where it is a large share of the application's
-- parameter: large_share double = 0.2 [ratio] share of the wall time that is large
-- parameter: main_wall_ms bigint = 5000 [ms] gain of wall time from which a finding is medium where it is a main part of the application's
-- parameter: main_share double = 0.3 [ratio] share of the wall time that is a main part
-- parameter: high_wall_ms bigint = 15000 [ms] gain of wall time from which a finding is high where it is as large a share of the application's as most_share
-- parameter: most_share double = 0.4 [ratio] share of the wall time that makes it the first thing to do
-- parameter: large_core_ms bigint = 10000 [core_ms] lost core time from which a finding is medium where it is a large share of the application's
-- parameter: large_core_share double = 0.25 [ratio] share of the application that is large for lost core time
-- parameter: min_share double = 0.005 [ratio] share of the application below which it is not told
-- reads: application_costs, applications, rule_results
WITH bounds AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    -- Up to the last event where there is no end.
    COALESCE(
      CASE WHEN duration_ms > 0 THEN duration_ms END, CASE WHEN observed_duration_ms > 0 THEN observed_duration_ms END
    ) AS duration_ms,
    CASE
      WHEN complete AND core_time_ms > 0 THEN core_time_ms
      WHEN core_time_ms > 0 THEN GREATEST(core_time_ms, COALESCE(total_task_time_ms, 0))
      -- Idle slots lose what no task took: the time of tasks is no bound, only what all slots that were seen held.
      ELSE TRY_CAST(CAST(NULLIF(tasks_running_max, 0) AS DOUBLE)
        * COALESCE(CASE WHEN duration_ms > 0 THEN duration_ms END, CASE WHEN observed_duration_ms > 0 THEN observed_duration_ms END) AS BIGINT)
    END AS max_lost_ms
  FROM applications
),
-- Attempts that another one followed, and what is found again in one that none followed.
followed AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id
  FROM rule_results
  WHERE rule_id = 'repeated_attempts'
),
found_again AS (
  SELECT DISTINCT f.platform, f.cluster_id, f.application_id, f.attempt_id, r.rule_id, r.subject_type, r.subject_id
  FROM followed AS f
  INNER JOIN rule_results AS r
    ON r.platform = f.platform AND r.cluster_id = f.cluster_id AND r.application_id = f.application_id
  LEFT JOIN followed AS l
    ON l.platform = r.platform AND l.cluster_id = r.cluster_id
    AND l.application_id = r.application_id AND l.attempt_id = r.attempt_id
  WHERE l.platform IS NULL AND r.category <> 'reliability'
),
shared AS (
  SELECT
    r.*,
    a.cluster_name, a.job_key, a.app_date, a.complete,
    -- What a millisecond of its core time costs.
    c.cost_usd / NULLIF(CAST(a.core_time_ms AS DOUBLE), 0e0) AS usd_per_core_ms,
    -- Databricks never logs the end of an application; its log can be whole all the same.
    (a.platform = 'databricks' OR a.application_name = 'Databricks Shell') AND a.start_time IS NOT NULL AS is_open_ended,
    CASE WHEN r.recoverable_ms > d.duration_ms THEN d.duration_ms ELSE r.recoverable_ms END AS winnable_ms,
    CASE WHEN r.lost_core_ms > d.max_lost_ms THEN d.max_lost_ms ELSE r.lost_core_ms END AS losable_ms,
    CAST(r.recoverable_ms AS DOUBLE) / NULLIF(d.duration_ms, 0) AS wall_share,
    -- The larger share of wall time and of core time; NULL where neither is known.
    GREATEST(
      CAST(r.recoverable_ms AS DOUBLE) / NULLIF(d.duration_ms, 0),
      CAST(r.lost_core_ms AS DOUBLE)
        / NULLIF(CASE WHEN a.core_time_ms > 0 THEN GREATEST(a.core_time_ms, a.total_task_time_ms) ELSE COALESCE(d.max_lost_ms, a.total_task_time_ms) END, 0)
    ) AS share
  FROM rule_results AS r
  INNER JOIN applications AS a
    ON a.platform = r.platform AND a.cluster_id = r.cluster_id
    AND a.application_id = r.application_id AND a.attempt_id = r.attempt_id
  INNER JOIN bounds AS d
    ON d.platform = r.platform AND d.cluster_id = r.cluster_id
    AND d.application_id = r.application_id AND d.attempt_id = r.attempt_id
  LEFT JOIN application_costs AS c
    ON c.platform = r.platform AND c.cluster_id = r.cluster_id
    AND c.application_id = r.application_id AND c.attempt_id = r.attempt_id AND c.is_preferred
  LEFT JOIN found_again AS o
    ON o.platform = r.platform AND o.cluster_id = r.cluster_id
    AND o.application_id = r.application_id AND o.attempt_id = r.attempt_id
    AND o.rule_id = r.rule_id AND o.subject_type = r.subject_type AND o.subject_id = r.subject_id
  WHERE o.platform IS NULL
)
SELECT
  platform, cluster_id, cluster_name, application_id, attempt_id,
  MD5(CONCAT_WS('|', rule_id, platform, cluster_id, application_id, attempt_id, subject_type, subject_id))
    AS finding_id,
  rule_id,
  rule_version,
  category,
  CASE
    WHEN severity IS NOT NULL THEN severity
    WHEN rule_severity <> 'info' AND winnable_ms >= $high_wall_ms AND wall_share >= $most_share AND (complete OR is_open_ended) AND COALESCE(confidence, 'medium') <> 'low' AND COALESCE(losable_ms, 0) < $critical_core_ms THEN 'high'
    WHEN losable_ms IS NULL AND rule_severity = 'low' AND ((winnable_ms >= $medium_wall_ms AND wall_share >= $large_share) OR (winnable_ms >= $main_wall_ms AND wall_share >= $main_share)) THEN 'medium'
    WHEN losable_ms IS NULL THEN rule_severity
    WHEN share < $serious_share AND losable_ms >= $medium_core_ms THEN 'medium'
    WHEN losable_ms >= $critical_core_ms THEN 'critical'
    WHEN losable_ms >= $high_core_ms THEN 'high'
    WHEN losable_ms >= $medium_core_ms AND share >= $high_share THEN 'high'
    WHEN losable_ms >= $medium_core_ms THEN 'medium'
    WHEN ((winnable_ms >= $medium_wall_ms AND wall_share >= $large_share) OR (winnable_ms >= $main_wall_ms AND wall_share >= $main_share)) THEN 'medium'
    WHEN rule_severity <> 'info' AND losable_ms >= $large_core_ms AND share >= $large_core_share AND COALESCE(confidence, 'medium') <> 'low' THEN 'medium'
    ELSE 'low'
  END AS severity,
  CASE
    WHEN complete THEN COALESCE(confidence, 'medium')
    WHEN is_open_ended AND confidence = 'low' THEN 'low'
    WHEN is_open_ended THEN 'medium'
    ELSE 'low'
  END AS confidence,
  subject_type,
  subject_id,
  job_key,
  COALESCE(title, rule_title) AS title,
  evidence,
  evidence_json,
  losable_ms AS lost_core_ms,
  winnable_ms AS recoverable_ms,
  losable_ms * usd_per_core_ms AS est_savings_usd,
  COALESCE(recommendation, rule_recommendation) AS recommendation,
  config_key,
  config_current,
  config_recommended,
  app_date
FROM shared
WHERE severity IS NOT NULL OR share IS NULL OR share >= $min_share
