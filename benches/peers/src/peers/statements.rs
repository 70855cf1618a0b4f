//! The SQL that is written by hand, for the peers who send SQL: tokio-postgres and sqlx. Names stand bare; the connection's
//! `search_path` is the schema.

/// Reads and holds a customer.
pub const PERSON: &str = "SELECT role, active FROM users WHERE id = $1 FOR SHARE";

/// Reads and holds a service.
pub const SERVICE: &str =
    "SELECT name, price, currency, needs_approval, active, version FROM customer_services WHERE id = $1 FOR SHARE";

/// Reads a request and holds it for a change.
pub const REQUEST: &str = "SELECT service_id, customer_id, details, status, needs_approval, ticket_id, version \
    FROM customer_service_requests WHERE id = $1 FOR NO KEY UPDATE";

/// Reads the service of a request and holds it, before its request is known: the request is held by the statement before.
pub const SERVICE_OF_REQUEST: &str = "SELECT service.name FROM customer_services AS service \
    WHERE service.id = (SELECT service_id FROM customer_service_requests WHERE id = $1) FOR SHARE OF service";

/// Makes a request.
pub const MAKE_REQUEST: &str = "INSERT INTO customer_service_requests (id, created_at, service_id, customer_id, details, \
    status, needs_approval, price, currency, rated, version, updated_at) \
    VALUES ($1, $2, $3, $4, $5, 'submitted', $6, $7, $8, false, 1, $2) RETURNING number";

/// Makes a ticket from a request.
pub const MAKE_TICKET: &str = "INSERT INTO tickets (id, created_at, title, description, status, impact, urgency, priority, \
    priority_overridden, category, channel, created_by, requested_for, request_id, reopen_count, version, updated_at) \
    VALUES ($1, $2, $3, $4, 'new', 'low', 'medium', 'low', false, 'customer_request', 'portal', $5, $6, $7, 0, 1, $2) \
    RETURNING number";

/// Takes a request up, at the version that it was read at.
pub const TAKE_UP: &str = "UPDATE customer_service_requests SET status = 'in_progress', ticket_id = $2, \
    version = version + 1, updated_at = $3 WHERE id = $1 AND version = $4";

/// Writes history of a submission.
pub const TELL_SUBMISSION: &str = "INSERT INTO history (entity, row_id, version, action, actor, occurred_at, recorded_at, \
    subject, changes) VALUES ('request', $1, 1, 'created', $2, $3, $3, $2, $4)";

/// Writes history of a conversion: the ticket's and the request's.
pub const TELL_CONVERSION: &str = "INSERT INTO history (entity, row_id, version, action, actor, occurred_at, recorded_at, \
    subject, changes) VALUES ('ticket', $4, 1, 'created', $1, $2, $2, $3, $5), ('request', $6, $7, 'changed', $1, $2, $2, $3, $8)";

/// Writes a line of the feed.
pub const FEED: &str = "INSERT INTO feed (recorded_at, changes, subjects) VALUES ($1, $2, $3)";

/// Counts a submission.
pub const COUNT_SUBMISSION: &str = "INSERT INTO counters AS old (family, names, shard, amount, scale) VALUES \
    ('requests', ARRAY['submitted'], pg_backend_pid() % 16, 1, 0), \
    ('service_usage', ARRAY[$1::uuid::text, 'submitted'], pg_backend_pid() % 16, 1, 0) \
    ON CONFLICT (family, names, shard) DO UPDATE SET amount = old.amount + excluded.amount";

/// Counts a conversion.
pub const COUNT_CONVERSION: &str = "INSERT INTO counters AS old (family, names, shard, amount, scale) \
    SELECT family, names, pg_backend_pid() % 16, amount, 0 FROM (VALUES \
    ('requests', ARRAY['in_progress'], 1), ('requests', ARRAY[$2::text], -1), \
    ('service_usage', ARRAY[$1::uuid::text, 'in_progress'], 1), ('service_usage', ARRAY[$1::uuid::text, $2::text], -1), \
    ('tickets', ARRAY['new'], 1)) AS given (family, names, amount) \
    WHERE $2 <> 'in_progress' OR family = 'tickets' ORDER BY family, names \
    ON CONFLICT (family, names, shard) DO UPDATE SET amount = old.amount + excluded.amount";

/// Leaves the counting to the triggers.
pub const BEGIN_COMMAND: &str = "BEGIN; SET LOCAL bsm.command = 'on'";

/// Reads a ticket, if whoever asks may.
pub const TICKET: &str = "SELECT ticket.* FROM tickets AS ticket, users AS actor \
    WHERE ticket.id = $2 AND actor.id = $1 AND actor.active AND actor.role IN ('admin', 'agent')";

/// Reads a page of everything behind an id: each half from its primary key, and names one by one (which `OFFSET 0` sees to; a
/// join would read all users, of whom the page names a few).
pub const PAGE: &str = "SELECT \
    (SELECT active AND role IN ('admin', 'agent') FROM users WHERE id = $1) AS admitted, \
    work.source, work.id, work.ticket_id, work.request_id, work.number, coalesce(work.title, service.name) AS title, \
    work.status, work.phase, work.priority, work.category, work.customer_id, customer.full_name AS customer_name, \
    customer.email AS customer_email, work.assigned_to, assignee.full_name AS assignee_name, \
    assignee.email AS assignee_email, work.service_id, work.created_at, work.updated_at \
    FROM (SELECT * FROM (\
    SELECT 'ticket'::text AS source, id, id AS ticket_id, request_id, number, title, status, phase, priority, category, \
    requested_for AS customer_id, assigned_to, NULL::uuid AS service_id, created_at, updated_at FROM tickets \
    UNION ALL \
    SELECT 'request'::text, id, ticket_id, id, number, NULL::text, status, phase, NULL::text, NULL::text, customer_id, \
    NULL::uuid, service_id, created_at, updated_at FROM customer_service_requests\
    ) AS everything WHERE id < $2 ORDER BY id DESC LIMIT 51) AS work \
    LEFT JOIN LATERAL (SELECT full_name, email FROM users WHERE id = work.customer_id OFFSET 0) AS customer ON true \
    LEFT JOIN LATERAL (SELECT full_name, email FROM users WHERE id = work.assigned_to OFFSET 0) AS assignee ON true \
    LEFT JOIN LATERAL (SELECT name FROM customer_services WHERE id = work.service_id OFFSET 0) AS service ON true \
    ORDER BY work.id DESC";

/// Reads a filtered page. The planner walks the primary key for it, and so looks at more rows than the index of statuses
/// would have it look at; there is no saying otherwise in plain SQL.
pub const FILTERED: &str = "SELECT \
    (SELECT active AND role IN ('admin', 'agent') FROM users WHERE id = $1) AS admitted, \
    'ticket'::text AS source, work.id, work.id AS ticket_id, work.request_id, work.number, work.title, work.status, \
    work.phase, work.priority, work.category, work.requested_for AS customer_id, customer.full_name AS customer_name, \
    customer.email AS customer_email, work.assigned_to, assignee.full_name AS assignee_name, \
    assignee.email AS assignee_email, NULL::uuid AS service_id, work.created_at, work.updated_at \
    FROM (SELECT * FROM tickets WHERE status = $2 AND channel = $3 ORDER BY id DESC LIMIT 51) AS work \
    LEFT JOIN LATERAL (SELECT full_name, email FROM users WHERE id = work.requested_for OFFSET 0) AS customer ON true \
    LEFT JOIN LATERAL (SELECT full_name, email FROM users WHERE id = work.assigned_to OFFSET 0) AS assignee ON true \
    ORDER BY work.id DESC";

/// Reads the totals. The families stand in the text, so that the planner knows how few of the counters they are.
pub const SUMMARY: &str = "SELECT \
    (SELECT active AND role IN ('admin', 'agent') FROM users WHERE id = $1) AS admitted, \
    family, names, sum(amount)::bigint AS amount FROM counters WHERE family IN \
    ('users', 'tickets', 'articles', 'services', 'requests', 'ratings', 'revenue') GROUP BY family, names";
