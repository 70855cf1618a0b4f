-- The best call by hand: one plpgsql function for each command, one round trip. Locks come first, in the order of the
-- keys; what stands under a lock is what is decided on, so versions need no second look.
--
-- `counting` says whether the function counts itself; if not, the desk's triggers do, which are told that this is a
-- command.

CREATE OR REPLACE FUNCTION {schema}.peers_submit(
    p_actor uuid, p_service uuid, p_id uuid, p_details text, p_at timestamptz, counting boolean
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    service record;
    given bigint;
BEGIN
    IF NOT counting THEN
        PERFORM set_config('bsm.command', 'on', true);
    END IF;
    PERFORM FROM users WHERE id = p_actor AND active AND role = 'customer' FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not an active customer';
    END IF;
    SELECT price, currency, needs_approval INTO service FROM customer_services WHERE id = p_service AND active FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not a service that can be asked for';
    END IF;
    INSERT INTO customer_service_requests
        (id, created_at, service_id, customer_id, details, status, needs_approval, price, currency, rated, version,
        updated_at)
    VALUES
        (p_id, p_at, p_service, p_actor, p_details, 'submitted', service.needs_approval, service.price, service.currency,
        false, 1, p_at)
    RETURNING number INTO given;
    INSERT INTO history (entity, row_id, version, action, actor, occurred_at, recorded_at, subject, changes)
    VALUES ('request', p_id, 1, 'created', p_actor, p_at, p_at, p_actor, jsonb_build_array(
        jsonb_build_object('field', 'service_id', 'from', NULL, 'to', p_service),
        jsonb_build_object('field', 'customer_id', 'from', NULL, 'to', p_actor),
        jsonb_build_object('field', 'details', 'from', NULL, 'to', NULL),
        jsonb_build_object('field', 'status', 'from', NULL, 'to', 'submitted'),
        jsonb_build_object('field', 'needs_approval', 'from', NULL, 'to', service.needs_approval::text),
        jsonb_build_object('field', 'price', 'from', NULL, 'to', service.price::text),
        jsonb_build_object('field', 'currency', 'from', NULL, 'to', service.currency),
        jsonb_build_object('field', 'rated', 'from', NULL, 'to', 'false')));
    INSERT INTO feed (recorded_at, changes, subjects)
    VALUES (p_at, jsonb_build_array(jsonb_build_object('entity', 'request', 'id', p_id, 'version', 1)), ARRAY[p_actor]);
    IF counting THEN
        INSERT INTO counters AS old (family, names, shard, amount, scale)
        VALUES
            ('requests', ARRAY['submitted'], pg_backend_pid() % 16, 1, 0),
            ('service_usage', ARRAY[p_service::text, 'submitted'], pg_backend_pid() % 16, 1, 0)
        ON CONFLICT (family, names, shard) DO UPDATE SET amount = old.amount + excluded.amount;
    END IF;
    RETURN given;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.peers_convert(
    p_actor uuid, p_request uuid, p_id uuid, p_at timestamptz, counting boolean
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    request record;
    title text;
    given bigint;
BEGIN
    IF NOT counting THEN
        PERFORM set_config('bsm.command', 'on', true);
    END IF;
    PERFORM FROM users WHERE id = p_actor AND active AND role IN ('admin', 'agent') FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not active staff';
    END IF;
    SELECT service_id, customer_id, details, status, needs_approval, ticket_id, version INTO request
    FROM customer_service_requests WHERE id = p_request FOR NO KEY UPDATE;
    IF NOT FOUND OR request.ticket_id IS NOT NULL
        OR NOT (request.status IN ('approved', 'scheduled', 'in_progress')
            OR request.status = 'submitted' AND NOT request.needs_approval)
    THEN
        RAISE EXCEPTION 'not a request that can be made into a ticket';
    END IF;
    SELECT name INTO title FROM customer_services WHERE id = request.service_id FOR SHARE;
    INSERT INTO tickets
        (id, created_at, title, description, status, impact, urgency, priority, priority_overridden, category, channel,
        created_by, requested_for, request_id, reopen_count, version, updated_at)
    VALUES
        (p_id, p_at, title, request.details, 'new', 'low', 'medium', 'low', false, 'customer_request', 'portal', p_actor,
        request.customer_id, p_request, 0, 1, p_at)
    RETURNING number INTO given;
    UPDATE customer_service_requests
    SET status = 'in_progress', ticket_id = p_id, version = version + 1, updated_at = p_at WHERE id = p_request;
    INSERT INTO history (entity, row_id, version, action, actor, occurred_at, recorded_at, subject, changes)
    VALUES
        ('ticket', p_id, 1, 'created', p_actor, p_at, p_at, request.customer_id, jsonb_build_array(
            jsonb_build_object('field', 'title', 'from', NULL, 'to', NULL),
            jsonb_build_object('field', 'description', 'from', NULL, 'to', NULL),
            jsonb_build_object('field', 'status', 'from', NULL, 'to', 'new'),
            jsonb_build_object('field', 'impact', 'from', NULL, 'to', 'low'),
            jsonb_build_object('field', 'urgency', 'from', NULL, 'to', 'medium'),
            jsonb_build_object('field', 'priority', 'from', NULL, 'to', 'low'),
            jsonb_build_object('field', 'priority_overridden', 'from', NULL, 'to', 'false'),
            jsonb_build_object('field', 'category', 'from', NULL, 'to', 'customer_request'),
            jsonb_build_object('field', 'channel', 'from', NULL, 'to', 'portal'),
            jsonb_build_object('field', 'created_by', 'from', NULL, 'to', p_actor),
            jsonb_build_object('field', 'requested_for', 'from', NULL, 'to', request.customer_id),
            jsonb_build_object('field', 'request_id', 'from', NULL, 'to', p_request),
            jsonb_build_object('field', 'reopen_count', 'from', NULL, 'to', '0'))),
        ('request', p_request, request.version + 1, 'changed', p_actor, p_at, p_at, request.customer_id, jsonb_build_array(
            jsonb_build_object('field', 'status', 'from', request.status, 'to', 'in_progress'),
            jsonb_build_object('field', 'ticket_id', 'from', NULL, 'to', p_id)));
    INSERT INTO feed (recorded_at, changes, subjects)
    VALUES (p_at, jsonb_build_array(
        jsonb_build_object('entity', 'ticket', 'id', p_id, 'version', 1),
        jsonb_build_object('entity', 'request', 'id', p_request, 'version', request.version + 1)),
        ARRAY[request.customer_id]);
    IF counting THEN
        INSERT INTO counters AS old (family, names, shard, amount, scale)
        SELECT family, names, pg_backend_pid() % 16, amount, 0
        FROM (VALUES
            ('requests', ARRAY['in_progress'], 1),
            ('requests', ARRAY[request.status], -1),
            ('service_usage', ARRAY[request.service_id::text, 'in_progress'], 1),
            ('service_usage', ARRAY[request.service_id::text, request.status], -1),
            ('tickets', ARRAY['new'], 1)
        ) AS given (family, names, amount)
        WHERE request.status <> 'in_progress' OR family = 'tickets'
        ORDER BY family, names
        ON CONFLICT (family, names, shard) DO UPDATE SET amount = old.amount + excluded.amount;
    END IF;
    RETURN given;
END
$$;
