/**
 * Vapi's official SDK asks vapi_analytics: a server hands each body to psql as it came, and its answer back.
 * Prints one JSON line a request: the answer, or the error's status and body. Exit status 77 without the SDK.
 */
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';

const sdk = await import('@vapi-ai/server-sdk').catch(() => null);
if (!sdk) process.exit(77);

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (part) => (body += part));
  request.on('end', () => {
    const run = spawnSync('psql', ['-X', '-q', '-A', '-t', '-v', 'VERBOSITY=verbose', '-v', `body=${body}`, '-d', process.argv[2]], {
      input: 'SELECT vapi.vapi_analytics(:\'body\');\n', encoding: 'utf8',
    });
    const detail = /^DETAIL: {2}(\{.*\})$/m.exec(run.stderr);
    // as PostgREST does: class 22 is a bad request
    response.writeHead(/ERROR: {2}22/.test(run.stderr) ? 400 : run.stderr ? 500 : 200, { 'Content-Type': 'application/json' });
    response.end(detail ? detail[1] : run.stdout);
  });
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const client = new sdk.VapiClient({ token: 'simulated-key', environment: `http://127.0.0.1:${server.address().port}`, maxRetries: 0 });
const { AnalyticsOperationColumn: columns, AnalyticsOperationOperation: operations, AnalyticsQueryGroupByItem: groups, TimeRangeStep: steps } = sdk.Vapi;
const range = { start: '2020-01-01T00:00:00.000Z', end: '2100-01-01T00:00:00.000Z' };
const all = Object.values(operations).filter((operation) => operation !== 'history');

const requests = [
  // the SDK's own example
  { queries: [{ table: 'call', name: 'name', operations: [{ operation: 'sum', column: 'id' }] }] },
  { queries: [{ table: 'call', name: 'everything', groupBy: undefined, timeRange: range, operations: Object.values(columns).flatMap((column) => all.map((operation) => ({ operation, column }))) }] },
  { queries: Object.values(groups).map((group) => ({ table: 'call', name: group, groupBy: [group], timeRange: range, operations: [{ operation: 'count', column: 'id', alias: 'n' }] })) },
  { queries: Object.values(steps).map((step) => ({ table: 'call', name: step, timeRange: { ...range, step, timezone: 'Asia/Kathmandu' }, operations: [{ operation: 'count', column: 'id', alias: 'n' }] })) },
  { queries: [{ table: 'call', name: 'variables', groupByVariableValue: [{ key: 'name' }], timeRange: range, operations: [{ operation: 'count', column: 'id', alias: 'n' }] }] },
  { queries: [{ table: 'subscription', name: 'history', operations: [{ operation: 'history', column: 'concurrency' }] }] },
];
for (const request of requests) {
  const line = await client.analytics.get(request).then((results) => ({ results }), (error) => ({ status: error.statusCode, body: error.body }));
  console.log(JSON.stringify(line));
}
server.close();
