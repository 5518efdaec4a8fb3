-- Who listens to the live feed, and how far it is published.

CREATE TABLE vapi_internal.live_channel
(
	channel text COLLATE "C" PRIMARY KEY,
	audience text NOT NULL CHECK (audience IN ('viewer', 'agent')),
	assistant_ids text[],
	last_seq bigint NOT NULL,
	ends_at timestamptz NOT NULL
);
COMMENT ON TABLE vapi_internal.live_channel IS 'One row a channel of the live feed: everybody of one audience with one scope whose stream ends at one moment. Not dumped.';
COMMENT ON COLUMN vapi_internal.live_channel.assistant_ids IS 'Whose calls it carries, in order; NULL: all.';
COMMENT ON COLUMN vapi_internal.live_channel.last_seq IS 'The seq of the newest message of the channel, which the next one names as prev.';
COMMENT ON COLUMN vapi_internal.live_channel.ends_at IS 'When its streams end: then the channel is deleted in the live nginx, which closes them.';

CREATE TABLE vapi_internal.live_publisher
(
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	position bigint NOT NULL,
	heartbeat_at timestamptz,
	published_at timestamptz,
	failures integer NOT NULL DEFAULT 0,
	failing_since timestamptz,
	last_error text,
	retry_at timestamptz
);
COMMENT ON TABLE vapi_internal.live_publisher IS 'At most one row: how far change_feed is published, and how that fares. Not dumped.';
COMMENT ON COLUMN vapi_internal.live_publisher.position IS 'Changes up to here are published, or were passed over: then a heartbeat has clients read them.';
COMMENT ON COLUMN vapi_internal.live_publisher.last_error IS 'Why publishing failed last; NULL: it went well.';
