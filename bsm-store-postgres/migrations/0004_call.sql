-- A command, or several that wait at the same moment, in one call: locks, then checks, then writes.
--
-- The call is about success. What a command in it relies on is looked at when its rows are locked; one that does not find
-- it so is left out and told, and is then done alone, statement by statement, which says what was wrong. Whatever else
-- stands in the way (a unique value, a parent that is gone) ends the whole call, and all of its commands are done alone.
-- So no two commands of one call touch the same row, or want the same value: whoever calls sees to that.

-- An object of arrays without what belongs to the commands that are left out.

CREATE FUNCTION bsm_but(given jsonb, left_out integer[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
        SELECT coalesce(jsonb_object_agg(name, kept), '{}') FROM (
            SELECT name, jsonb_agg(line ORDER BY nth) AS kept
            FROM jsonb_each(given) AS one (name, lines)
            CROSS JOIN LATERAL jsonb_array_elements(lines) WITH ORDINALITY AS each (line, nth)
            WHERE (line->>'c')::integer <> ALL (left_out) GROUP BY name
        ) AS rest
    $$;

-- What a call holds; every line names its command by `c`, from 0 up:
--
--   fence    the name of this call
--   one_lock how long to wait for a lock, in milliseconds
--   empty    tables that must be empty: the `name`
--   locks    rows by table and strength (share, change, delete), in the order of all keys, as text of arrays: the `ids` to
--            hold, and which command (`c`) expects which `version` of which (`id`)
--   childless  parents that must have no children: the `id`, and where (`name`, `field`) children would name it
--   hold     values that no two rows may share, as names of advisory locks
--   insert, update, delete  rows, by table
--   tell     `history`, `feed`, and the idempotency `keys`
--
-- Returns the commands that were left out, and the numbers that rows were given.
--
-- A locking statement reads each row as whoever held it before has left it; every other one sees what was committed when
-- it began, so locks come first, and READ COMMITTED is asked for. Rows are found by their keys, whatever the server knew
-- of the tables when it planned.

CREATE FUNCTION bsm_commit(call jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path FROM CURRENT
    SET bsm.command = 'on'
    SET enable_seqscan = off
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    AS $$
DECLARE
    line jsonb;
    rows jsonb;
    others integer[];
    left_out integer[] := '{}';
    numbers jsonb := '[]';
    found boolean;
    done bigint;
    written bigint := 0;
    awaited bigint := 0;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a command needs READ COMMITTED' USING ERRCODE = 'BSM01';
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;

    PERFORM set_config('lock_timeout', call->>'one_lock', true);
    -- Whoever lost the answer and sends a command again waits until this call has ended.
    PERFORM pg_advisory_xact_lock(hashtextextended('bsm call ' || (call->>'fence'), 0));

    FOR line IN SELECT * FROM jsonb_array_elements(call->'empty') LOOP
        EXECUTE format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', line->>'name');
    END LOOP;

    FOR i IN 0 .. coalesce(jsonb_array_length(call->'locks'), 0) - 1 LOOP
        line := call->'locks'->i;
        others := NULL;
        CASE line->>'strength'
        WHEN 'share' THEN
            CASE line->>'name'
            WHEN 'users' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM users
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR SHARE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            WHEN 'customer_services' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM customer_services
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR SHARE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            WHEN 'knowledge_base' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM knowledge_base
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR SHARE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            WHEN 'customer_ratings' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM customer_ratings
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR SHARE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            WHEN 'customer_service_requests' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM customer_service_requests
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR SHARE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            WHEN 'tickets' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM tickets
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR SHARE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            WHEN 'ticket_notes' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM ticket_notes
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR SHARE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            END CASE;
        WHEN 'change' THEN
            CASE line->>'name'
            WHEN 'users' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM users
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR NO KEY UPDATE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            WHEN 'customer_services' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM customer_services
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR NO KEY UPDATE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            WHEN 'knowledge_base' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM knowledge_base
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR NO KEY UPDATE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            WHEN 'customer_ratings' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM customer_ratings
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR NO KEY UPDATE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            WHEN 'customer_service_requests' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM customer_service_requests
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR NO KEY UPDATE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            WHEN 'tickets' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM tickets
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR NO KEY UPDATE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            WHEN 'ticket_notes' THEN
                SELECT array_agg(asked.c) INTO others
                FROM unnest((line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[])
                    AS asked (c, id, version)
                LEFT JOIN (
                    SELECT id, version FROM ticket_notes
                    WHERE id = ANY ((line->>'ids')::uuid[]) ORDER BY id FOR NO KEY UPDATE
                ) AS held ON held.id = asked.id
                WHERE held.version IS DISTINCT FROM asked.version;
            END CASE;
        WHEN 'delete' THEN
            EXECUTE format(
                'SELECT count(*) FROM (SELECT FROM %I WHERE id = ANY ($1) ORDER BY id FOR UPDATE) AS held', line->>'name'
            ) INTO done USING (line->>'ids')::uuid[];
            EXECUTE format(
                'SELECT array_agg(asked.c) FROM unnest($1, $2, $3) AS asked (c, id, version) '
                'LEFT JOIN %I AS held ON held.id = asked.id WHERE held.version IS DISTINCT FROM asked.version',
                line->>'name'
            ) INTO others USING (line->>'c')::integer[], (line->>'id')::uuid[], (line->>'version')::bigint[];
        END CASE;
        left_out := left_out || others;
    END LOOP;

    -- Two calls that took one value at the same moment would else wait for each other.
    IF call ? 'hold' THEN
        PERFORM count(pg_advisory_xact_lock(place)) FROM (
            SELECT DISTINCT hashtextextended(name, 0) AS place
            FROM jsonb_array_elements_text(call->'hold') AS name ORDER BY place OFFSET 0
        ) AS places;
    END IF;

    FOR line IN SELECT * FROM jsonb_array_elements(call->'empty') LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', line->>'name') INTO found;
        IF found THEN
            left_out := left_out || (line->>'c')::integer;
        END IF;
    END LOOP;
    FOR line IN SELECT * FROM jsonb_array_elements(call->'childless') LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I = $1)', line->>'name', line->>'field')
            INTO found USING (line->>'id')::uuid;
        IF found THEN
            left_out := left_out || (line->>'c')::integer;
        END IF;
    END LOOP;
    IF call->'tell' ? 'keys' THEN
        SELECT array_agg(asked.c) INTO others
        FROM jsonb_to_recordset(call->'tell'->'keys') AS asked (c integer, actor uuid, key text)
        JOIN idempotency_keys AS known ON known.actor = asked.actor AND known.key = asked.key;
        left_out := left_out || others;
    END IF;

    IF left_out <> '{}' THEN
        call := call || jsonb_build_object(
            'insert', bsm_but(call->'insert', left_out),
            'update', bsm_but(call->'update', left_out),
            'delete', bsm_but(call->'delete', left_out),
            'tell', bsm_but(call->'tell', left_out)
        );
    END IF;

    rows := call->'insert';
    IF rows <> '{}' THEN
        IF rows ? 'users' THEN
            INSERT INTO users (
                id, created_at, full_name, email, role, active, external_ref, version, updated_at
            ) SELECT
                id, created_at, full_name, email, role, active, external_ref, version, updated_at
            FROM jsonb_populate_recordset(NULL::users, rows->'users');
        END IF;
        IF rows ? 'customer_services' THEN
            INSERT INTO customer_services (
                id, created_at, name, description, category, price, currency, needs_approval, active, version,
                updated_at
            ) SELECT
                id, created_at, name, description, category, price, currency, needs_approval, active, version,
                updated_at
            FROM jsonb_populate_recordset(NULL::customer_services, rows->'customer_services');
        END IF;
        IF rows ? 'knowledge_base' THEN
            INSERT INTO knowledge_base (
                id, created_at, title, body, category, status, author_id, published_at, version, updated_at
            ) SELECT
                id, created_at, title, body, category, status, author_id, published_at, version, updated_at
            FROM jsonb_populate_recordset(NULL::knowledge_base, rows->'knowledge_base');
        END IF;
        IF rows ? 'customer_ratings' THEN
            INSERT INTO customer_ratings (
                id, created_at, service_id, customer_id, rating, review, version, updated_at
            ) SELECT
                id, created_at, service_id, customer_id, rating, review, version, updated_at
            FROM jsonb_populate_recordset(NULL::customer_ratings, rows->'customer_ratings');
        END IF;
        IF rows ? 'customer_service_requests' THEN
            WITH made AS (
                INSERT INTO customer_service_requests (
                    id, created_at, service_id, customer_id, details, status, needs_approval, price,
                    currency, scheduled_for, fulfilled_at, ticket_id, rating_id, rated, external_ref, version,
                    updated_at
                ) SELECT
                    id, created_at, service_id, customer_id, details, status, needs_approval, price,
                    currency, scheduled_for, fulfilled_at, ticket_id, rating_id, rated, external_ref, version,
                    updated_at
                FROM jsonb_populate_recordset(NULL::customer_service_requests, rows->'customer_service_requests')
                RETURNING id, number
            ) SELECT numbers || jsonb_agg(jsonb_build_array(id, number)) INTO numbers FROM made;
        END IF;
        IF rows ? 'tickets' THEN
            WITH made AS (
                INSERT INTO tickets (
                    id, created_at, title, description, status, impact, urgency, priority,
                    priority_overridden, category, subcategory, channel, assignment_group, assigned_to,
                    created_by, requested_for, request_id, follow_up_of, reopen_count, resolved_at, closed_at,
                    external_ref, version, updated_at
                ) SELECT
                    id, created_at, title, description, status, impact, urgency, priority,
                    priority_overridden, category, subcategory, channel, assignment_group, assigned_to,
                    created_by, requested_for, request_id, follow_up_of, reopen_count, resolved_at, closed_at,
                    external_ref, version, updated_at
                FROM jsonb_populate_recordset(NULL::tickets, rows->'tickets')
                RETURNING id, number
            ) SELECT numbers || jsonb_agg(jsonb_build_array(id, number)) INTO numbers FROM made;
        END IF;
        IF rows ? 'ticket_notes' THEN
            INSERT INTO ticket_notes (
                id, created_at, ticket_id, author_id, body, version, updated_at
            ) SELECT
                id, created_at, ticket_id, author_id, body, version, updated_at
            FROM jsonb_populate_recordset(NULL::ticket_notes, rows->'ticket_notes');
        END IF;
    END IF;

    rows := call->'update';
    IF rows <> '{}' THEN
        IF rows ? 'users' THEN
            UPDATE users AS old SET
                full_name = given.full_name, email = given.email, role = given.role, active = given.active,
                external_ref = given.external_ref, version = given.version, updated_at = given.updated_at
            FROM jsonb_populate_recordset(NULL::users, rows->'users') AS given WHERE old.id = given.id;
            GET DIAGNOSTICS done = ROW_COUNT;
            written := written + done;
            awaited := awaited + jsonb_array_length(rows->'users');
        END IF;
        IF rows ? 'customer_services' THEN
            UPDATE customer_services AS old SET
                name = given.name, description = given.description, category = given.category,
                price = given.price, currency = given.currency, needs_approval = given.needs_approval,
                active = given.active, version = given.version, updated_at = given.updated_at
            FROM jsonb_populate_recordset(NULL::customer_services, rows->'customer_services') AS given WHERE old.id = given.id;
            GET DIAGNOSTICS done = ROW_COUNT;
            written := written + done;
            awaited := awaited + jsonb_array_length(rows->'customer_services');
        END IF;
        IF rows ? 'knowledge_base' THEN
            UPDATE knowledge_base AS old SET
                title = given.title, body = given.body, category = given.category, status = given.status,
                author_id = given.author_id, published_at = given.published_at, version = given.version,
                updated_at = given.updated_at
            FROM jsonb_populate_recordset(NULL::knowledge_base, rows->'knowledge_base') AS given WHERE old.id = given.id;
            GET DIAGNOSTICS done = ROW_COUNT;
            written := written + done;
            awaited := awaited + jsonb_array_length(rows->'knowledge_base');
        END IF;
        IF rows ? 'customer_ratings' THEN
            UPDATE customer_ratings AS old SET
                service_id = given.service_id, customer_id = given.customer_id, rating = given.rating,
                review = given.review, version = given.version, updated_at = given.updated_at
            FROM jsonb_populate_recordset(NULL::customer_ratings, rows->'customer_ratings') AS given WHERE old.id = given.id;
            GET DIAGNOSTICS done = ROW_COUNT;
            written := written + done;
            awaited := awaited + jsonb_array_length(rows->'customer_ratings');
        END IF;
        IF rows ? 'customer_service_requests' THEN
            UPDATE customer_service_requests AS old SET
                service_id = given.service_id, customer_id = given.customer_id, details = given.details,
                status = given.status, needs_approval = given.needs_approval, price = given.price,
                currency = given.currency, scheduled_for = given.scheduled_for,
                fulfilled_at = given.fulfilled_at, ticket_id = given.ticket_id, rating_id = given.rating_id,
                rated = given.rated, external_ref = given.external_ref, version = given.version,
                updated_at = given.updated_at
            FROM jsonb_populate_recordset(NULL::customer_service_requests, rows->'customer_service_requests') AS given WHERE old.id = given.id;
            GET DIAGNOSTICS done = ROW_COUNT;
            written := written + done;
            awaited := awaited + jsonb_array_length(rows->'customer_service_requests');
        END IF;
        IF rows ? 'tickets' THEN
            UPDATE tickets AS old SET
                title = given.title, description = given.description, status = given.status,
                impact = given.impact, urgency = given.urgency, priority = given.priority,
                priority_overridden = given.priority_overridden, category = given.category,
                subcategory = given.subcategory, channel = given.channel,
                assignment_group = given.assignment_group, assigned_to = given.assigned_to,
                created_by = given.created_by, requested_for = given.requested_for,
                request_id = given.request_id, follow_up_of = given.follow_up_of,
                reopen_count = given.reopen_count, resolved_at = given.resolved_at, closed_at = given.closed_at,
                external_ref = given.external_ref, version = given.version, updated_at = given.updated_at
            FROM jsonb_populate_recordset(NULL::tickets, rows->'tickets') AS given WHERE old.id = given.id;
            GET DIAGNOSTICS done = ROW_COUNT;
            written := written + done;
            awaited := awaited + jsonb_array_length(rows->'tickets');
        END IF;
        IF rows ? 'ticket_notes' THEN
            UPDATE ticket_notes AS old SET
                ticket_id = given.ticket_id, author_id = given.author_id, body = given.body,
                version = given.version, updated_at = given.updated_at
            FROM jsonb_populate_recordset(NULL::ticket_notes, rows->'ticket_notes') AS given WHERE old.id = given.id;
            GET DIAGNOSTICS done = ROW_COUNT;
            written := written + done;
            awaited := awaited + jsonb_array_length(rows->'ticket_notes');
        END IF;
    END IF;

    FOR line IN SELECT jsonb_build_object('name', key, 'rows', value) FROM jsonb_each(call->'delete') LOOP
        -- Where a foreign key would empty what names the row, a command must have done so itself.
        IF line->>'name' = 'users' THEN
            SELECT EXISTS (SELECT FROM jsonb_array_elements(line->'rows') AS gone
                JOIN tickets ON assigned_to = (gone->>'id')::uuid) INTO found;
        ELSIF line->>'name' = 'customer_ratings' THEN
            SELECT EXISTS (SELECT FROM jsonb_array_elements(line->'rows') AS gone
                JOIN customer_service_requests ON rating_id = (gone->>'id')::uuid) INTO found;
        ELSE
            found := false;
        END IF;
        IF found THEN
            RAISE EXCEPTION 'a row that goes is named by others' USING ERRCODE = 'foreign_key_violation';
        END IF;
        EXECUTE format(
            'DELETE FROM %I WHERE id IN (SELECT (gone->>''id'')::uuid FROM jsonb_array_elements($1) AS gone)',
            line->>'name'
        ) USING line->'rows';
        GET DIAGNOSTICS done = ROW_COUNT;
        written := written + done;
        awaited := awaited + jsonb_array_length(line->'rows');
    END LOOP;
    -- The rows are held, so all of them are written. A rule or trigger of the database's owner could say otherwise.
    IF written <> awaited THEN
        RAISE EXCEPTION '% rows were written of %', written, awaited;
    END IF;

    rows := call->'tell';
    IF rows ? 'history' THEN
        -- An id that was deleted and made anew begins its history anew.
        INSERT INTO history (entity, row_id, version, action, actor, occurred_at, recorded_at, subject, changes)
        SELECT entity, row_id, version, action, actor, occurred_at, recorded_at, subject, changes
        FROM jsonb_populate_recordset(NULL::history, rows->'history')
        ON CONFLICT (entity, row_id, version) DO UPDATE SET
            action = excluded.action, actor = excluded.actor, occurred_at = excluded.occurred_at,
            recorded_at = excluded.recorded_at, subject = excluded.subject, changes = excluded.changes;
    END IF;
    IF rows ? 'feed' THEN
        INSERT INTO feed (recorded_at, changes, subjects)
        SELECT recorded_at, changes, subjects
        FROM jsonb_to_recordset(rows->'feed') AS told (recorded_at timestamptz, changes jsonb, subjects uuid[]);
    END IF;
    IF rows ? 'keys' THEN
        INSERT INTO idempotency_keys (actor, key, digest, answer_entity, answer_id, keep_until)
        SELECT actor, key, digest, answer_entity, answer_id, keep_until
        FROM jsonb_populate_recordset(NULL::idempotency_keys, rows->'keys');
        -- Some more than were made, so that they don't pile up.
        DELETE FROM idempotency_keys WHERE (actor, key) IN (
            SELECT actor, key FROM idempotency_keys
            WHERE keep_until <= (SELECT min(now) FROM jsonb_to_recordset(rows->'keys') AS made (now timestamptz))
            ORDER BY keep_until LIMIT 4 * jsonb_array_length(rows->'keys') FOR UPDATE SKIP LOCKED
        );
    END IF;
    RETURN jsonb_build_object('left_out', left_out, 'numbers', numbers);
END
$$;
