-- Fills an empty desk: {rows} tickets and requests, half of each, over the two years before {micros}, and who and what
-- they name. Run as one transaction by a superuser. The same text, told the same, makes the same rows in every schema.
--
-- No trigger and no foreign key is looked at: what is made here is right by construction (`--verify` has bsm recount it),
-- and counters are counted at the end.

SET LOCAL session_replication_role = replica;
SET LOCAL search_path = {schema};

-- A UUIDv7 as the desk makes them: its time to the microsecond, and the rest from what it is of.
CREATE OR REPLACE FUNCTION pg_temp.made(kind text, n bigint, micros bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(micros / 1000), 12, '0') || '7' || lpad(to_hex(micros % 1000 * 4096 / 1000), 3, '0')
        || '8' || left(md5(kind || n), 15))::uuid
$$;

CREATE OR REPLACE FUNCTION pg_temp.at(micros bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT timestamptz 'epoch' + micros * interval '1 microsecond'
$$;

-- A number from 0 below `below` that looks random, and another for each `salt`.
CREATE OR REPLACE FUNCTION pg_temp.dice(n bigint, salt bigint, below bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT (hashint8extended(n, salt) & 2147483647) % below
$$;

-- What history says of a row that was made. `#` stands for what is personal.
CREATE OR REPLACE FUNCTION pg_temp.told(fields text[], made text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_agg(jsonb_build_object('field', field, 'from', NULL, 'to', nullif(value, '#')) ORDER BY place)
    FROM unnest(fields, made) WITH ORDINALITY AS told (field, value, place) WHERE value IS NOT NULL
$$;

CREATE TEMP TABLE sizes ON COMMIT DROP AS
SELECT {rows}::bigint AS work, least(greatest({rows} / 100, 100), 10000)::bigint AS customers, 20::bigint AS agents,
    50::bigint AS services, {micros}::bigint AS last;

INSERT INTO users (id, created_at, full_name, email, role, active, version, updated_at)
SELECT pg_temp.made('user', n, micros), pg_temp.at(micros),
    CASE WHEN n = 0 THEN 'Root' WHEN n <= agents THEN 'Agent ' || n ELSE 'Customer ' || n END,
    CASE WHEN n = 0 THEN 'root' WHEN n <= agents THEN 'agent' || n ELSE 'customer' || n END || '@example.org',
    CASE WHEN n = 0 THEN 'admin' WHEN n <= agents THEN 'agent' ELSE 'customer' END, true, 1, pg_temp.at(micros)
FROM sizes CROSS JOIN LATERAL generate_series(0, agents + customers) AS n,
    LATERAL (SELECT last - 94608000000000 + n * 1000000 AS micros) AS moment;

CREATE TEMP TABLE people ON COMMIT DROP AS
SELECT id, role, row_number() OVER (PARTITION BY role ORDER BY id) - 1 AS place FROM users;
CREATE INDEX ON people (role, place);

INSERT INTO customer_services
    (id, created_at, name, description, category, price, currency, needs_approval, active, version, updated_at)
SELECT pg_temp.made('service', n, micros), pg_temp.at(micros), 'Service ' || n, 'What one gets from service ' || n,
    'Category ' || n % 8, (10 + n)::numeric(12, 2), 'EUR', n > 40 AND n <= 45, n <= 45, 1, pg_temp.at(micros)
FROM sizes CROSS JOIN LATERAL generate_series(1, services) AS n,
    LATERAL (SELECT last - 94600000000000 + n * 1000000 AS micros) AS moment;

CREATE TEMP TABLE offers ON COMMIT DROP AS
SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM customer_services;

ANALYZE people;
ANALYZE offers;

INSERT INTO tickets
    (id, created_at, number, title, description, status, impact, urgency, priority, priority_overridden, category,
    channel, assignment_group, assigned_to, created_by, requested_for, reopen_count, resolved_at, closed_at, external_ref,
    version, updated_at)
SELECT pg_temp.made('ticket', n, micros), pg_temp.at(micros), n / 2, 'Ticket ' || n || ' does not print',
    rtrim(repeat('It began after the update on Monday, and a restart does not help. ', 1 + (n / 2 % 4)::integer)),
    status, impact, urgency,
    CASE
        WHEN impact = 'high' AND urgency = 'high' THEN 'critical'
        WHEN impact = 'high' AND urgency = 'medium' OR impact = 'medium' AND urgency = 'high' THEN 'high'
        WHEN impact = 'high' OR urgency = 'high' OR impact = 'medium' AND urgency = 'medium' THEN 'moderate'
        ELSE 'low'
    END,
    false, 'Category ' || pg_temp.dice(n, 4, 40),
    (ARRAY['phone', 'email', 'portal', 'chat', 'walk_in', 'monitoring', 'other'])[1 + pg_temp.dice(n, 5, 7)],
    'Group ' || pg_temp.dice(n, 6, 12), CASE WHEN status <> 'new' THEN agent.id END, agent.id, customer.id, 0,
    CASE WHEN status IN ('resolved', 'closed') THEN pg_temp.at(micros + 86400000000) END,
    CASE WHEN status = 'closed' THEN pg_temp.at(micros + 172800000000) END,
    'INC' || lpad(n::text, 8, '0'), 1, pg_temp.at(micros)
FROM sizes CROSS JOIN LATERAL generate_series(2, work, 2) AS n
CROSS JOIN LATERAL (SELECT last - (work - n + 1) * (63072000000000 / work) AS micros) AS moment
CROSS JOIN LATERAL (SELECT pg_temp.dice(n, 1, 100) AS dice) AS thrown
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN thrown.dice < 10 THEN 'new'
            WHEN thrown.dice < 25 THEN 'in_progress'
            WHEN thrown.dice < 29 THEN 'on_hold_customer'
            WHEN thrown.dice < 31 THEN 'on_hold_problem'
            WHEN thrown.dice < 33 THEN 'on_hold_vendor'
            WHEN thrown.dice < 35 THEN 'on_hold_evidence'
            WHEN thrown.dice < 60 THEN 'resolved'
            WHEN thrown.dice < 98 THEN 'closed'
            ELSE 'cancelled'
        END AS status,
        (ARRAY['high', 'medium', 'low'])[1 + pg_temp.dice(n, 2, 3)] AS impact,
        (ARRAY['high', 'medium', 'low'])[1 + pg_temp.dice(n, 3, 3)] AS urgency
) AS said
JOIN people AS agent ON agent.role = 'agent' AND agent.place = pg_temp.dice(n, 7, 20)
JOIN people AS customer ON customer.role = 'customer' AND customer.place = pg_temp.dice(n, 8, sizes.customers);

INSERT INTO customer_service_requests
    (id, created_at, number, service_id, customer_id, details, status, needs_approval, price, currency, scheduled_for,
    fulfilled_at, rating_id, rated, version, updated_at)
SELECT pg_temp.made('request', n, micros), pg_temp.at(micros), (n + 1) / 2, offer.id, customer.id,
    'For the third floor, please, and not before Thursday.', status, offer.needs_approval OR status = 'approved',
    offer.price, offer.currency,
    CASE WHEN status = 'scheduled' THEN pg_temp.at(micros + 604800000000) END,
    CASE WHEN status = 'fulfilled' THEN pg_temp.at(micros + 259200000000) END,
    CASE WHEN status = 'fulfilled' AND pg_temp.dice(n, 13, 10) = 0 THEN pg_temp.made('rating', n, micros + 1) END,
    status = 'fulfilled' AND pg_temp.dice(n, 13, 10) = 0, 1, pg_temp.at(micros)
FROM sizes CROSS JOIN LATERAL generate_series(1, work, 2) AS n
CROSS JOIN LATERAL (SELECT last - (work - n + 1) * (63072000000000 / work) AS micros) AS moment
CROSS JOIN LATERAL (SELECT pg_temp.dice(n, 11, 100) AS dice) AS thrown
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN thrown.dice < 10 THEN 'submitted'
            WHEN thrown.dice < 12 THEN 'approved'
            WHEN thrown.dice < 17 THEN 'scheduled'
            WHEN thrown.dice < 25 THEN 'in_progress'
            WHEN thrown.dice < 90 THEN 'fulfilled'
            WHEN thrown.dice < 95 THEN 'rejected'
            ELSE 'cancelled'
        END AS status
) AS said
JOIN offers AS offer ON offer.place = pg_temp.dice(n, 12, 45)
JOIN people AS customer ON customer.role = 'customer' AND customer.place = pg_temp.dice(n, 8, sizes.customers);

INSERT INTO customer_ratings (id, created_at, service_id, customer_id, rating, review, version, updated_at)
SELECT rating_id, created_at + interval '1 microsecond', service_id, customer_id, 1 + pg_temp.dice(number, 14, 5),
    'As it should be.', 1, created_at + interval '1 microsecond'
FROM customer_service_requests WHERE rating_id IS NOT NULL;

INSERT INTO history (entity, row_id, version, action, actor, occurred_at, recorded_at, subject, changes)
SELECT 'user', id, 1, 'created', NULL::uuid, created_at, created_at, CASE WHEN role = 'customer' THEN id END,
    pg_temp.told('{full_name,email,role,active}', ARRAY['#', '#', role, 'true'])
FROM users
UNION ALL
SELECT 'service', id, 1, 'created', NULL::uuid, created_at, created_at, NULL::uuid,
    pg_temp.told('{name,description,category,price,currency,needs_approval,active}',
        ARRAY['#', '#', category, price::text, currency, needs_approval::text, active::text])
FROM customer_services
UNION ALL
SELECT 'rating', id, 1, 'created', customer_id, created_at, created_at, customer_id,
    pg_temp.told('{service_id,customer_id,rating,review}', ARRAY[service_id::text, customer_id::text, rating::text, '#'])
FROM customer_ratings
UNION ALL
SELECT 'ticket', id, 1, 'created', created_by, created_at, created_at, requested_for,
    pg_temp.told(
        '{title,description,status,impact,urgency,priority,priority_overridden,category,channel,assignment_group,assigned_to,created_by,requested_for,reopen_count,external_ref}',
        ARRAY['#', '#', status, impact, urgency, priority, 'false', category, channel, assignment_group,
            assigned_to::text, created_by::text, requested_for::text, '0', '#'])
FROM tickets
UNION ALL
SELECT 'request', id, 1, 'created', customer_id, created_at, created_at, customer_id,
    pg_temp.told('{service_id,customer_id,details,status,needs_approval,price,currency,rating_id,rated}',
        ARRAY[service_id::text, customer_id::text, '#', status, needs_approval::text, price::text, currency,
            rating_id::text, rated::text])
FROM customer_service_requests;
