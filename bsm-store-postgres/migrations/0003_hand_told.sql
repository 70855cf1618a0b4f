-- What was written by hand is told: an entry of history by the desk itself for each row, as bsm-core would write it, and an
-- event of the feed for each entry.
--
-- One event a row, not one a statement: a page of the feed is so many events, and must not cost more because somebody
-- changed twenty thousand tickets at once; and a customer who reads theirs would else read through everybody's.

-- A time as history tells it.

CREATE FUNCTION bsm_told_time(at timestamptz) RETURNS text
    LANGUAGE sql STABLE STRICT
    AS $$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;

DO $told$
DECLARE
    told record;
    source record;
    changes text;
BEGIN
    FOR told IN
        -- Entity, whose row it is, and the fields that history tells of, in order. Of personal text (`!`) it tells that it
        -- changed, and not what it says; a time (`@`) has a form of its own.
        SELECT * FROM (VALUES
            ('users', 'user', $$CASE WHEN %1$s.role = 'customer' THEN %1$s.id END$$,
                'full_name! email! role active external_ref!'),
            ('tickets', 'ticket', '%1$s.requested_for',
                'title! description! status impact urgency priority priority_overridden category subcategory channel '
                'assignment_group assigned_to created_by requested_for request_id follow_up_of reopen_count resolved_at@ '
                'closed_at@ external_ref!'),
            ('knowledge_base', 'article', 'NULL::uuid', 'title! body! category status author_id published_at@'),
            ('customer_services', 'service', 'NULL::uuid',
                'name! description! category price currency needs_approval active'),
            ('customer_service_requests', 'request', '%1$s.customer_id',
                'service_id customer_id details! status needs_approval price currency scheduled_for@ fulfilled_at@ ticket_id '
                'rating_id rated external_ref!'),
            ('customer_ratings', 'rating', '%1$s.customer_id', 'service_id customer_id rating review!'),
            ('ticket_notes', 'note', 'NULL::uuid', 'ticket_id author_id body!')
        ) AS tables (name, entity, subject, fields)
    LOOP
        SELECT string_agg(
            format(
                'CASE WHEN after.%1$I IS DISTINCT FROM before.%1$I THEN '
                'jsonb_build_object(''field'', %1$L, ''from'', %2$s, ''to'', %3$s) END',
                field, format(form, 'before.' || field), format(form, 'after.' || field)
            ), ', ' ORDER BY place
        ) INTO changes
        FROM unnest(string_to_array(told.fields, ' ')) WITH ORDINALITY AS words (word, place)
        CROSS JOIN LATERAL (
            SELECT rtrim(word, '!@') AS field,
                CASE right(word, 1) WHEN '!' THEN 'NULL' WHEN '@' THEN 'bsm_told_time(%s)' ELSE '%s::text' END AS form
        ) AS described;
        FOR source IN
            -- Each row with itself as it was. A full join, since the server can't do that row by row against all others,
            -- whatever it knew of their number when it made its plan. Nobody but these triggers changes versions, so no
            -- row is joined with another state of itself, should one statement change it twice.
            SELECT * FROM (VALUES
                ('insert', 'NEW TABLE AS added', 'added AS after LEFT JOIN added AS before ON false'),
                ('delete', 'OLD TABLE AS gone', 'gone AS before LEFT JOIN gone AS after ON false'),
                (
                    'update', 'OLD TABLE AS gone NEW TABLE AS added',
                    'added AS after FULL JOIN gone AS before ON after.id = before.id AND after.version = before.version + 1'
                )
            ) AS kinds (does, transition, rows)
        LOOP
            EXECUTE format(
                $make$
                    CREATE FUNCTION %1$I() RETURNS trigger
                        LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
                        AS $body$
                            BEGIN
                                WITH told AS (
                                    INSERT INTO history (
                                        entity, row_id, version, action, actor, occurred_at, recorded_at, subject, changes
                                    )
                                    SELECT
                                        %2$L, id, version,
                                        CASE %3$L WHEN 'insert' THEN 'created' WHEN 'delete' THEN 'deleted'
                                            ELSE CASE WHEN changes = '{}' THEN 'touched' ELSE 'changed' END END,
                                        NULL, at, at, subject, to_jsonb(changes)
                                    FROM (
                                        SELECT
                                            coalesce(after.id, before.id) AS id,
                                            coalesce(after.version, before.version + 1) AS version,
                                            coalesce(after.updated_at, greatest(clock_timestamp(), before.updated_at)) AS at,
                                            CASE WHEN after.id IS NULL THEN %5$s ELSE %6$s END AS subject,
                                            array_remove(ARRAY[%7$s], NULL) AS changes
                                        FROM %4$s
                                    ) AS changed
                                    RETURNING row_id, version, recorded_at, subject
                                )
                                INSERT INTO feed (recorded_at, changes, subjects)
                                SELECT
                                    recorded_at,
                                    jsonb_build_array(jsonb_build_object('entity', %2$L, 'id', row_id, 'version', version)),
                                    array_remove(ARRAY[subject], NULL)
                                FROM told ORDER BY version;
                                RETURN NULL;
                            END
                        $body$;
                    REVOKE ALL ON FUNCTION %1$I() FROM PUBLIC;
                    CREATE TRIGGER bsm_told_%3$s AFTER %3$s ON %8$I REFERENCING %9$s
                        FOR EACH STATEMENT WHEN (current_setting('bsm.command', true) IS DISTINCT FROM 'on')
                        EXECUTE FUNCTION %1$I()
                $make$,
                'bsm_told_' || told.name || '_' || source.does, told.entity, source.does, source.rows,
                format(told.subject, 'before'), format(told.subject, 'after'), changes, told.name, source.transition
            );
        END LOOP;
        EXECUTE format(
            $make$
                REVOKE ALL ON FUNCTION %2$I() FROM PUBLIC;
                CREATE TRIGGER bsm_by_hand BEFORE INSERT OR UPDATE ON %1$I
                    FOR EACH ROW WHEN (current_setting('bsm.command', true) IS DISTINCT FROM 'on')
                    EXECUTE FUNCTION bsm_by_hand(%3$L);
                CREATE TRIGGER bsm_rules BEFORE INSERT OR UPDATE ON %1$I
                    FOR EACH ROW WHEN (current_setting('bsm.command', true) IS DISTINCT FROM 'on')
                    EXECUTE FUNCTION %2$I();
                CREATE TRIGGER bsm_truncate BEFORE TRUNCATE ON %1$I
                    FOR EACH STATEMENT EXECUTE FUNCTION bsm_no_truncate()
            $make$,
            told.name, 'bsm_rules_' || told.name, told.entity
        );
    END LOOP;
END
$told$;
