-- id: worst_applications
-- title: Worst applications
-- description: The applications that lose most core time among those that a run has just judged: new_findings
--   and new_ineffjobagg hold their rows, which are not in the lake yet.
-- parameter: limit bigint = 5 [count] most applications to show
WITH ranked AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, rule_id, evidence,
    ROW_NUMBER() OVER (
      PARTITION BY platform, cluster_id, application_id, attempt_id, rule_id
      ORDER BY lost_core_ms DESC NULLS LAST, finding_id
    ) AS place
  FROM new_findings
)
SELECT
  a.application_id, a.attempt_id, p.application_name, a.ineffstageagg, a.lost_core_ms, a.top_rule, f.evidence
FROM new_ineffjobagg AS a
LEFT JOIN applications AS p
  ON p.platform = a.platform AND p.cluster_id = a.cluster_id
  AND p.application_id = a.application_id AND p.attempt_id = a.attempt_id
LEFT JOIN ranked AS f
  ON f.platform = a.platform AND f.cluster_id = a.cluster_id
  AND f.application_id = a.application_id AND f.attempt_id = a.attempt_id
  AND f.rule_id = a.top_rule AND f.place = 1
WHERE a.top_rule IS NOT NULL
ORDER BY a.lost_core_ms DESC NULLS LAST, a.ineffstageagg DESC NULLS LAST, a.application_id
LIMIT $limit
