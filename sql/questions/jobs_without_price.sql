-- id: jobs_without_price
-- title: Jobs whose cost is not known
-- question: For which applications is the cost not known, and what is missing?
SELECT platform, missing_price, COUNT(*) AS applications, SUM(vcpu_hours) AS vcpu_hours
FROM cost_overview
WHERE is_preferred AND NOT is_price_known
GROUP BY platform, missing_price
ORDER BY applications DESC, platform, missing_price
