-- Takes away what was made since the desk was filled, whoever made it. Rows from then on have ids above {mark}.

SET LOCAL session_replication_role = replica;
SET LOCAL search_path = {schema};

DELETE FROM tickets WHERE id > '{mark}';
DELETE FROM customer_service_requests WHERE id > '{mark}';
DELETE FROM history WHERE entity = 'ticket' AND row_id > '{mark}';
DELETE FROM history WHERE entity = 'request' AND row_id > '{mark}';
TRUNCATE feed, customer_feed;
