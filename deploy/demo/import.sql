-- One import with visible progress: NOTICEs while it runs, then the run's row.
-- Variables from and to: instants, set by the calling script.
\pset footer off
\x on
SELECT * FROM vapi.vapi_sync("from" => :'from'::timestamptz, "to" => :'to'::timestamptz);
