-- id: configuration_of_applications
-- title: Configuration of the last applications
-- question: Which Spark configs did I use?
SELECT s.application_name, s.application_id, s.key, s.value, s.num_sessions_changed
FROM setting_overview AS s
INNER JOIN (
  SELECT platform, cluster_id, application_id, attempt_id
  FROM applications
  ORDER BY start_time DESC, application_id, attempt_id
  LIMIT 3
) AS newest
  ON newest.platform = s.platform AND newest.cluster_id = s.cluster_id
  AND newest.application_id = s.application_id AND newest.attempt_id = s.attempt_id
ORDER BY s.start_time DESC, s.application_id, s.key
LIMIT 200
