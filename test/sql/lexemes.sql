-- Words and lexemes: as the scorer reads them, and as to_tsvector has them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;

-- 1. All words of the sentiment's list that are words as they stand (ok is written out as okay); a stop word is none to to_tsvector, and itself here.
SELECT count(*) > 3000 AS words,
	count(*) FILTER (WHERE w.lexemes <> coalesce(nullif(tsvector_to_array(to_tsvector('pg_catalog.english', w.word)), '{}'), ARRAY[w.word])) AS other_lexemes
FROM (SELECT e.key AS word, vapi_internal.lexemes(e.key) AS lexemes FROM vapi_internal.rubric_entry e
	WHERE e.version = 1 AND e.list = 'sentiment' AND e.key ~ '^[a-z]+$' AND e.key <> 'ok') AS w
WHERE cardinality(w.lexemes) = 1;

-- 2. Whole sentences.
SELECT t.spoken, (SELECT array_agg(DISTINCT l COLLATE "C" ORDER BY l COLLATE "C") FROM unnest(vapi_internal.lexemes(t.spoken)) AS l
		WHERE ts_lexize('pg_catalog.english_stem', l) IS DISTINCT FROM '{}')
	= (SELECT array_agg(l COLLATE "C" ORDER BY l COLLATE "C") FROM unnest(tsvector_to_array(to_tsvector('pg_catalog.english', t.spoken))) AS l) AS same
FROM (VALUES ('The roofers measured our leaking gutters twice and promised cheaper estimates.'),
	('She was hoping to schedule meetings with the committee''s treasurers before deciding anything.'),
	('Generally speaking, communities value generous, reliable and friendly companies.'),
	('Dying batteries, skis, news, outings and early risers!'),
	('Ça coûte très cher, naïve señor Müller')) AS t(spoken);
SELECT vapi_internal.lexemes('We won''t be calling, um, the the two companies'), vapi_internal.lexemes(''), vapi_internal.lexemes(repeat('x', 100));

-- 3. Lexemes that the unit tests' own stemmer is held against (test/unit/test_stem.c reads this file's expected output).
\pset format unaligned
\pset tuples_only on
SELECT w.word, coalesce((ts_lexize('pg_catalog.english_stem', w.word))[1], '')
FROM (SELECT e.key AS word FROM vapi_internal.rubric_entry e WHERE e.version = 1 AND e.list = 'sentiment' AND e.position % 7 = 0 AND e.key ~ '^[a-z]+$'
	UNION
	SELECT unnest(regexp_split_to_array('skis skies dying lying tying idly gently ugly early only singly sky news inning outings herring proceed exceeded
		succeeding generate generously communism arsenal the having being don ied ties cries cried agreed agreedly plotting hopped hoping falling filed
		controlling sized conflated troubling happy cry by say enjoyed playing rationalization valenci hesitanci conformabli radically operator feudalism
		decisiveness hopefulness callousness formaliti sensitiviti sensibiliti apologist geologi hopefulli endlessli badly triplicate formative formalize
		electriciti electrical hopeful goodness revival allowance inference airliner gyroscopic adjustable defensible irritant replacement adjustment dependent
		adoption homologou communism activate angulariti homologous effective bowdlerize probate rate cease controll roll yes yoyo boy youth abbey bed shed
		bead embed beds gaps kiwis gas this gyms caress ponies caresses cats succeed bookings booked quoting quotation pricing prices decision decide'
		, '\s+'))) AS w
WHERE w.word ~ '^[a-z]+$'
ORDER BY w.word COLLATE "C";
