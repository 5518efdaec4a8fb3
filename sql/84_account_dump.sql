-- Sessions are not dumped: whoever is signed in here is not in a copy.
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.account', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.account_account_id_seq', '');
