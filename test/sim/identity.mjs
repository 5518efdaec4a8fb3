/**
 * Call ids. As at Vapi: UUIDv7 (time-ordered) since August 2025, UUIDv4 before.
 * The last 32 bits carry the call's ordinal, scrambled, so that an id leads back to its call without a table.
 */
import { mix } from './random.mjs';

const UUID_V7_SINCE = Date.parse('2025-08-01T00:00:00Z');
const SCRAMBLE = 0x9e3779b1;
const UNSCRAMBLE = inverse(SCRAMBLE);

function inverse(odd) {
  let x = odd;
  for (let i = 0; i < 5; i++) x = Math.imul(x, 2 - Math.imul(odd, x));
  return x | 0;
}

const hex = (value, digits) => (value >>> 0).toString(16).padStart(8, '0').slice(8 - digits);

/** The id of the call with this ordinal and creation time (epoch ms). */
export function callId(seed, ordinal, createdAt) {
  const tail = hex(Math.imul(ordinal ^ seed, SCRAMBLE), 8);
  const r1 = mix(seed ^ 0x51ed270b, ordinal);
  const r2 = mix(seed ^ 0x2545f491, ordinal);
  const variant = hex(0x8000 | (r2 & 0x3fff), 4);
  const node = hex(r2 >>> 16, 4) + tail;
  if (createdAt < UUID_V7_SINCE) {
    const r3 = mix(seed ^ 0x6c8e9cf5, ordinal);
    return `${hex(r1, 8)}-${hex(r3, 4)}-${hex(0x4000 | ((r3 >>> 16) & 0xfff), 4)}-${variant}-${node}`;
  }
  const time = createdAt.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-${hex(0x7000 | (r1 & 0xfff), 4)}-${variant}-${node}`;
}

/** The ordinal that an id carries; the caller must check that the call's id is really this one. */
export function ordinalOf(seed, id) {
  return (Math.imul(parseInt(id.slice(-8), 16), UNSCRAMBLE) ^ seed) >>> 0;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text has the shape of a UUID. */
export function isUuid(text) {
  return UUID.test(text);
}
