/**
 * Recordings, packet captures and logs: presigned locations on the simulator itself, and their contents.
 */
import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { parseRange, Recording } from './audio.mjs';
import { ApiError } from './errors.mjs';
import { presignedQuery, storagePath, PRESIGNED_LIFE } from './urls.mjs';

/** Route name → [kind in the path, content type]. */
const ROUTES = {
  'mono-recording': 'mono',
  'stereo-recording': 'stereo',
  'customer-recording': 'customer',
  'assistant-recording': 'assistant',
  pcap: 'pcap',
  'call-logs': 'log',
};
const TYPES = { mono: 'audio/wav', stereo: 'audio/wav', customer: 'audio/wav', assistant: 'audio/wav', pcap: 'application/vnd.tcpdump.pcap', log: 'application/gzip' };

const sign = (sim, path, expires) => createHmac('sha256', `storage ${sim.options.seed}`).update(`${path} ${expires}`).digest('hex');

/** The presigned URL that a request for an artifact is sent to; null when the call has none. */
export function artifactLocation(sim, view, route, origin) {
  const kind = ROUTES[route];
  if (!kind || view.live || view.played.startedAt === null) return null;
  const path = storagePath(sim.options.seed, view.plan.ordinal, view.id, view.played.endedAt, kind);
  const expires = view.now + PRESIGNED_LIFE;
  return `${origin}/_storage/hipaa-recordings/${path}?${presignedQuery(view.now)}SIMSECRET${sign(sim, path, expires)}&X-Sim-Expires=${expires}`;
}

/** GET /_storage/…: the object itself, if the signature is right and fresh. */
export function getStored({ sim, params, url, range }) {
  const path = params[0];
  const expires = Number(url.searchParams.get('X-Sim-Expires'));
  if (url.searchParams.get('X-Amz-Signature') !== `SIMSECRET${sign(sim, path, expires)}`) throw storageError(403, 'SignatureDoesNotMatch');
  if (sim.now() > expires) throw storageError(403, 'ExpiredRequest');
  const ordinal = sim.store.find(path.slice(0, 36));
  if (ordinal < 0) throw storageError(404, 'NoSuchKey');
  const view = sim.view(ordinal);
  const kind = Object.keys(TYPES).find((k) => storagePath(sim.options.seed, ordinal, view.id, view.played.endedAt, k) === path);
  if (!kind) throw storageError(404, 'NoSuchKey');
  const headers = { 'Content-Type': TYPES[kind], 'Accept-Ranges': 'bytes', ETag: `"${path.slice(37, 70)}"`, 'Set-Cookie': 'SIMSECRET=storage', 'x-amz-request-id': 'SIM' };
  const object = content(kind, view);
  const part = parseRange(range, object.length);
  if (part === false) throw Object.assign(storageError(416, 'InvalidRange'), { headers: { 'Content-Range': `bytes */${object.length}` } });
  if (part === null) return { status: 200, headers, buffer: object.slice(0, object.length), raw: true };
  return { status: 206, headers: { ...headers, 'Content-Range': `bytes ${part[0]}-${part[1] - 1}/${object.length}` }, buffer: object.slice(...part), raw: true };
}

function storageError(status, code) {
  const error = new ApiError(status, code);
  error.xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`;
  return error;
}

function content(kind, view) {
  if (kind === 'pcap') return Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex');
  if (kind === 'log') {
    const lines = view.played.history.map(([at, status]) => JSON.stringify({ time: at, level: 'info', body: `call ${status}`, attributes: { callId: view.id } }));
    return gzipSync(`${lines.join('\n')}\n`);
  }
  return new Recording(kind, view);
}
