/**
 * URLs that a call shows. Everything secret carries the marker SIMSECRET, so that a leak can be found by searching for it.
 */
import { Random, hex8, mix } from './random.mjs';

const R2_SINCE = Date.parse('2026-07-16T00:00:00Z');
/** Life of a presigned URL in ms. */
export const PRESIGNED_LIFE = 1800000;

const KINDS = { mono: 'mono.wav', stereo: 'stereo.wav', assistant: 'assistant.wav', customer: 'customer.wav', pcap: 'sip.pcap', log: 'logs.jsonl.gz' };

/** All kinds of artifacts. */
export const ARTIFACT_KINDS = Object.keys(KINDS);

/** Storage path of an artifact: the same for every response. */
export function storagePath(seed, ordinal, id, endedAt, kind) {
  return `${id}-${endedAt + 2100}-${new Random(seed ^ 0x1d872b41, ordinal, ARTIFACT_KINDS.indexOf(kind)).uuid()}-${KINDS[kind]}`;
}

/** The raw URL, as shown in recordingUrl and its like; it cannot be downloaded. */
export function rawUrl(path, createdAt) {
  return createdAt >= R2_SINCE ? `https://simaccount.r2.cloudflarestorage.com/hipaa-recordings/${path}` : `https://storage.vapi.ai/${path}`;
}

let queryTime = -1;
let queryText = '';

/** The query of a presigned URL made at `now`, without the signature at its end. */
export function presignedQuery(now) {
  const second = Math.floor(now / 1000);
  if (second !== queryTime) {
    const stamp = new Date(second * 1000).toISOString().replace(/[-:]|\.\d+/g, '');
    queryTime = second;
    queryText = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=SIMSECRETKEYID%2F${stamp.slice(0, 8)}%2Fauto%2Fs3%2Faws4_request&X-Amz-Date=${stamp}&X-Amz-Expires=1800&X-Amz-SignedHeaders=host&x-id=GetObject&X-Amz-Signature=`;
  }
  return queryText;
}

/** A presigned URL as it stands in artifact.presigned…Url; `serial` differs from response to response. */
export function presignedUrl(path, query, serial, ordinal) {
  const h = mix(mix(serial, ordinal), path.charCodeAt(path.length - 5));
  return `https://simaccount.r2.cloudflarestorage.com/hipaa-recordings/${path}?${query}SIMSECRET${hex8(h)}${hex8(mix(h, 1))}${hex8(mix(h, 2))}`;
}

/** monitor.listenUrl and monitor.controlUrl. */
export function monitorUrls(id) {
  const host = 'SIMSECRET-phone-call-websocket.aws-us-west-2-backend-production2.vapi.ai';
  return { listenUrl: `wss://${host}/${id}/listen`, controlUrl: `https://${host}/${id}/control` };
}
