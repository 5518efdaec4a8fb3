/**
 * A small HTTP server that does what Vapi should not: for tests of the HTTP
 * layer. The last segment of the path says how it behaves, see BEHAVIOURS.
 *
 *   node misbehave.mjs --port-file FILE --log FILE [--body-file FILE] [--target URL] [--die-with-stdin]
 *                      [--cert FILE --key FILE [--tls-max TLSv1.1]]
 *
 * The log has a line "connect" for every connection and "METHOD PATH" (without
 * query) for every request. --body-file: what
 * "body" answers and "words" refuses with. With --cert it speaks TLS.
 */
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';

const { values: options } = parseArgs({
  options: {
    'port-file': { type: 'string' },
    log: { type: 'string' },
    'body-file': { type: 'string' },
    target: { type: 'string', default: 'http://10.0.0.1/' },
    cert: { type: 'string' },
    key: { type: 'string' },
    'tls-max': { type: 'string' },
    'die-with-stdin': { type: 'boolean', default: false },
  },
});

const JSON_TYPE = { 'Content-Type': 'application/json; charset=utf-8' };
const BOMB = gzipSync(Buffer.alloc(64 * 1024 * 1024, 32));
const visits = new Map();

function note(line) {
  if (options.log) appendFileSync(options.log, `${line}\n`);
}

function fail(response, status, message, headers = {}) {
  const error = { 400: 'Bad Request', 401: 'Unauthorized', 429: 'Too Many Requests' }[status] ?? 'Error';
  response.writeHead(status, { ...JSON_TYPE, ...headers });
  response.end(JSON.stringify({ message, error, statusCode: status }));
}

/** Answers with a call object of that id, so that a client is content. */
function call(request, response, headers = {}) {
  const id = new URL(request.url, 'http://x').pathname.split('/').pop();
  response.writeHead(200, { ...JSON_TYPE, ...headers });
  response.end(JSON.stringify({ id, orgId: 'org', type: 'webCall', status: 'queued', createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-01T00:00:00.000Z' }));
}

/** How often that path was asked before. */
function visit(request) {
  const count = visits.get(request.url) ?? 0;
  visits.set(request.url, count + 1);
  return count;
}

const BEHAVIOURS = {
  fine: call,
  reset: (request) => request.socket.resetAndDestroy(),
  close: (request) => request.socket.destroy(),
  silent: () => {},
  trickle: (request, response) => {
    response.writeHead(200, JSON_TYPE);
    const timer = setInterval(() => response.write(' '), 100);
    response.on('close', () => clearInterval(timer));
  },
  stall: (request, response) => {
    response.writeHead(200, JSON_TYPE);
    response.write('{"id":');
  },
  truncated: (request, response) => {
    response.writeHead(200, { ...JSON_TYPE, 'Content-Length': 1000 });
    response.write('{"id":', () => request.socket.destroy());
  },
  'long-length': (request, response) => {
    response.writeHead(200, { ...JSON_TYPE, 'Content-Length': 1e9 });
    response.write('{');
  },
  'long-chunks': (request, response) => {
    response.writeHead(200, JSON_TYPE);
    const chunk = ' '.repeat(65536);
    const more = () => { while (!response.destroyed && response.write(chunk)); };
    response.on('drain', more);
    more();
  },
  bomb: (request, response) => {
    response.writeHead(200, { ...JSON_TYPE, 'Content-Encoding': 'gzip' });
    response.end(BOMB);
  },
  'bad-gzip': (request, response) => {
    response.writeHead(200, { ...JSON_TYPE, 'Content-Encoding': 'gzip' });
    response.end('this is not gzip');
  },
  headers: (request, response) => {
    for (let i = 0; i < 40; i++) response.setHeader(`X-Filler-${i}`, 'x'.repeat(4000));
    call(request, response);
  },
  redirect: (request, response) => {
    response.writeHead(302, { Location: options.target });
    response.end();
  },
  garbage: (request) => request.socket.end('what is this\r\n\r\n'),
  'not-json': (request, response) => {
    response.writeHead(200, JSON_TYPE);
    response.end('{"id": "not-json", ');
  },
  empty: (request, response) => {
    response.writeHead(200, JSON_TYPE);
    response.end();
  },
  unavailable: (request, response) => fail(response, 503, 'Service Unavailable'),
  html: (request, response) => {
    response.writeHead(502, { 'Content-Type': 'text/html' });
    response.end('<html><body>Bad gateway</body></html>');
  },
  busy: (request, response) => fail(response, 429, 'Rate limit exceeded'),
  'busy-once': (request, response) =>
    visit(request) === 0 ? fail(response, 429, 'Rate limit exceeded', { 'Retry-After': '1' }) : call(request, response),
  'reset-once': (request, response) => (visit(request) === 0 ? request.socket.resetAndDestroy() : call(request, response)),
  'bad-key': (request, response) => fail(response, 401, 'Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa.'),
  forbidden: (request, response) => fail(response, 403, 'Forbidden'),
  missing: (request, response) => fail(response, 404, 'Couldn\'t find call.'),
  retention: (request, response) => fail(response, 400, 'This call is older than the retention of your plan (14 days).'),
  invalid: (request, response) => fail(response, 400, ['property foo should not exist', 'limit must not be greater than 1000']),
  echo: (request, response) => fail(response, 400, `You sent ${request.headers.authorization} to https://user:secret@example.com${request.url}?token=abc, call +1 303 555 0100`),
  words: (request, response) => {
    response.writeHead(400, { 'Content-Type': 'text/plain' });
    response.end(readFileSync(options['body-file']));
  },
  body: (request, response) => {
    response.writeHead(200, JSON_TYPE);
    response.end(readFileSync(options['body-file']));
  },
};

function serve(request, response) {
  const { pathname } = new URL(request.url, 'http://x');
  note(`${request.method} ${pathname}`);
  request.resume();
  const behaviour = BEHAVIOURS[pathname.split('/').pop()];
  if (behaviour) behaviour(request, response);
  else if (request.method === 'GET' && pathname === '/call') {
    response.writeHead(200, JSON_TYPE);
    response.end('[]');
  } else call(request, response);
}

const tls = options.cert && {
  cert: readFileSync(options.cert),
  key: readFileSync(options.key),
  ...(options['tls-max'] && { maxVersion: options['tls-max'], minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
};
const server = tls ? createTlsServer(tls, serve) : createServer(serve);
server.on('connection', () => note('connect'));
server.listen(0, '127.0.0.1', () => {
  // renamed, so that a reader never sees half a number
  writeFileSync(`${options['port-file']}.new`, String(server.address().port));
  renameSync(`${options['port-file']}.new`, options['port-file']);
});
if (options['die-with-stdin']) process.stdin.resume().on('end', () => process.exit(0));
