/**
 * URLs that a call shows. Everything secret carries the marker SIMSECRET, so that a leak can be found by searching for it.
 */
import { Random, mix } from './random.mjs';

const R2_SINCE = Date.parse('2026-07-16T00:00:00Z');
/** Life of a presigned URL in ms. */
export const PRESIGNED_LIFE = 1800000;

const KINDS = { mono: 'mono.wav', stereo: 'stereo.wav', assistant: 'assistant.wav', customer: 'customer.wav', pcap: 'sip.pcap', log: 'logs.jsonl.gz' };

/** Storage path of an artifact: the same for every response. */
export function storagePath(seed, ordinal, id, endedAt, kind) {
  const uuid = new Random(seed, `artifact/${kind}`, ordinal).uuid();
  return `${id}-${endedAt + 2100}-${uuid}-${KINDS[kind]}`;
}

/** The raw URL, as shown in recordingUrl and its like; it cannot be downloaded. */
export function rawUrl(path, createdAt) {
  return createdAt >= R2_SINCE ? `https://simaccount.r2.cloudflarestorage.com/hipaa-recordings/${path}` : `https://storage.vapi.ai/${path}`;
}

/** The query of a presigned URL made at `now`; `serial` differs from response to response. */
export function presignedQuery(now, serial, ordinal, kind) {
  const stamp = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  const h = mix(mix(serial, ordinal), kind.length * 7 + kind.charCodeAt(0));
  const signature = (h >>> 0).toString(16).padStart(8, '0') + mix(h, 1).toString(16).padStart(8, '0') + mix(h, 2).toString(16).padStart(8, '0');
  return `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=SIMSECRETKEYID%2F${stamp.slice(0, 8)}%2Fauto%2Fs3%2Faws4_request&X-Amz-Date=${stamp}&X-Amz-Expires=1800&X-Amz-Signature=SIMSECRET${signature}&X-Amz-SignedHeaders=host&x-id=GetObject`;
}

/** A presigned URL as it stands in artifact.presigned…Url. */
export function presignedUrl(path, now, serial, ordinal, kind) {
  return `https://simaccount.r2.cloudflarestorage.com/hipaa-recordings/${path}?${presignedQuery(now, serial, ordinal, kind)}`;
}

/** monitor.listenUrl and monitor.controlUrl. */
export function monitorUrls(id) {
  const host = 'SIMSECRET-phone-call-websocket.aws-us-west-2-backend-production2.vapi.ai';
  return { listenUrl: `wss://${host}/${id}/listen`, controlUrl: `https://${host}/${id}/control` };
}
