-- id: configuration_rows
-- title: Settings that were set
-- description: The properties that one application set. Spark's own come first.
-- parameter: platform string = - [text] platform of the application
-- parameter: cluster_id string = - [text] its cluster
-- parameter: application_id string = - [text] its id
-- parameter: attempt_id string = - [text] its attempt
-- parameter: app_date string = 1970-01-01 [date] UTC date of its start
-- parameter: text string = * [text] part of a setting's name; * for all
-- parameter: limit bigint = 10 [count] most rows
-- parameter: offset bigint = 0 [count] rows to pass over
-- verdict: {total_rows:property|properties} set[, {num_spark:int} of them Spark settings]; the first is {key} = {value}.
-- empty: No property matches, or the history holds no environment.
SELECT
  section, key, value, COUNT(*) OVER () AS total_rows,
  SUM(CASE WHEN section = 'spark' THEN 1 ELSE 0 END) OVER () AS num_spark
FROM environment
WHERE platform = $platform AND cluster_id = $cluster_id
  AND application_id = $application_id AND attempt_id = $attempt_id
  AND app_date = CAST($app_date AS DATE)
  AND (section = 'spark' OR $text <> '*')
  AND ($text = '*' OR STRPOS(LOWER(key), LOWER(CAST($text AS STRING))) > 0)
ORDER BY CASE WHEN section = 'spark' THEN 0 ELSE 1 END, section, key
LIMIT $limit OFFSET $offset
