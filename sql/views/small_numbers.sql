-- id: small_numbers
-- title: The numbers 1 to 64
-- description: One row per number: to take a text apart, the first part, the second, and so on.
WITH digits AS (
  SELECT 1 AS digit UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7
  UNION ALL SELECT 8
)
SELECT a.digit + 8 * (b.digit - 1) AS place
FROM digits AS a
CROSS JOIN digits AS b
