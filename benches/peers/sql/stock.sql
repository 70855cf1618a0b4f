-- Puts requests in stock that can be made into tickets: {count} of them, submitted since {micros}.

SET LOCAL session_replication_role = replica;
SET LOCAL search_path = {schema};

WITH offers AS (
    SELECT *, row_number() OVER (ORDER BY id) - 1 AS n, count(*) OVER () AS among
    FROM customer_services WHERE active AND NOT needs_approval
),
people AS (
    SELECT id, row_number() OVER (ORDER BY id) - 1 AS n, count(*) OVER () AS among FROM users WHERE role = 'customer'
),
made AS (
    INSERT INTO customer_service_requests
        (id, created_at, service_id, customer_id, details, status, needs_approval, price, currency, rated, version,
        updated_at)
    SELECT
        (lpad(to_hex(micros / 1000), 12, '0') || '7' || lpad(to_hex(micros % 1000 * 4096 / 1000), 3, '0') || '8'
            || left(md5(micros::text), 15))::uuid,
        at, offers.id, people.id, 'For the third floor, please, and not before Thursday.', 'submitted', false, offers.price,
        offers.currency, false, 1, at
    FROM generate_series(1, {count}) AS n
    CROSS JOIN LATERAL (SELECT {micros}::bigint + n AS micros) AS moment
    CROSS JOIN LATERAL (SELECT timestamptz 'epoch' + micros * interval '1 microsecond' AS at) AS placed
    JOIN offers ON offers.n = n.n % (SELECT count(*) FROM offers)
    JOIN people ON people.n = n.n % (SELECT count(*) FROM people)
    RETURNING *
),
told AS (
    INSERT INTO history (entity, row_id, version, action, actor, occurred_at, recorded_at, subject, changes)
    SELECT 'request', id, 1, 'created', customer_id, created_at, created_at, customer_id, '[]' FROM made
)
INSERT INTO counters AS old (family, names, shard, amount, scale)
SELECT 'requests', ARRAY['submitted'], 0, count(*), 0 FROM made HAVING count(*) > 0
UNION ALL
SELECT 'service_usage', ARRAY[service_id::text, 'submitted'], 0, count(*), 0 FROM made GROUP BY service_id
ON CONFLICT (family, names, shard) DO UPDATE SET amount = old.amount + excluded.amount;
