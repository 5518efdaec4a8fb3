/** The simulators of vendors: every operation that is sent to Linear is valid by its schema, and their quirks are as they should be. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, validate } from 'graphql';
import { FreshBooks, ids as books } from '../freshbooks.mjs';
import { ids, Linear, readSchema } from '../linear.mjs';
import { verify } from '../receiver.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const source = readFileSync(`${root}src/vapi_linear_documents.c`, 'utf8');
const documents = [...source.matchAll(/\{"(\w+)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\}/g)]
  .map(([, name, strings]) => [name, [...strings.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text).join('')]);
const official = `${process.env.VAPI_SAMPLES ?? `${root}../shared/samples`}/linear-schema.graphql`;

test('operations for Linear are valid by our part of its schema', () => {
  assert.equal(documents.length, 8);
  for (const [name, document] of documents) assert.deepEqual(validate(readSchema(), parse(document)).map((error) => `${name}: ${error.message}`), []);
});

test('and by the published one', { skip: !existsSync(official) }, () => {
  const schema = readSchema(official);
  for (const [name, document] of documents) assert.deepEqual(validate(schema, parse(document)).map((error) => `${name}: ${error.message}`), []);
  // A schema that refuses nothing would prove nothing.
  assert.notEqual(validate(schema, parse('mutation { projectUpdate(id: "x", input: {state: "started"}) { success } }')).length, 0);
});

test('Linear refuses an id a second time, and keeps one attachment an issue and URL', async () => {
  const linear = new Linear();
  const ask = async (operationName, variables) => (await linear.answer({ method: 'POST', headers: { authorization: linear.key }, text: JSON.stringify({ query: Object.fromEntries(documents)[operationName], operationName, variables }) }));
  const input = { id: '0c024cdf-4217-400a-896d-ed14f2ac156d', teamId: ids.team, title: 'x' };
  assert.equal((await ask('IssueCreate', { input })).value.data.issueCreate.issue.identifier, 'SAL-1');
  const again = await ask('IssueCreate', { input });
  assert.equal(again.value.errors[0].extensions.code, 'INPUT_ERROR');
  assert.match(again.value.errors[0].extensions.userPresentableMessage, /already exists/);
  assert.equal((await ask('IssueCreate', { input: { ...input, id: 'not-a-uuid' } })).value.errors[0].extensions.code, 'INPUT_ERROR');
  for (const title of ['one', 'two']) await ask('AttachmentCreate', { input: { issueId: input.id, title, url: 'https://sales.example.com/calls/1' } });
  assert.deepEqual(linear.state().attachments.map((attachment) => attachment.title), ['two']);
  linear.set({ limitedUntil: Date.now() + 1000 });
  const limited = await ask('IssueCreate', { input });
  assert.deepEqual([limited.status, limited.value.errors[0].extensions.code, limited.headers['X-RateLimit-Requests-Reset'] > 1e12], [400, 'RATELIMITED', true]);
});

test('a refresh token of FreshBooks is good for one use', async () => {
  const freshbooks = new FreshBooks();
  const token = (body) => freshbooks.answer({ method: 'POST', path: '/freshbooks/auth/oauth/token', query: new URLSearchParams(), headers: {},
    text: JSON.stringify({ client_id: books.client, client_secret: books.secret, redirect_uri: books.redirect, ...body }) });
  const first = (await token({ grant_type: 'authorization_code', code: 'code-1' })).value;
  assert.equal((await token({ grant_type: 'authorization_code', code: 'code-1' })).value.error, 'invalid_grant');
  assert.equal((await token({ grant_type: 'refresh_token', refresh_token: first.refresh_token })).status, 200);
  assert.equal((await token({ grant_type: 'refresh_token', refresh_token: first.refresh_token })).value.error, 'invalid_grant');
});

test('the receiver verifies as the specification of Standard Webhooks does', () => {
  // The example of its reference libraries, but for the time, which is long past.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const about = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: '1614265330', signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=', body: '{"test": 2432232314}' };
  const now = Date.now;
  try {
    Date.now = () => 1614265330000;
    assert.equal(verify(secret, about), true);
    assert.equal(verify(secret, { ...about, body: '{"test": 2432232315}' }), false);
    assert.equal(verify(secret, { ...about, signature: `v1,AAAA ${about.signature}` }), true);
    Date.now = () => 1614265330000 + 301000;
    assert.equal(verify(secret, about), false);
  } finally {
    Date.now = now;
  }
});
