-- Counts everything anew, and has numbers go on behind the last. Each counter has all its shards, as on a desk that was
-- worked on for a while; the first holds the sum.

SET LOCAL search_path = {schema};

DELETE FROM counters;

INSERT INTO counters (family, names, shard, amount, scale)
SELECT family, names, shard, CASE WHEN shard = 0 THEN amount ELSE 0 END, scale
FROM (
    SELECT 'users' AS family, ARRAY[role, active::text] AS names, count(*)::numeric AS amount, 0 AS scale
    FROM users GROUP BY role, active
    UNION ALL SELECT 'tickets', ARRAY[status], count(*), 0 FROM tickets GROUP BY status
    UNION ALL SELECT 'articles', ARRAY[status], count(*), 0 FROM knowledge_base GROUP BY status
    UNION ALL SELECT 'services', ARRAY[active::text], count(*), 0 FROM customer_services GROUP BY active
    UNION ALL SELECT 'requests', ARRAY[status], count(*), 0 FROM customer_service_requests GROUP BY status
    UNION ALL
    SELECT 'service_usage', ARRAY[service_id::text, status], count(*), 0
    FROM customer_service_requests GROUP BY service_id, status
    UNION ALL SELECT 'ratings', ARRAY[rating::text], count(*), 0 FROM customer_ratings GROUP BY rating
    UNION ALL
    SELECT 'service_ratings', ARRAY[service_id::text, rating::text], count(*), 0
    FROM customer_ratings GROUP BY service_id, rating
    UNION ALL
    SELECT 'revenue', ARRAY[currency], trunc(sum(price) * 100), 2
    FROM customer_service_requests WHERE status = 'fulfilled' GROUP BY currency
) AS counted
CROSS JOIN generate_series(0, 15) AS shard;

SELECT setval('tickets_number_seq', greatest((SELECT max(number) FROM tickets), 1));
SELECT setval('customer_service_requests_number_seq', greatest((SELECT max(number) FROM customer_service_requests), 1));
