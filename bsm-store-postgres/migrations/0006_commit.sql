-- A command, or several that wait at the same moment, in one call: locks, then checks, then writes. In place of the function
-- of `0004_call.sql`, which took one JSON object apart and left counting to triggers, both of which were dear.
--
-- The call is about success. What a command in it relies on is looked at when its rows are locked. If one does not find it
-- so, nothing of the call is done, and it is told which; the others go again without it, and it is done alone, statement by
-- statement, which says what was wrong. Whatever else stands in the way (a unique value, a parent that is gone) ends the
-- whole call, and all of its commands are done alone. So no two commands of one call touch the same row, or want the same
-- value: whoever calls sees to that.
--
-- A call counts by itself, which triggers are told by `bsm.counted`. What a row counted for before it is changed, the caller
-- claims, and what is found under the lock must be that.

DROP FUNCTION bsm_commit(jsonb);
DROP FUNCTION bsm_but(jsonb, integer[]);

-- What a trigger of somebody else's does within a call, the call knows nothing of.

CREATE FUNCTION bsm_is_uncounted() RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS $$ BEGIN RETURN current_setting('bsm.counted', true) IS DISTINCT FROM 'on' OR pg_trigger_depth() > 0; END $$;

-- The server reads a trigger's condition anew for each statement; this one is short.

CREATE FUNCTION bsm_is_by_hand() RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS $$ BEGIN RETURN current_setting('bsm.command', true) IS DISTINCT FROM 'on'; END $$;

-- Asked as whoever writes.

GRANT EXECUTE ON FUNCTION bsm_is_uncounted(), bsm_is_by_hand() TO PUBLIC;

-- The desk's own triggers alone.

DO $conditions$
DECLARE
    ours record;
BEGIN
    FOR ours IN
        SELECT tgrelid::regclass AS of_table, tgname AS name, pg_get_triggerdef(pg_trigger.oid) AS definition
        FROM pg_trigger JOIN pg_class AS class ON class.oid = tgrelid
        WHERE class.relnamespace = current_schema()::regnamespace AND NOT tgisinternal AND (
            tgname ~ '^bsm_(count|told)_(insert|update|delete)$|^bsm_linked_(insert|update)$'
            OR tgname IN ('bsm_by_hand', 'bsm_rules')
        ) AND class.relname IN (
            'users', 'tickets', 'knowledge_base', 'customer_services', 'customer_service_requests', 'customer_ratings',
            'ticket_notes'
        )
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', ours.name, ours.of_table);
        IF ours.name LIKE 'bsm\_count\_%' THEN
            EXECUTE replace(
                ours.definition, 'FOR EACH STATEMENT', 'FOR EACH STATEMENT WHEN (bsm_is_uncounted())'
            );
        ELSE
            EXECUTE replace(
                ours.definition, $$current_setting('bsm.command'::text, true) IS DISTINCT FROM 'on'::text$$,
                'bsm_is_by_hand()'
            );
        END IF;
    END LOOP;
END
$conditions$;

-- What a call is given, most of it as arrays whose nth values belong together:
--
--   fence    the name of this call
--   wait     how long to wait for a lock, in milliseconds
--   runs     rows that are held, in the order of all keys, cut where the table or the strength (share, change, delete)
--            changes: how many of the next four arrays' values the run takes, and both (`2 share users`). One row of some tables,
--            of which a version is expected, has a way of its own, and no number before it (`share users`)
--   held     the rows' ids, the versions that are expected of them (-1: any), which command (from 0 up) expects that, and of
--            rows to change what they count for: the values of the fields by which they are counted
--   written  what is done to which table (`+users` makes rows, `=users` changes them), and before that, likewise, how many of the
--            lines it takes; and the lines: all these rows, each as the text of a composite value
--   missing  how many rows are written or deleted
--   counted  what is added to which counter
--   history, feed  the rows of these tables, likewise
--   more     what few commands need, as JSON; empty if none does:
--              empty      tables that must be empty: the `name`
--              childless  parents that must have no children: the `id`, and where (`name`, `field`) children would name it
--              hold       values that no two rows may share, as names of advisory locks
--              delete     ids of rows, by table
--              keys       idempotency keys
--
-- Returns JSON: the commands that stood in the way (`left_out`), or the numbers that rows were given.
--
-- A locking statement reads each row as whoever held it before has left it; every other one sees what was committed when
-- it began, so locks come first, and READ COMMITTED is asked for. Rows are found by their keys, whatever the server knew
-- of the tables when it planned. Names are written out, so that no search path need be set.

DO $make$
DECLARE
    schema constant text := quote_ident(current_schema());
    shards constant integer := hashtext('bsm counters ' || current_schema());
    entity record;
    strength record;
    all_columns text;
    changes text;
    made text;
    lone_locks text := '';
    many_locks text := '';
    lone_writes text := '';
    many_writes text := '';
BEGIN
    FOR entity IN
        -- The most frequent first: whatever stands before a branch is looked at before it. The fields by which rows are counted,
        -- as one text, and those that are written, in the order in which they come. Numbers are given here.
        SELECT name, schema || '.' || name AS qualified, numbered, coalesce(state, '''''') AS state, fields FROM (VALUES
            ('users', false, $$role || ' ' || active$$,
                'id created_at full_name email role active external_ref version updated_at'),
            ('customer_services', false, 'active::text',
                'id created_at name description category price currency needs_approval active version updated_at'),
            ('customer_service_requests', true, $$status || ' ' || service_id || ' ' || price || ' ' || currency$$,
                'id created_at service_id customer_id details status needs_approval price currency scheduled_for '
                'fulfilled_at ticket_id rating_id rated external_ref version updated_at'),
            ('tickets', true, 'status',
                'id created_at title description status impact urgency priority priority_overridden category '
                'subcategory channel assignment_group assigned_to created_by requested_for request_id follow_up_of '
                'reopen_count resolved_at closed_at external_ref version updated_at'),
            ('customer_ratings', false, $$service_id || ' ' || rating$$,
                'id created_at service_id customer_id rating review version updated_at'),
            ('ticket_notes', false, NULL,
                'id created_at ticket_id author_id body version updated_at'),
            ('knowledge_base', false, 'status',
                'id created_at title body category status author_id published_at version updated_at')
        ) AS entities (name, numbered, state, fields)
    LOOP
        -- A row as a call gives it has a type of its own, so that whoever adds a column to the table changes nothing here.
        SELECT string_agg(field, ', ' ORDER BY place),
            string_agg(field || ' = given.' || field, ', ' ORDER BY place) FILTER (WHERE field NOT IN ('id', 'created_at')),
            format('CREATE TYPE %s.bsm_row_%s AS (%s)', schema, entity.name, string_agg(
                field || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY place
            ))
        INTO all_columns, changes, made
        FROM unnest(string_to_array(entity.fields, ' ')) WITH ORDINALITY AS listed (field, place)
        JOIN pg_attribute ON attrelid = entity.qualified::regclass AND attname = field;
        EXECUTE made;

        FOR strength IN
            SELECT * FROM (VALUES ('share', 'FOR SHARE'), ('change', 'FOR NO KEY UPDATE'), ('delete', 'FOR UPDATE'))
                AS strengths (name, clause)
        LOOP
            many_locks := many_locks || format(
                $$
            WHEN '%1$s %2$s' THEN
                -- First of all, so that those are held as well of which nothing is expected.
                PERFORM FROM %3$s WHERE id = ANY (held_ids[at:upto]) ORDER BY id %4$s;
                SELECT array_agg(asked.command) INTO others
                FROM unnest(held_ids[at:upto], held_versions[at:upto], held_states[at:upto], held_for[at:upto])
                    AS asked (id, version, state, command)
                LEFT JOIN LATERAL (SELECT version, %5$s AS state FROM %3$s WHERE id = asked.id) AS held ON true
                WHERE asked.version >= 0 AND (held.version, held.state) IS DISTINCT FROM (asked.version, %6$s);
                left_out := left_out || others;
$$,
                strength.name, entity.name, entity.qualified, strength.clause, entity.state,
                -- A row may be changed and held more strongly than that.
                CASE WHEN strength.name = 'share' THEN 'held.state'
                ELSE 'coalesce(nullif(asked.state, ''''), held.state)' END
            );
            -- One row is looked up without joining anything.
            IF strength.name = 'share' AND entity.name IN ('users', 'customer_services') THEN
                lone_locks := lone_locks || format(
                    $$
        WHEN '%1$s %2$s' THEN
            SELECT version INTO found_version FROM %3$s WHERE id = held_ids[at] %4$s;
            IF found_version IS DISTINCT FROM held_versions[at] THEN
                left_out := left_out || held_for[at];
            END IF;
            at := at + 1;
$$,
                    strength.name, entity.name, entity.qualified, strength.clause
                );
            ELSIF strength.name = 'change' AND entity.numbered THEN
                lone_locks := lone_locks || format(
                    $$
        WHEN '%1$s %2$s' THEN
            SELECT version, %5$s INTO found_version, found_state FROM %3$s WHERE id = held_ids[at] %4$s;
            IF found_version IS DISTINCT FROM held_versions[at] OR found_state IS DISTINCT FROM held_states[at] THEN
                left_out := left_out || held_for[at];
            END IF;
            at := at + 1;
$$,
                    strength.name, entity.name, entity.qualified, strength.clause, entity.state
                );
            END IF;
        END LOOP;

        IF entity.numbered THEN
            lone_writes := lone_writes || format(
                $$
        WHEN '+%1$s' THEN
            INSERT INTO %2$s (%3$s)
            SELECT %3$s FROM unnest(lines[at:at]::%4$s.bsm_row_%1$s[])
            RETURNING numbers || ',["%1$s","' || id || '",' || number || ']' INTO numbers;
            GET DIAGNOSTICS done = ROW_COUNT;
            missing := missing - done;
            at := at + 1;
        WHEN '=%1$s' THEN
            UPDATE %2$s AS old SET %5$s
            FROM unnest(lines[at:at]::%4$s.bsm_row_%1$s[]) AS given WHERE old.id = given.id;
            GET DIAGNOSTICS done = ROW_COUNT;
            missing := missing - done;
            at := at + 1;
$$,
                entity.name, entity.qualified, all_columns, schema, changes
            );
        END IF;
        many_writes := many_writes || format(
            CASE WHEN entity.numbered THEN $$
            WHEN '+%1$s' THEN
                FOR made IN
                    INSERT INTO %2$s (%3$s)
                    SELECT %3$s FROM unnest(lines[at:upto]::%4$s.bsm_row_%1$s[])
                    RETURNING id, number
                LOOP
                    numbers := numbers || ',["%1$s","' || made.id || '",' || made.number || ']';
                    missing := missing - 1;
                END LOOP;
$$ ELSE $$
            WHEN '+%1$s' THEN
                INSERT INTO %2$s (%3$s)
                SELECT %3$s FROM unnest(lines[at:upto]::%4$s.bsm_row_%1$s[]);
                GET DIAGNOSTICS done = ROW_COUNT;
                missing := missing - done;
$$ END || $$
            WHEN '=%1$s' THEN
                UPDATE %2$s AS old SET %5$s
                FROM unnest(lines[at:upto]::%4$s.bsm_row_%1$s[]) AS given WHERE old.id = given.id;
                GET DIAGNOSTICS done = ROW_COUNT;
                missing := missing - done;
$$,
            entity.name, entity.qualified, all_columns, schema, changes
        );
    END LOOP;

    EXECUTE format(
        'CREATE TYPE %1$s.bsm_row_history AS (entity text, row_id uuid, version bigint, action text, actor uuid, '
        'occurred_at timestamptz, recorded_at timestamptz, subject uuid, changes jsonb)', schema
    );
    EXECUTE format(
        'CREATE TYPE %1$s.bsm_row_feed AS (recorded_at timestamptz, changes jsonb, subjects uuid[])', schema
    );

    -- A shard of the counters, as `0003_counting.sql` has it, for whoever calls with any search path.
    EXECUTE format(
        $function$
            CREATE OR REPLACE FUNCTION bsm_shard() RETURNS smallint
                LANGUAGE plpgsql VOLATILE
                AS $body$
                    DECLARE
                        shard integer := pg_backend_pid() %% 16;
                    BEGIN
                        FOR looked IN 1..16 LOOP
                            IF pg_try_advisory_xact_lock(%1$s, shard) THEN
                                RETURN shard;
                            END IF;
                            shard := (shard + 1) %% 16;
                        END LOOP;
                        PERFORM pg_advisory_xact_lock(%1$s, shard);
                        RETURN shard;
                    END
                $body$
        $function$,
        shards
    );

    EXECUTE format(
        $function$
CREATE FUNCTION bsm_commit(
    fence uuid, wait text,
    runs text[], held_ids uuid[], held_versions bigint[], held_states text[], held_for bigint[],
    written text[], lines text[], missing bigint,
    counted_families text[], counted_names text[], counted_amounts numeric[], counted_scales bigint[],
    history_lines text[], feed_lines text[], more_of_it text
) RETURNS text
    LANGUAGE plpgsql
    AS $body$
-- Somebody may add a column that is called as a variable is.
#variable_conflict use_variable
DECLARE
    more jsonb;
    line jsonb;
    one text;
    made record;
    gone record;
    at integer := 1;
    upto integer;
    found_version bigint;
    found_state text;
    others bigint[];
    left_out bigint[];
    is_there boolean;
    numbers text := '';
    done bigint;
    own_shard smallint := pg_backend_pid() %% 16;
BEGIN
    -- plpgsql makes each expression ready anew in each transaction, so there are few of them: this one goes on to its next
    -- part only where the one before it is in order. Whoever lost the answer and sends a command again waits until this call
    -- has ended.
    IF current_setting('transaction_isolation') <> 'read committed'
        OR set_config('lock_timeout', wait, true) IS NULL
        OR current_setting('synchronous_commit') = 'off' AND set_config('synchronous_commit', 'on', true) IS NULL
        OR pg_advisory_xact_lock(hashtextextended('bsm call ' || fence, 0))::text IS NULL
    THEN
        RAISE EXCEPTION 'a command needs READ COMMITTED' USING ERRCODE = 'BSM01';
    END IF;
    IF more_of_it <> '' THEN
        more := more_of_it::jsonb;
        FOR line IN SELECT * FROM jsonb_array_elements(more->'empty') LOOP
            EXECUTE format('LOCK TABLE %1$s.%%I IN SHARE ROW EXCLUSIVE MODE', line->>'name');
        END LOOP;
    END IF;

    FOREACH one IN ARRAY runs LOOP
        CASE one%2$s        ELSE
            upto := at + split_part(one, ' ', 1)::integer - 1;
            CASE substr(one, strpos(one, ' ') + 1)%3$s            END CASE;
            at := upto + 1;
        END CASE;
    END LOOP;

    IF more IS NOT NULL THEN
        -- Two calls that took one value at the same moment would else wait for each other.
        PERFORM count(pg_advisory_xact_lock(place)) FROM (
            SELECT DISTINCT hashtextextended(name, 0) AS place
            FROM jsonb_array_elements_text(more->'hold') AS name ORDER BY place OFFSET 0
        ) AS places;
        FOR line IN SELECT * FROM jsonb_array_elements(more->'empty') LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM %1$s.%%I)', line->>'name') INTO is_there;
            IF is_there THEN
                left_out := left_out || (line->>'c')::bigint;
            END IF;
        END LOOP;
        FOR line IN SELECT * FROM jsonb_array_elements(more->'childless') LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM %1$s.%%I WHERE %%I = $1)', line->>'name', line->>'field')
                INTO is_there USING (line->>'id')::uuid;
            IF is_there THEN
                left_out := left_out || (line->>'c')::bigint;
            END IF;
        END LOOP;
        SELECT array_agg(asked.c) INTO others
        FROM jsonb_to_recordset(more->'keys') AS asked (c bigint, actor uuid, key text)
        JOIN %1$s.idempotency_keys AS known ON known.actor = asked.actor AND known.key = asked.key;
        left_out := left_out || others;
    END IF;
    IF left_out IS NOT NULL THEN
        RETURN json_build_object('left_out', left_out, 'numbers', '[]'::json);
    END IF;

    at := 1;
    FOREACH one IN ARRAY written LOOP
        CASE one%4$s        ELSE
            upto := at + split_part(one, ' ', 1)::integer - 1;
            CASE substr(one, strpos(one, ' ') + 1)%5$s            END CASE;
            at := upto + 1;
        END CASE;
    END LOOP;

    IF more IS NOT NULL OR missing <> 0 THEN
        -- What a row counted for that goes, nobody claims: that is left to the triggers.
        PERFORM set_config('bsm.counted', 'off', true);
        FOR gone IN
            SELECT key AS name, ARRAY(SELECT id::uuid FROM jsonb_array_elements_text(value) AS id) AS ids
            FROM jsonb_each(more->'delete')
        LOOP
            -- Where a foreign key would empty what names the row, a command must have done so itself.
            IF gone.name = 'users' THEN
                is_there := EXISTS (SELECT FROM %1$s.tickets WHERE assigned_to = ANY (gone.ids));
            ELSIF gone.name = 'customer_ratings' THEN
                is_there := EXISTS (SELECT FROM %1$s.customer_service_requests WHERE rating_id = ANY (gone.ids));
            ELSE
                is_there := false;
            END IF;
            IF is_there THEN
                RAISE EXCEPTION 'a row that goes is named by others' USING ERRCODE = 'foreign_key_violation';
            END IF;
            EXECUTE format('DELETE FROM %1$s.%%I WHERE id = ANY ($1)', gone.name) USING gone.ids;
            GET DIAGNOSTICS done = ROW_COUNT;
            missing := missing - done;
        END LOOP;
        -- The rows are held, or new, so all of them are written. A rule or trigger of the database's owner could say otherwise.
        IF missing <> 0 THEN
            RAISE EXCEPTION '%% rows fewer were written than were given', missing;
        END IF;
        IF more ? 'keys' THEN
            INSERT INTO %1$s.idempotency_keys (actor, key, digest, answer_entity, answer_id, keep_until)
            SELECT actor, key, digest, answer_entity, answer_id, keep_until
            FROM jsonb_populate_recordset(NULL::%1$s.idempotency_keys, more->'keys');
            -- Some more than were made, so that they don't pile up.
            DELETE FROM %1$s.idempotency_keys WHERE (actor, key) IN (
                SELECT actor, key FROM %1$s.idempotency_keys
                WHERE keep_until <= (SELECT min(now) FROM jsonb_to_recordset(more->'keys') AS kept (now timestamptz))
                ORDER BY keep_until LIMIT 4 * jsonb_array_length(more->'keys') FOR UPDATE SKIP LOCKED
            );
        END IF;
    END IF;

    -- An id that was deleted and made anew begins its history anew.
    INSERT INTO %1$s.history (entity, row_id, version, action, actor, occurred_at, recorded_at, subject, changes)
    SELECT entity, row_id, version, action, actor, occurred_at, recorded_at, subject, changes
    FROM unnest(history_lines::%1$s.bsm_row_history[])
    ON CONFLICT (entity, row_id, version) DO UPDATE SET
        action = excluded.action, actor = excluded.actor, occurred_at = excluded.occurred_at,
        recorded_at = excluded.recorded_at, subject = excluded.subject, changes = excluded.changes;
    INSERT INTO %1$s.feed (recorded_at, changes, subjects)
    SELECT recorded_at, changes, subjects FROM unnest(feed_lines::%1$s.bsm_row_feed[]);
    -- Last, since others may wait for the same counters. In the order of their keys.
    IF counted_families <> '{}' THEN
        IF NOT pg_try_advisory_xact_lock(%6$s, own_shard) THEN
            own_shard := %1$s.bsm_shard();
        END IF;
        INSERT INTO %1$s.counters AS kept (family, names, shard, amount, scale)
        SELECT given.family, given.names::text[], own_shard, given.amount, given.scale
        FROM unnest(counted_families, counted_names, counted_amounts, counted_scales) AS given (family, names, amount, scale)
        ON CONFLICT (family, names, shard) DO UPDATE SET amount = kept.amount + excluded.amount;
    END IF;
    RETURN '{"left_out":[],"numbers":[' || substr(numbers, 2) || ']}';
END
$body$
    SET bsm.command = 'on'
    SET bsm.counted = 'on'
    SET enable_seqscan = off
    SET enable_hashjoin = off
    SET enable_mergejoin = off
        $function$,
        schema, lone_locks, many_locks, lone_writes, many_writes, shards
    );
END
$make$;
