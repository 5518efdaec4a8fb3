-- Deliveries and what they go to, for admins of all assistants.

CREATE VIEW vapi.deliveries WITH (security_barrier) AS
	SELECT o.outbox_id AS delivery_id, o.destination, o.kind, o.event, o.call_id, o.prospect_id, o.follow_up_id, o.invoice_id, o.state, o.attempts,
		CASE WHEN o.state IN ('pending', 'uncertain') THEN o.run_at END AS next_attempt_at, o.last_status, o.last_error,
		o.vendor_id, o.vendor_url, o.created_at, o.finished_at
	FROM vapi_internal.outbox o
	WHERE (SELECT vapi_internal.may('sync')) AND (SELECT vapi_internal.scope()) IS NULL;
COMMENT ON VIEW vapi.deliveries IS 'One row a thing and destination: what waits to be delivered, what was, and what was given up.';
COMMENT ON COLUMN vapi.deliveries.delivery_id IS 'For vapi_replay_delivery and vapi_discard_delivery.';
COMMENT ON COLUMN vapi.deliveries.destination IS 'As in destinations.';
COMMENT ON COLUMN vapi.deliveries.kind IS 'issue and project: Linear; time_entry and invoice: FreshBooks; event: a webhook.';
COMMENT ON COLUMN vapi.deliveries.event IS 'Of a webhook: which event.';
COMMENT ON COLUMN vapi.deliveries.call_id IS 'The call that it is about; NULL once that is erased.';
COMMENT ON COLUMN vapi.deliveries.prospect_id IS 'The prospect that it is about.';
COMMENT ON COLUMN vapi.deliveries.follow_up_id IS 'The follow-up that it is about.';
COMMENT ON COLUMN vapi.deliveries.invoice_id IS 'The draft that it is about, as in invoices.';
COMMENT ON COLUMN vapi.deliveries.state IS 'pending; sending; uncertain: the other side may have it, so it is looked for before it is sent again; delivered; dead: given up; discarded.';
COMMENT ON COLUMN vapi.deliveries.attempts IS 'How often it was sent; waiting for a rate limit, a circuit breaker or an authorisation is no attempt.';
COMMENT ON COLUMN vapi.deliveries.next_attempt_at IS 'Not before that; infinity: until somebody does what last_error asks for.';
COMMENT ON COLUMN vapi.deliveries.last_status IS 'HTTP status of the last answer; 0: there was none.';
COMMENT ON COLUMN vapi.deliveries.last_error IS 'Why it is not delivered yet.';
COMMENT ON COLUMN vapi.deliveries.vendor_id IS 'What the other side calls the thing.';
COMMENT ON COLUMN vapi.deliveries.vendor_url IS 'Where it is on the other side''s pages.';
COMMENT ON COLUMN vapi.deliveries.created_at IS 'When it was written.';
COMMENT ON COLUMN vapi.deliveries.finished_at IS 'When it was delivered or given up.';

CREATE VIEW vapi.destinations WITH (security_barrier) AS
	SELECT d.destination, d.kind,
		CASE WHEN NOT d.enabled THEN 'off' WHEN c.needs_authorization IS NOT NULL THEN 'needs authorisation' WHEN s.refused_stamp IS NOT NULL THEN 'key refused'
			WHEN s.open_until > now() OR s.failures >= 5 THEN 'cannot be reached' WHEN s.limited_until > now() THEN 'rate limited' ELSE 'ok' END AS state,
		coalesce(d.disabled_why, c.needs_authorization, s.refused_why, CASE WHEN s.failures > 0 THEN s.last_error END) AS problem,
		vapi_internal.bare_url(d.url) AS url, d.events, d.options, c.business_name, d.former_until, w.waiting, w.oldest_at, w.dead, s.last_ok_at, s.last_error_at, d.created_at
	FROM vapi_internal.destination d
		LEFT JOIN vapi_internal.destination_state s ON s.destination = d.destination
		LEFT JOIN vapi_internal.freshbooks_connection c ON d.kind = 'freshbooks'
		CROSS JOIN LATERAL (
			SELECT count(*) FILTER (WHERE o.state <> 'dead') AS waiting, min(o.created_at) FILTER (WHERE o.state <> 'dead') AS oldest_at,
				count(*) FILTER (WHERE o.state = 'dead') AS dead
			FROM vapi_internal.outbox o WHERE o.destination = d.destination AND o.state IN ('pending', 'sending', 'uncertain', 'dead')) w
	WHERE (SELECT vapi_internal.may('sync')) AND (SELECT vapi_internal.scope()) IS NULL;
COMMENT ON VIEW vapi.destinations IS 'Where deliveries go, and how each fares.';
COMMENT ON COLUMN vapi.destinations.destination IS 'linear, freshbooks, or a webhook''s name.';
COMMENT ON COLUMN vapi.destinations.kind IS 'linear, freshbooks or webhook.';
COMMENT ON COLUMN vapi.destinations.state IS 'ok; off; needs authorisation: a person has to authorise it again; key refused; cannot be reached: its circuit breaker is open or one delivery tries it; rate limited.';
COMMENT ON COLUMN vapi.destinations.problem IS 'Why; NULL: it is well.';
COMMENT ON COLUMN vapi.destinations.url IS 'Of a webhook, without its query.';
COMMENT ON COLUMN vapi.destinations.events IS 'Of a webhook: which events it gets.';
COMMENT ON COLUMN vapi.destinations.options IS 'What is delivered and how fast.';
COMMENT ON COLUMN vapi.destinations.business_name IS 'Of FreshBooks: the business it is connected with.';
COMMENT ON COLUMN vapi.destinations.former_until IS 'Of a webhook: until then the former key signs, too.';
COMMENT ON COLUMN vapi.destinations.waiting IS 'Deliveries that wait.';
COMMENT ON COLUMN vapi.destinations.oldest_at IS 'When the oldest of them was written.';
COMMENT ON COLUMN vapi.destinations.dead IS 'Deliveries that were given up.';
COMMENT ON COLUMN vapi.destinations.last_ok_at IS 'When one last arrived.';
COMMENT ON COLUMN vapi.destinations.last_error_at IS 'When one last did not.';
COMMENT ON COLUMN vapi.destinations.created_at IS 'Since when it is there.';

CREATE VIEW vapi.linear_mappings WITH (security_barrier) AS
	SELECT m.assistant_id, a.name AS assistant_name, m.team_id, m.project_id, m.label_ids, m.assignee_id, m.project_status, m.changed_at
	FROM vapi_internal.linear_mapping m LEFT JOIN vapi_internal.assistant a ON a.assistant_id = m.assistant_id
	WHERE (SELECT vapi_internal.may('sync')) AND (SELECT vapi_internal.scope()) IS NULL;
COMMENT ON VIEW vapi.linear_mappings IS 'Where the issues of which assistant''s calls go in Linear.';
COMMENT ON COLUMN vapi.linear_mappings.assistant_id IS 'Empty: all that have no row of their own.';
COMMENT ON COLUMN vapi.linear_mappings.assistant_name IS 'Its name at Vapi.';
COMMENT ON COLUMN vapi.linear_mappings.team_id IS 'Linear''s id of the team.';
COMMENT ON COLUMN vapi.linear_mappings.project_id IS 'Linear''s id of the project; NULL: none.';
COMMENT ON COLUMN vapi.linear_mappings.label_ids IS 'Linear''s ids of labels that new issues get.';
COMMENT ON COLUMN vapi.linear_mappings.assignee_id IS 'Linear''s id of who new issues are assigned to; NULL: nobody.';
COMMENT ON COLUMN vapi.linear_mappings.project_status IS 'Type of status that a qualified lead moves the project on to; NULL: it is left alone.';
COMMENT ON COLUMN vapi.linear_mappings.changed_at IS 'When it was last changed.';

CREATE VIEW vapi.billing_reviews WITH (security_barrier) AS
	SELECT r.subject, p.name AS prospect_name, p.company, r.candidates,
		(SELECT count(*) FROM vapi_internal.call c JOIN vapi_internal.outbox o ON o.call_id = c.call_id
			WHERE c.prospect_id = p.prospect_id AND o.kind = 'time_entry' AND o.state = 'pending') AS waiting, r.created_at
	FROM vapi_internal.billing_review r LEFT JOIN vapi_internal.prospect p ON 'prospect:' || p.prospect_id = r.subject
	WHERE (SELECT vapi_internal.may('sync')) AND (SELECT vapi_internal.scope()) IS NULL;
COMMENT ON VIEW vapi.billing_reviews IS 'Whose calls wait until a person chooses the client of FreshBooks to bill: vapi_match_client.';
COMMENT ON COLUMN vapi.billing_reviews.subject IS 'prospect: or assistant: and its id.';
COMMENT ON COLUMN vapi.billing_reviews.prospect_name IS 'The prospect''s name.';
COMMENT ON COLUMN vapi.billing_reviews.company IS 'The prospect''s company.';
COMMENT ON COLUMN vapi.billing_reviews.candidates IS 'Clients that may be meant: id and organization.';
COMMENT ON COLUMN vapi.billing_reviews.waiting IS 'Calls with the prospect that wait.';
COMMENT ON COLUMN vapi.billing_reviews.created_at IS 'Since when.';

CREATE VIEW vapi.client_time WITH (security_barrier) AS
	SELECT e.client_id, b.name AS client_name, (date_trunc('month', e.started_at AT TIME ZONE 'UTC'))::date AS month, count(*) AS calls,
		round(sum(e.seconds) / 3600.0, 2) AS logged_hours,
		round(coalesce(sum(e.seconds) FILTER (WHERE e.billed_at IS NOT NULL), 0) / 3600.0, 2) AS billed_hours,
		round(coalesce(sum(e.seconds) FILTER (WHERE e.billed_at IS NULL), 0) / 3600.0, 2) AS unbilled_hours,
		round(sum(e.seconds * coalesce(e.rate, b.rate)) FILTER (WHERE e.billed_at IS NULL) / 3600.0, 2) AS unbilled_amount, e.currency_code
	FROM vapi_internal.time_entry e LEFT JOIN vapi_internal.billing_client b ON b.client_id = e.client_id
	WHERE (SELECT vapi_internal.may('sync')) AND (SELECT vapi_internal.scope()) IS NULL
	GROUP BY e.client_id, b.name, date_trunc('month', e.started_at AT TIME ZONE 'UTC'), e.currency_code;
COMMENT ON VIEW vapi.client_time IS 'Time of calls at FreshBooks by client and month (UTC).';
COMMENT ON COLUMN vapi.client_time.client_id IS 'FreshBooks'' id.';
COMMENT ON COLUMN vapi.client_time.client_name IS 'As entered with vapi_set_billing_terms.';
COMMENT ON COLUMN vapi.client_time.month IS 'Its first day.';
COMMENT ON COLUMN vapi.client_time.calls IS 'Entries, one a call.';
COMMENT ON COLUMN vapi.client_time.logged_hours IS 'Hours of all entries, rounded as they are billed.';
COMMENT ON COLUMN vapi.client_time.billed_hours IS 'Hours that FreshBooks marked as billed.';
COMMENT ON COLUMN vapi.client_time.unbilled_hours IS 'The rest.';
COMMENT ON COLUMN vapi.client_time.unbilled_amount IS 'What the rest comes to by its rates; NULL without a rate.';
COMMENT ON COLUMN vapi.client_time.currency_code IS 'Of the amount.';

CREATE VIEW vapi.invoices WITH (security_barrier) AS
	SELECT i.invoice_id, i.client_id, b.name AS client_name, (i.from_at AT TIME ZONE 'UTC')::date AS month,
		CASE WHEN i.freshbooks_id IS NULL THEN 'requested' WHEN e.billed < e.entries THEN 'drafted' ELSE 'complete' END AS state,
		i.freshbooks_number, e.entries, e.hours, round(e.hours * i.rate, 2) AS amount, i.currency_code, i.requested_by, i.created_at
	FROM vapi_internal.invoice i
		LEFT JOIN vapi_internal.billing_client b ON b.client_id = i.client_id
		CROSS JOIN LATERAL (SELECT count(*) AS entries, count(e.billed_at) AS billed, round(sum(e.seconds) / 3600.0, 4) AS hours
			FROM vapi_internal.time_entry e WHERE e.invoice_id = i.invoice_id) e
	WHERE (SELECT vapi_internal.may('sync')) AND (SELECT vapi_internal.scope()) IS NULL;
COMMENT ON VIEW vapi.invoices IS 'Drafts of invoices that were asked for.';
COMMENT ON COLUMN vapi.invoices.invoice_id IS 'Our id.';
COMMENT ON COLUMN vapi.invoices.client_id IS 'FreshBooks'' id of the client.';
COMMENT ON COLUMN vapi.invoices.client_name IS 'As entered with vapi_set_billing_terms.';
COMMENT ON COLUMN vapi.invoices.month IS 'The first day of the month that is billed.';
COMMENT ON COLUMN vapi.invoices.state IS 'requested; drafted: FreshBooks has it and entries are being marked as billed; complete.';
COMMENT ON COLUMN vapi.invoices.freshbooks_number IS 'FreshBooks'' number of it.';
COMMENT ON COLUMN vapi.invoices.entries IS 'Calls on it.';
COMMENT ON COLUMN vapi.invoices.hours IS 'Their hours.';
COMMENT ON COLUMN vapi.invoices.amount IS 'Hours by rate.';
COMMENT ON COLUMN vapi.invoices.currency_code IS 'Of the amount.';
COMMENT ON COLUMN vapi.invoices.requested_by IS 'The role that asked for it.';
COMMENT ON COLUMN vapi.invoices.created_at IS 'When.';
