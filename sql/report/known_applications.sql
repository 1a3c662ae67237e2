-- id: known_applications
-- title: Applications of the lake
-- description: Ids to suggest where an id is not known: the newest of the lake.
-- parameter: limit bigint = 20000 [count] most ids
SELECT application_id, MAX(application_name) AS application_name, MAX(start_time) AS newest_start
FROM applications
GROUP BY application_id
ORDER BY newest_start DESC NULLS LAST, application_id
LIMIT $limit
