/**
 * Linear: its GraphQL API, by its own schema where that is at hand, else by the part of it that is used (linear-schema.graphql).
 * An id that is there already is an error, not an answer; rate limits come as HTTP 400; one attachment an issue and URL.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buildSchema, execute, GraphQLError, parse, validate } from 'graphql';

const OWN_SCHEMA = new URL('./linear-schema.graphql', import.meta.url);
const UUID4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const REQUESTS = 2500;
const HOUR = 3600000;

export const ids = {
  team: '11111111-1111-4111-8111-111111111111',
  project: '22222222-2222-4222-8222-222222222222',
  label: '33333333-3333-4333-8333-333333333333',
  user: '44444444-4444-4444-8444-444444444444',
};

const failure = (message, extensions) => new GraphQLError(message, { extensions });
const invalid = (message, presentable) => failure(message, { type: 'invalid input', code: 'INPUT_ERROR', statusCode: 400, userError: true, userPresentableMessage: presentable });

export function readSchema(file) {
  return buildSchema(readFileSync(file ?? OWN_SCHEMA, 'utf8'), { assumeValidSDL: true });
}

export class Linear {
  constructor(file) {
    this.schema = readSchema(file);
    this.key = 'lin_api_made_up_for_tests';
    this.remaining = REQUESTS;
    this.limitedUntil = 0;
    this.issues = new Map();
    this.attachments = new Map();
    this.updates = new Map();
    this.operations = [];
    this.teams = [{ id: ids.team, key: 'SAL', name: 'Sales' }];
    this.projects = new Map([[ids.project, { id: ids.project, name: 'Leads', url: 'https://linear.app/made-up/project/leads', statusId: 'backlog' }]]);
    this.moves = [];
  }

  statuses() {
    return ['backlog', 'planned', 'started', 'paused', 'completed', 'canceled'].map((type, position) => ({ id: type, name: type, type, position, archivedAt: null }));
  }

  project({ id }) {
    const project = this.projects.get(id);
    if (!project) throw invalid('Entity not found: Project', 'Could not find referenced Project.');
    return { ...project, status: this.statuses().find((status) => status.id === project.statusId) };
  }

  checkId(id, entities, name) {
    if (id === undefined) return randomUUID();
    if (!UUID4.test(id)) throw invalid('Argument Validation Error', 'id must be a UUID of version 4');
    if (entities.has(id)) throw invalid(`conflict on insert of ${name}`, `Entity ${name} with id ${id} already exists.`);
    return id;
  }

  issueOf(id) {
    const issue = this.issues.get(id) ?? [...this.issues.values()].find((one) => one.identifier === id);
    if (!issue) throw invalid('Entity not found: Issue', 'Could not find referenced Issue.');
    return issue;
  }

  get root() {
    return {
      viewer: () => ({ id: ids.user, name: 'Robin Example', organization: { id: 'org', urlKey: 'made-up' } }),
      teams: () => ({ nodes: this.teams }),
      projects: () => ({ nodes: [...this.projects.keys()].map((id) => this.project({ id })) }),
      issueLabels: () => ({ nodes: [{ id: ids.label, name: 'call', isGroup: false, team: null }] }),
      users: () => ({ nodes: [{ id: ids.user, name: 'Robin Example', active: true }] }),
      issues: ({ filter }) => ({ nodes: (filter?.id?.in ?? []).map((id) => this.issues.get(id)).filter(Boolean) }),
      project: (args) => this.project(args),
      projectStatuses: () => ({ nodes: this.statuses() }),
      issueCreate: ({ input }) => {
        const id = this.checkId(input.id, this.issues, 'Issue');
        if (!this.teams.some((team) => team.id === input.teamId)) throw invalid('Entity not found: Team', 'Could not find referenced Team.');
        if (!input.title) throw invalid('Argument Validation Error', 'title should not be empty');
        const number = this.issues.size + 1;
        const issue = { ...input, id, identifier: `SAL-${number}`, url: `https://linear.app/made-up/issue/SAL-${number}`, updates: 0 };
        this.issues.set(id, issue);
        return { success: true, lastSyncId: 1, issue };
      },
      issueUpdate: ({ id, input }) => {
        const issue = this.issueOf(id);
        Object.assign(issue, input, { updates: issue.updates + 1 });
        return { success: true, lastSyncId: 1, issue };
      },
      attachmentCreate: ({ input }) => {
        const issue = this.issueOf(input.issueId);
        const key = `${issue.id} ${input.url}`;
        const attachment = { id: this.attachments.get(key)?.id ?? randomUUID(), ...input };
        this.attachments.set(key, attachment);
        return { success: true, lastSyncId: 1, attachment };
      },
      projectUpdate: ({ id, input }) => {
        this.project({ id });
        this.moves.push(input.statusId);
        this.projects.get(id).statusId = input.statusId;
        return { success: true, lastSyncId: 1, project: this.project({ id }) };
      },
      projectUpdateCreate: ({ input }) => {
        const id = this.checkId(input.id, this.updates, 'ProjectUpdate');
        this.updates.set(id, { ...input, id, url: `https://linear.app/made-up/project/leads/update/${id}` });
        return { success: true, lastSyncId: 1, projectUpdate: this.updates.get(id) };
      },
    };
  }

  async answer({ method, headers, text }) {
    const now = Date.now();
    const limits = () => ({
      'X-RateLimit-Requests-Limit': REQUESTS, 'X-RateLimit-Requests-Remaining': this.remaining, 'X-RateLimit-Requests-Reset': this.limitedUntil > now ? this.limitedUntil : now + HOUR,
      'X-Complexity': 10, 'X-RateLimit-Complexity-Limit': 3000000, 'X-RateLimit-Complexity-Remaining': 2999990, 'X-RateLimit-Complexity-Reset': now + HOUR,
    });
    const error = (status, message, extensions) => ({ status, value: { errors: [{ message, extensions }] }, headers: limits() });
    if (method !== 'POST') return error(405, 'Method not allowed', { code: 'BAD_REQUEST' });
    // A personal key stands without Bearer.
    if (headers.authorization !== this.key) return error(401, 'Authentication required, not authenticated', { type: 'authentication error', code: 'AUTHENTICATION_ERROR', statusCode: 401, userError: true });
    if (this.limitedUntil > now) return error(400, 'Rate limit exceeded', { type: 'ratelimited', code: 'RATELIMITED', statusCode: 429, userError: true });
    const { query, variables, operationName } = JSON.parse(text);
    let document;
    try {
      document = parse(query);
    } catch (problem) {
      return error(400, problem.message, { type: 'graphql error', code: 'GRAPHQL_PARSE_FAILED' });
    }
    const problems = validate(this.schema, document);
    if (problems.length) return error(400, problems[0].message, { type: 'graphql error', code: 'GRAPHQL_VALIDATION_FAILED', statusCode: 400 });
    this.operations.push(operationName);
    const result = await execute({ schema: this.schema, document, rootValue: this.root, variableValues: variables, operationName });
    const status = result.errors && !result.data ? 400 : 200;
    return { status, value: JSON.parse(JSON.stringify(result)), headers: limits() };
  }

  set(values) {
    Object.assign(this, values);
    if (values.projectStatus) this.projects.get(ids.project).statusId = values.projectStatus;
    if (values.deleteIssue) this.issues.delete(values.deleteIssue);
  }

  state() {
    return { issues: [...this.issues.values()], attachments: [...this.attachments.values()], updates: [...this.updates.values()], projects: [...this.projects.values()], operations: this.operations, moves: this.moves };
  }
}
