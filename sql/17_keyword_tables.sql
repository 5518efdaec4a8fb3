-- Tracked terms and where they were said.

-- A view, not rows: what is shipped comes with the extension, never with a dump.
CREATE VIEW vapi_internal.keyword_default AS
	SELECT k.category, k.term
	FROM (VALUES
		('objection', 'too expensive|much|pricey'),
		('objection', 'can not afford'),
		('objection', 'not in the|our|my budget'),
		('objection', 'not interested'),
		('objection', 'not a good time'),
		('objection', 'call me later'),
		('objection', 'have to|need to think about it'),
		('objection', 'already have|got|use|work'),
		('objection', 'talk~ to|with my wife|husband|partner|boss'),
		('objection', 'send me an email|something'),
		('objection', 'under contract'),
		('buying-signal', 'how much'),
		('buying-signal', 'how soon'),
		('buying-signal', 'how do i|we'),
		('buying-signal', 'sign up|me'),
		('buying-signal', 'set|book|schedule an|a appointment|demo|meeting|visit'),
		('buying-signal', 'sounds good|great|perfect'),
		('buying-signal', 'send me a|the|your contract|quote|proposal|estimate'),
		('buying-signal', 'free trial'),
		('buying-signal', 'credit card'),
		('buying-signal', 'when can you'),
		('price', 'price~|pricing'),
		('price', 'cost~'),
		('price', 'discount~'),
		('price', 'budget~'),
		('price', 'financing|financed|finance|installments'),
		('compliance', 'do not call'),
		('compliance', 'stop calling'),
		('compliance', 'take|remove me off|from'),
		('compliance', 'call is|may|will be? recorded'),
		('compliance', 'speak|talk to|with a human|person|manager|supervisor'),
		('greeting', 'hello|hi|hey'),
		('greeting', 'good morning|afternoon|evening|day'),
		('greeting', 'thank~ you? for calling'),
		('introduction', 'this is'),
		('introduction', 'my name is'),
		('introduction', 'calling|call from|with|about'),
		('introduction', 'on behalf of'),
		('next-step', 'set up'),
		('next-step', 'schedule|book|reserve|arrange'),
		('next-step', 'call|ring you back'),
		('next-step', 'follow up'),
		('next-step', 'send|email|text|mail you'),
		('next-step', 'transfer|connect|put you'),
		('next-step', 'next step~'),
		('next-step', 'what|which day|time'),
		('next-step', 'when would|works|is|can')) AS k(category, term);
COMMENT ON VIEW vapi_internal.keyword_default IS 'The terms that are tracked unless somebody takes them off. Competitors are one''s own to name.';

CREATE TABLE vapi_internal.keyword_choice
(
	category text COLLATE "C" NOT NULL CHECK (category ~ '^[a-z][a-z0-9-]{0,39}$'),
	term text COLLATE "C" NOT NULL CHECK (term <> ''),
	tracked boolean NOT NULL,
	set_at timestamptz NOT NULL,
	set_by text NOT NULL,
	PRIMARY KEY (category, term)
);
COMMENT ON TABLE vapi_internal.keyword_choice IS 'Terms that people added to the shipped ones, or took off (not tracked).';

CREATE TABLE vapi_internal.call_keyword
(
	call_id text COLLATE "C" NOT NULL,
	category text COLLATE "C" NOT NULL,
	term text COLLATE "C" NOT NULL,
	speaker text COLLATE "C" NOT NULL CHECK (speaker IN ('customer', 'agent')),
	created_at timestamptz,
	times integer NOT NULL CHECK (times > 0),
	hits jsonb NOT NULL,
	PRIMARY KEY (call_id, category, term, speaker)
);
COMMENT ON TABLE vapi_internal.call_keyword IS 'Which tracked terms a call has, one row a term and speaker. Written by vapi_internal.store_reading() only; made again after a restore.';
COMMENT ON COLUMN vapi_internal.call_keyword.created_at IS 'The call''s, so that a period''s terms are found without its calls.';
COMMENT ON COLUMN vapi_internal.call_keyword.hits IS 'The first five, each with turn, second and quote.';

CREATE INDEX call_keyword_created_at_idx ON vapi_internal.call_keyword (created_at);
