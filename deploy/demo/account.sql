-- The first admin. Prints its password when it is made now, else an empty line. Variable login: set by the calling script.
SELECT CASE WHEN EXISTS (SELECT FROM vapi.accounts WHERE accounts.login = lower(:'login')) THEN ''
	ELSE vapi.vapi_create_account(:'login', 'vapi_admin') END;
