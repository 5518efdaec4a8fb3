/**
 * Recordings, packet captures and logs: presigned locations on the simulator itself, and their contents.
 */
import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
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
export function getStored({ sim, params, url }) {
  const path = params[0];
  const expires = Number(url.searchParams.get('X-Sim-Expires'));
  if (url.searchParams.get('X-Amz-Signature') !== `SIMSECRET${sign(sim, path, expires)}`) throw storageError(403, 'SignatureDoesNotMatch');
  if (sim.now() > expires) throw storageError(403, 'ExpiredRequest');
  const ordinal = sim.store.find(path.slice(0, 36));
  if (ordinal < 0) throw storageError(404, 'NoSuchKey');
  const view = sim.view(ordinal);
  const kind = Object.keys(TYPES).find((k) => storagePath(sim.options.seed, ordinal, view.id, view.played.endedAt, k) === path);
  if (!kind) throw storageError(404, 'NoSuchKey');
  return { status: 200, headers: { 'Content-Type': TYPES[kind], 'Accept-Ranges': 'bytes' }, buffer: content(kind, view), raw: true };
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
  return tone(kind === 'stereo' ? 2 : 1, Math.min(3, (view.played.endedAt - view.played.startedAt) / 1000), view.plan.ordinal);
}

/** A short tone as 16-bit PCM at 8 kHz. */
function tone(channels, seconds, variant) {
  const rate = 8000;
  const samples = Math.floor(rate * seconds);
  const data = Buffer.alloc(44 + samples * channels * 2);
  data.write('RIFF', 0);
  data.writeUInt32LE(data.length - 8, 4);
  data.write('WAVEfmt ', 8);
  data.writeUInt32LE(16, 16);
  data.writeUInt16LE(1, 20);
  data.writeUInt16LE(channels, 22);
  data.writeUInt32LE(rate, 24);
  data.writeUInt32LE(rate * channels * 2, 28);
  data.writeUInt16LE(channels * 2, 32);
  data.writeUInt16LE(16, 34);
  data.write('data', 36);
  data.writeUInt32LE(data.length - 44, 40);
  for (let i = 0; i < samples; i++) {
    for (let c = 0; c < channels; c++) data.writeInt16LE(Math.round(6000 * Math.sin((i * (220 + (variant % 12) * 20 + c * 110) * 2 * Math.PI) / rate)), 44 + (i * channels + c) * 2);
  }
  return data;
}
