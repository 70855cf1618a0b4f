-- Counting: what a statement changes, commands' and psql's alike, is added to the counters when it ends.
--
-- Once a statement, not once a row: a row trigger writes one counter again and again within one transaction, each time
-- past all its older copies, so that an UPDATE of many rows takes the square of their number.
--
-- Functions run as their owner, with the path of the desk's schema, so that whoever may write a table need not be able to
-- write the counters. Nobody else may make triggers of them.

-- A shard of the counters that is this transaction's until it ends: the first that is free, from the backend's own on.
-- Two who add to one counter at once never wait for each other, and somebody with psql who leaves a transaction open
-- keeps no command waiting. Only if all shards are taken does one wait, and then holds all that it will ever need.

CREATE FUNCTION bsm_shard() RETURNS smallint
    LANGUAGE plpgsql VOLATILE
    AS $$
        DECLARE
            desk constant integer := hashtext('bsm counters ' || current_schema());
            shard integer := pg_backend_pid() % 16;
        BEGIN
            FOR looked IN 1..16 LOOP
                IF pg_try_advisory_xact_lock(desk, shard) THEN
                    RETURN shard;
                END IF;
                shard := (shard + 1) % 16;
            END LOOP;
            PERFORM pg_advisory_xact_lock(desk, shard);
            RETURN shard;
        END
    $$;

DO $counting$
DECLARE
    counted record;
    source record;
BEGIN
    FOR counted IN
        -- What a row adds: the counter's family, the values that name it within that, how much, and the decimals in it.
        SELECT * FROM (VALUES
            ('users', $$('users', ARRAY[role, active::text], 1, 0)$$),
            ('tickets', $$('tickets', ARRAY[status], 1, 0)$$),
            ('knowledge_base', $$('articles', ARRAY[status], 1, 0)$$),
            ('customer_services', $$('services', ARRAY[active::text], 1, 0)$$),
            ('customer_service_requests', $$
                ('requests', ARRAY[status], 1, 0),
                ('service_usage', ARRAY[service_id::text, status], 1, 0),
                (
                    'revenue', ARRAY[currency],
                    CASE WHEN status = 'fulfilled' THEN trunc(price * 10 ^ bsm_currency_scale(currency)::numeric) ELSE 0 END,
                    bsm_currency_scale(currency)
                )
            $$),
            ('customer_ratings', $$
                ('ratings', ARRAY[rating::text], 1, 0),
                ('service_ratings', ARRAY[service_id::text, rating::text], 1, 0)
            $$)
        ) AS tables (name, adds)
    LOOP
        FOR source IN
            SELECT * FROM (VALUES
                ('insert', 'NEW TABLE AS after', 'SELECT 1 AS sign, * FROM after'),
                ('delete', 'OLD TABLE AS before', 'SELECT -1 AS sign, * FROM before'),
                (
                    'update', 'OLD TABLE AS before NEW TABLE AS after',
                    'SELECT 1 AS sign, * FROM after UNION ALL SELECT -1, * FROM before'
                )
            ) AS kinds (does, transition, rows)
        LOOP
            -- Nothing is written where nothing changes, and no shard is taken. In the order of the keys.
            EXECUTE format(
                $make$
                    CREATE FUNCTION %1$I() RETURNS trigger
                        LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
                        AS $body$
                            BEGIN
                                INSERT INTO counters AS held (family, names, shard, amount, scale)
                                SELECT family, names, (SELECT bsm_shard()), sum(sign * amount), scale
                                FROM (%2$s) AS changed CROSS JOIN LATERAL (
                                    SELECT family COLLATE "C", names COLLATE "C", amount::numeric, scale
                                    FROM (VALUES %3$s) AS given (family, names, amount, scale)
                                ) AS counted (family, names, amount, scale)
                                GROUP BY family, names, scale
                                HAVING sum(sign * amount) <> 0
                                ORDER BY family, names
                                ON CONFLICT (family, names, shard) DO UPDATE SET amount = held.amount + excluded.amount;
                                RETURN NULL;
                            END
                        $body$;
                    REVOKE ALL ON FUNCTION %1$I() FROM PUBLIC;
                    CREATE TRIGGER bsm_count_%4$s AFTER %4$s ON %5$I REFERENCING %6$s
                        FOR EACH STATEMENT EXECUTE FUNCTION %1$I()
                $make$,
                'bsm_count_' || counted.name || '_' || source.does, source.rows, counted.adds, source.does, counted.name,
                source.transition
            );
        END LOOP;
    END LOOP;
END
$counting$;
