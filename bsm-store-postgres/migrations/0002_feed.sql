-- The feed can be read: whose numbering it is, whom each event concerns, and where it stands in their feeds.

-- What the desk is, in one row. Whoever reads the feed is told its epoch with every page, and begins anew when that
-- is another: an import gives a new one.

CREATE TABLE desk (
    one boolean CONSTRAINT desk_pkey PRIMARY KEY DEFAULT true CONSTRAINT desk_one_check CHECK (one),
    epoch bigint NOT NULL
);

CREATE FUNCTION bsm_new_epoch() RETURNS bigint
    LANGUAGE sql VOLATILE
    AS $$ SELECT ('x' || left(replace(gen_random_uuid()::text, '-', ''), 16))::bit(64)::bigint $$;

INSERT INTO desk (epoch) VALUES (bsm_new_epoch());

-- The customers whom an event concerns, each once: the subjects of what history tells of it. Each of them is given a
-- place when the event is given its position.

ALTER TABLE feed ADD COLUMN subjects uuid[] NOT NULL DEFAULT '{}';

UPDATE feed SET subjects = told.subjects
FROM (
    SELECT feed.id, array_agg(DISTINCT history.subject ORDER BY history.subject) AS subjects
    FROM feed
    CROSS JOIN LATERAL jsonb_array_elements(feed.changes) AS change
    JOIN history ON history.entity = change->>'entity' AND history.row_id = (change->>'id')::uuid
        AND history.version = (change->>'version')::bigint
    WHERE history.subject IS NOT NULL
    GROUP BY feed.id
) AS told
WHERE told.id = feed.id;

-- A customer's own numbering of what is theirs. The last place of each stays when its event is forgotten, so that the
-- next one follows it.

CREATE TABLE customer_feed (
    customer uuid NOT NULL,
    place bigint NOT NULL CHECK (place >= 1),
    position bigint NOT NULL,
    CONSTRAINT customer_feed_pkey PRIMARY KEY (customer, place),
    CONSTRAINT customer_feed_position_key UNIQUE (customer, position)
);
