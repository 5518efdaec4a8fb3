-- The shipped rubric. A line "@include file" stands for that file's lines.

INSERT INTO vapi_internal.rubric_entry (version, list, position, key, value)
	SELECT 1, l.list, e.position, pg_catalog.split_part(e.line, E'\t', 1),
		pg_catalog.substr(e.line, pg_catalog.length(pg_catalog.split_part(e.line, E'\t', 1)) OPERATOR(pg_catalog.+) 2)
	FROM (VALUES
		('sentiment', $lines$
@include src/lexicon/sentiment.tsv
$lines$),
		('idioms', $lines$
@include src/lexicon/idioms.tsv
$lines$),
		('intensifiers', $lines$
@include src/lexicon/intensifiers.tsv
$lines$),
		('negators', $lines$
@include src/lexicon/negators.txt
$lines$),
		('contrasts', $lines$
@include src/lexicon/contrasts.txt
$lines$),
		('classes', $lines$
@include src/lexicon/classes.tsv
$lines$),
		('rules', $lines$
@include src/lexicon/rules.tsv
$lines$),
		('weights', $lines$
@include src/lexicon/weights.tsv
$lines$),
		('points', $lines$
@include src/lexicon/rubric.tsv
$lines$)) AS l(list, lines)
		CROSS JOIN LATERAL pg_catalog.string_to_table(pg_catalog.btrim(l.lines, E'\n'), E'\n') WITH ORDINALITY AS e(line, position);

-- The same everywhere: what is installed anew must equal what was dumped.
INSERT INTO vapi_internal.rubric (version, name, created_at, published_at, content_hash)
	VALUES (1, 'Default', '2026-11-30 00:00:00+00', '2026-11-30 00:00:00+00', vapi_internal.rubric_hash(1));
