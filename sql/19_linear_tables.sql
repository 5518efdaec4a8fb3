-- Linear: which team, project, labels and person the issues of which assistant's calls go to.

CREATE TABLE vapi_internal.linear_mapping
(
	assistant_id text COLLATE "C" PRIMARY KEY,
	team_id text NOT NULL,
	project_id text,
	label_ids text[] NOT NULL DEFAULT '{}',
	assignee_id text,
	project_status text CHECK (project_status IN ('backlog', 'planned', 'started', 'paused', 'completed', 'canceled')),
	changed_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE vapi_internal.linear_mapping IS 'Where the issues of an assistant''s calls go in Linear. Written by vapi_map_linear.';
COMMENT ON COLUMN vapi_internal.linear_mapping.assistant_id IS 'Whose calls; empty: all that have no row of their own.';
COMMENT ON COLUMN vapi_internal.linear_mapping.team_id IS 'Linear''s id of the team.';
COMMENT ON COLUMN vapi_internal.linear_mapping.project_id IS 'Linear''s id of the project; NULL: none.';
COMMENT ON COLUMN vapi_internal.linear_mapping.label_ids IS 'Linear''s ids of labels that new issues get.';
COMMENT ON COLUMN vapi_internal.linear_mapping.assignee_id IS 'Linear''s id of who new issues are assigned to; NULL: nobody.';
COMMENT ON COLUMN vapi_internal.linear_mapping.project_status IS 'Type of the status that a qualified lead moves the project on to, never back; NULL: it is left alone.';
COMMENT ON COLUMN vapi_internal.linear_mapping.changed_at IS 'When it was last changed.';
