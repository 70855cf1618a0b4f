-- What is written by hand is brought into the form in which a desk keeps it, before it is written, or refused.
--
-- By hand is whatever does not say `SET LOCAL bsm.command = 'on'`, as our own transactions do. That is a word between
-- friends and no lock: whoever may write the tables may say it too, and then keeps versions, history and the feed themselves.
--
-- Here stand the rules of bsm-core for one row (`transfer/accept.rs`): what an import would take. Who may make which move is
-- the portals' to say, and so is what follows from it for other rows.

CREATE FUNCTION bsm_refuse(of_table text, field text, reason text, advice text DEFAULT '') RETURNS void
    LANGUAGE plpgsql
    AS $$
        BEGIN
            RAISE EXCEPTION USING
                ERRCODE = 'check_violation', MESSAGE = format('%s.%s %s', of_table, field, reason), HINT = advice,
                SCHEMA = current_schema(), TABLE = of_table, COLUMN = field, CONSTRAINT = of_table || '_by_hand';
        END
    $$;

-- The creation time that an id carries: the 12 bits behind the milliseconds are 4096ths of one.

CREATE FUNCTION bsm_time_of(id uuid) RETURNS timestamptz
    LANGUAGE sql STABLE STRICT
    AS $$
        SELECT timestamptz 'epoch' + interval '1 microsecond' * (
            ('x' || left(hex, 12))::bit(48)::bigint * 1000 + (('x' || substr(hex, 14, 3))::bit(12)::integer * 1000 + 4095) / 4096
        )
        FROM replace(id::text, '-', '') AS hex
    $$;

-- A new id of something created at a time.

CREATE FUNCTION bsm_new_id(at timestamptz) RETURNS uuid
    LANGUAGE sql VOLATILE STRICT
    AS $$
        SELECT (
            lpad(to_hex(((micros / 1000) << 16) | 28672 | (micros % 1000) * 4096 / 1000), 16, '0')
            || right(replace(gen_random_uuid()::text, '-', ''), 16)
        )::uuid
        FROM (SELECT (extract(epoch FROM at) * 1000000)::bigint AS micros) AS time
    $$;

-- What every row has. A deleted id that is written anew goes on where its history ends.

CREATE FUNCTION bsm_by_hand() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        DECLARE
            now constant timestamptz := clock_timestamp();
            given bigint;
        BEGIN
            IF TG_OP = 'INSERT' THEN
                NEW.version := 1;
                NEW.updated_at := now;
                IF NEW.id IS NULL THEN
                    NEW.id := bsm_new_id(coalesce(NEW.created_at, now));
                ELSIF NEW.id::text !~ '^.{14}7.{4}[89ab]' THEN
                    PERFORM bsm_refuse(TG_TABLE_NAME, 'id', 'is no UUID of version 7', 'Leave it out, and the desk makes one.');
                ELSE
                    NEW.version := (
                        SELECT coalesce(max(version), 0) + 1 FROM history WHERE entity = TG_ARGV[0] AND row_id = NEW.id
                    );
                END IF;
                NEW.created_at := coalesce(NEW.created_at, bsm_time_of(NEW.id));
                IF NEW.created_at <> bsm_time_of(NEW.id) THEN
                    PERFORM bsm_refuse(
                        TG_TABLE_NAME, 'created_at', 'is not the time that the id carries', 'Leave out one of the two.'
                    );
                END IF;
                IF TG_TABLE_NAME IN ('tickets', 'customer_service_requests') THEN
                    given := bsm_last_number(TG_TABLE_NAME);
                    IF NEW.number NOT BETWEEN 1 AND given THEN
                        PERFORM bsm_refuse(
                            TG_TABLE_NAME, 'number', format('is not one of 1 to %s, which were given so far', given),
                            'Leave it out, and the desk gives the next.'
                        );
                    END IF;
                END IF;
                RETURN NEW;
            END IF;
            NEW.version := OLD.version + 1;
            NEW.updated_at := greatest(now, OLD.updated_at);
            IF NEW.id <> OLD.id OR NEW.created_at <> OLD.created_at THEN
                PERFORM bsm_refuse(
                    TG_TABLE_NAME, CASE WHEN NEW.id <> OLD.id THEN 'id' ELSE 'created_at' END, 'can not be changed',
                    'Others name the row by its id, which carries its time. Make a new row.'
                );
            END IF;
            IF TG_TABLE_NAME IN ('tickets', 'customer_service_requests') THEN
                IF NEW.number <> OLD.number THEN
                    PERFORM bsm_refuse(TG_TABLE_NAME, 'number', 'can not be changed', 'People know the row by it.');
                END IF;
            END IF;
            RETURN NEW;
        END
    $$;

-- The number that was given last.

CREATE FUNCTION bsm_last_number(of_table text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    AS $$
        BEGIN
            IF of_table = 'tickets' THEN
                RETURN (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM tickets_number_seq);
            END IF;
            RETURN (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM customer_service_requests_number_seq);
        END
    $$;

-- A text as the desk keeps it: trimmed, with `\n` for line breaks, which only texts of several lines may have.

DO $text$
DECLARE
    blanks text := E' \t\n\r\f\v';
    code integer;
BEGIN
    -- All that Unicode calls white space, where the server knows it.
    IF getdatabaseencoding() = 'UTF8' THEN
        FOREACH code IN ARRAY ARRAY[
            133, 160, 5760, 8192, 8193, 8194, 8195, 8196, 8197, 8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288
        ] LOOP
            blanks := blanks || chr(code);
        END LOOP;
    END IF;
    EXECUTE format(
        $make$
            CREATE FUNCTION bsm_text(of_table text, field text, given text, most integer, may text) RETURNS text
                LANGUAGE plpgsql
                AS $body$
                    DECLARE
                        kept constant text := btrim(CASE WHEN may = 'line' THEN given ELSE replace(given, E'\r\n', E'\n') END, %L);
                    BEGIN
                        IF kept = '' AND may <> 'be empty' THEN
                            PERFORM bsm_refuse(of_table, field, 'is empty', 'NULL says that there is none, where there may be none.');
                        ELSIF char_length(kept) > most THEN
                            PERFORM bsm_refuse(of_table, field, format('is longer than %%s characters', most));
                        ELSIF kept ~ '[\u0001-\u001f\u007f-\u009f]' AND (
                            may = 'line' OR translate(kept, E'\n\t', '') ~ '[\u0001-\u001f\u007f-\u009f]'
                        ) THEN
                            PERFORM bsm_refuse(of_table, field, 'holds a control character');
                        END IF;
                        RETURN kept;
                    END
                $body$
        $make$,
        blanks
    );
END
$text$;

-- A time that goes with a state: set, if nobody says another, when the row comes into it, and emptied when it leaves.

CREATE FUNCTION bsm_time_with(
    of_table text, field text, holds boolean, given timestamptz, before timestamptz, now timestamptz
) RETURNS timestamptz
    LANGUAGE plpgsql
    AS $$
        BEGIN
            IF holds THEN
                RETURN coalesce(given, now);
            ELSIF given <> before OR before IS NULL AND given IS NOT NULL THEN
                PERFORM bsm_refuse(of_table, field, 'does not go with the status');
            END IF;
            RETURN NULL;
        END
    $$;

-- The priority that follows from impact and urgency.

CREATE FUNCTION bsm_priority_of(impact text, urgency text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT
    AS $$
        SELECT (ARRAY['critical', 'high', 'moderate', 'low', 'low'])[
            array_position(ARRAY['high', 'medium', 'low'], impact COLLATE "C")
            + array_position(ARRAY['high', 'medium', 'low'], urgency COLLATE "C") - 1
        ]
    $$;

CREATE FUNCTION bsm_rules_users() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            NEW.full_name := bsm_text('users', 'full_name', NEW.full_name, 120, 'line');
            NEW.email := lower(bsm_text('users', 'email', NEW.email, 254, 'line'));
            IF NEW.email !~ '^[^@[:space:]"]+@[^@[:space:]"\[\]]+\.[^@[:space:]".\[\]]+$' THEN
                PERFORM bsm_refuse('users', 'email', 'is no email address');
            END IF;
            NEW.external_ref := bsm_text('users', 'external_ref', NEW.external_ref, 128, 'line');
            RETURN NEW;
        END
    $$;

CREATE FUNCTION bsm_rules_tickets() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        DECLARE
            follows constant text := bsm_priority_of(NEW.impact, NEW.urgency);
        BEGIN
            NEW.title := bsm_text('tickets', 'title', NEW.title, 200, 'line');
            NEW.description := bsm_text('tickets', 'description', NEW.description, 20000, 'be empty');
            NEW.category := bsm_text('tickets', 'category', NEW.category, 64, 'line');
            NEW.subcategory := bsm_text('tickets', 'subcategory', NEW.subcategory, 64, 'line');
            NEW.assignment_group := bsm_text('tickets', 'assignment_group', NEW.assignment_group, 64, 'line');
            NEW.external_ref := bsm_text('tickets', 'external_ref', NEW.external_ref, 128, 'line');
            -- Whoever sets a priority that does not follow sets it by hand, which is said; otherwise it follows.
            NEW.priority := coalesce(NEW.priority, follows);
            NEW.priority_overridden := coalesce(NEW.priority_overridden, NEW.priority <> follows);
            IF NEW.priority <> follows AND NOT NEW.priority_overridden THEN
                IF NEW.priority = OLD.priority THEN
                    NEW.priority := follows;
                ELSIF NOT OLD.priority_overridden THEN
                    NEW.priority_overridden := true;
                ELSE
                    PERFORM bsm_refuse(
                        'tickets', 'priority', format('does not follow from impact and urgency: that would be %s', follows),
                        'Set priority_overridden as well.'
                    );
                END IF;
            END IF;
            IF OLD.status = 'resolved' AND NEW.status = 'in_progress' AND NEW.reopen_count = OLD.reopen_count THEN
                NEW.reopen_count := OLD.reopen_count + 1;
            END IF;
            NEW.resolved_at := bsm_time_with(
                'tickets', 'resolved_at', NEW.status IN ('resolved', 'closed'), NEW.resolved_at, OLD.resolved_at, NEW.updated_at
            );
            NEW.closed_at := bsm_time_with(
                'tickets', 'closed_at', NEW.status = 'closed', NEW.closed_at, OLD.closed_at, NEW.updated_at
            );
            RETURN NEW;
        END
    $$;

CREATE FUNCTION bsm_rules_knowledge_base() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            NEW.title := bsm_text('knowledge_base', 'title', NEW.title, 200, 'line');
            NEW.body := bsm_text('knowledge_base', 'body', NEW.body, 100000, 'have lines');
            NEW.category := bsm_text('knowledge_base', 'category', NEW.category, 64, 'line');
            IF NEW.status = 'published' THEN
                NEW.published_at := coalesce(NEW.published_at, NEW.updated_at);
            END IF;
            RETURN NEW;
        END
    $$;

CREATE FUNCTION bsm_rules_customer_services() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            NEW.name := bsm_text('customer_services', 'name', NEW.name, 200, 'line');
            NEW.description := bsm_text('customer_services', 'description', NEW.description, 20000, 'be empty');
            NEW.category := bsm_text('customer_services', 'category', NEW.category, 64, 'line');
            NEW.price := bsm_price('customer_services', NEW.price, NEW.currency);
            RETURN NEW;
        END
    $$;

-- A price, with the decimals of its currency.

CREATE FUNCTION bsm_price(of_table text, price numeric, currency text) RETURNS numeric
    LANGUAGE plpgsql
    AS $$
        DECLARE
            scale constant integer := bsm_currency_scale(currency);
        BEGIN
            IF scale IS NULL AND currency IS NOT NULL THEN
                PERFORM bsm_refuse(of_table, 'currency', 'is no currency code of ISO 4217');
            ELSIF price NOT BETWEEN 0 AND 1000000000 THEN
                PERFORM bsm_refuse(of_table, 'price', 'is not between 0 and 1000000000');
            ELSIF price <> round(price, scale) THEN
                PERFORM bsm_refuse(of_table, 'price', format('has more decimals than the %s of its currency', scale));
            END IF;
            RETURN round(price, scale);
        END
    $$;

CREATE FUNCTION bsm_rules_customer_service_requests() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        DECLARE
            of_table constant text := 'customer_service_requests';
            agrees boolean;
        BEGIN
            NEW.details := bsm_text(of_table, 'details', NEW.details, 20000, 'be empty');
            NEW.external_ref := bsm_text(of_table, 'external_ref', NEW.external_ref, 128, 'line');
            NEW.price := bsm_price(of_table, NEW.price, NEW.currency);
            NEW.fulfilled_at := bsm_time_with(
                of_table, 'fulfilled_at', NEW.status = 'fulfilled', NEW.fulfilled_at, OLD.fulfilled_at, NEW.updated_at
            );
            NEW.rated := coalesce(NEW.rated, false) OR NEW.rating_id IS DISTINCT FROM OLD.rating_id AND NEW.rating_id IS NOT NULL;
            IF NEW.rated AND NEW.status <> 'fulfilled' THEN
                PERFORM bsm_refuse(of_table, 'rated', 'does not go with the status: only what is fulfilled is rated');
            ELSIF NEW.rating_id IS NOT NULL AND NOT NEW.rated THEN
                PERFORM bsm_refuse(of_table, 'rated', 'does not go with a rating that is there');
            ELSIF NEW.status = 'scheduled' AND NEW.scheduled_for IS NULL THEN
                PERFORM bsm_refuse(of_table, 'scheduled_for', 'is missing: when is it scheduled for?');
            ELSIF NEW.status = 'approved' AND NOT NEW.needs_approval THEN
                PERFORM bsm_refuse(of_table, 'status', 'does not go with a service that needs no approval');
            END IF;
            IF (NEW.rating_id, NEW.service_id, NEW.customer_id) IS DISTINCT FROM (OLD.rating_id, OLD.service_id, OLD.customer_id)
            THEN
                -- Held still, so that neither is changed while the other is.
                SELECT (service_id, customer_id) = (NEW.service_id, NEW.customer_id) INTO agrees
                FROM customer_ratings WHERE id = NEW.rating_id FOR SHARE;
                IF NOT agrees THEN
                    PERFORM bsm_refuse(of_table, 'rating_id', 'names a rating of another service or by another customer');
                END IF;
            END IF;
            RETURN NEW;
        END
    $$;

CREATE FUNCTION bsm_rules_customer_ratings() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        DECLARE
            agrees boolean;
        BEGIN
            NEW.review := bsm_text('customer_ratings', 'review', NEW.review, 4000, 'be empty');
            IF (NEW.service_id, NEW.customer_id) IS DISTINCT FROM (OLD.service_id, OLD.customer_id) THEN
                SELECT (service_id, customer_id) = (NEW.service_id, NEW.customer_id) INTO agrees
                FROM customer_service_requests WHERE rating_id = NEW.id FOR SHARE;
                IF NOT agrees THEN
                    PERFORM bsm_refuse('customer_ratings', 'service_id', 'and customer_id are those of the request that is rated');
                END IF;
            END IF;
            RETURN NEW;
        END
    $$;

CREATE FUNCTION bsm_rules_ticket_notes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            NEW.body := bsm_text('ticket_notes', 'body', NEW.body, 20000, 'have lines');
            RETURN NEW;
        END
    $$;

-- A request and the ticket that was made from it name each other. Looked at when the transaction ends, since they are
-- written one after the other.

CREATE FUNCTION bsm_linked() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            IF TG_TABLE_NAME = 'tickets' THEN
                PERFORM FROM tickets AS ticket WHERE ticket.id = NEW.id AND ticket.request_id IS NOT NULL AND NOT EXISTS (
                    SELECT FROM customer_service_requests WHERE id = ticket.request_id AND ticket_id = ticket.id
                ) UNION ALL SELECT FROM customer_service_requests AS request WHERE request.ticket_id = NEW.id AND NOT EXISTS (
                    SELECT FROM tickets WHERE id = request.ticket_id AND request_id = request.id
                );
            ELSE
                PERFORM FROM customer_service_requests AS request
                WHERE request.id = NEW.id AND request.ticket_id IS NOT NULL AND NOT EXISTS (
                    SELECT FROM tickets WHERE id = request.ticket_id AND request_id = request.id
                ) UNION ALL SELECT FROM tickets AS ticket WHERE ticket.request_id = NEW.id AND NOT EXISTS (
                    SELECT FROM customer_service_requests WHERE id = ticket.request_id AND ticket_id = ticket.id
                );
            END IF;
            IF FOUND THEN
                PERFORM bsm_refuse(
                    TG_TABLE_NAME, TG_ARGV[0], 'names a row that does not name this one, or is named by one that it does not name',
                    'Write both within one transaction: tickets.request_id and customer_service_requests.ticket_id.'
                );
            END IF;
            RETURN NULL;
        END
    $$;

CREATE CONSTRAINT TRIGGER bsm_linked_insert AFTER INSERT ON tickets DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.request_id IS NOT NULL AND current_setting('bsm.command', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION bsm_linked('request_id');
CREATE CONSTRAINT TRIGGER bsm_linked_update AFTER UPDATE OF request_id ON tickets DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (current_setting('bsm.command', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION bsm_linked('request_id');
CREATE CONSTRAINT TRIGGER bsm_linked_insert AFTER INSERT ON customer_service_requests DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.ticket_id IS NOT NULL AND current_setting('bsm.command', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION bsm_linked('ticket_id');
CREATE CONSTRAINT TRIGGER bsm_linked_update AFTER UPDATE OF ticket_id ON customer_service_requests
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (current_setting('bsm.command', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION bsm_linked('ticket_id');

CREATE FUNCTION bsm_no_truncate() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        BEGIN
            RAISE EXCEPTION USING
                ERRCODE = 'feature_not_supported',
                MESSAGE = format('%s can not be truncated: nothing would be counted and told of it', TG_TABLE_NAME),
                HINT = 'DELETE the rows; or drop the schema, and the next who opens the desk makes it anew.';
        END
    $$;

REVOKE ALL ON FUNCTION bsm_by_hand(), bsm_linked() FROM PUBLIC;
