/**
 * A receiver of webhooks that verifies Standard Webhooks signatures by itself, from the specification.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

const TOLERANCE_S = 300;

export function verify(secret, { id, timestamp, signature, body }) {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) return false;
  return (signature ?? '').split(' ').some((one) => {
    const [version, base64] = one.split(',');
    const given = Buffer.from(base64 ?? '', 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

export class Receiver {
  secrets = {};
  received = [];
  status = {};

  async answer({ path, headers, text }) {
    const name = path.slice('/hook/'.length);
    const about = { id: headers['webhook-id'], timestamp: headers['webhook-timestamp'], signature: headers['webhook-signature'], body: text };
    const secret = this.secrets[name];
    const genuine = secret ? verify(secret, about) : null;
    this.received.push({ name, id: about.id, signatures: (about.signature ?? '').split(' ').length, genuine, body: JSON.parse(text), at: Date.now() });
    if (genuine === false) return { status: 401, value: {} };
    return { status: this.status[name] ?? 204, value: '' };
  }

  set(values) {
    Object.assign(this, values);
  }

  state() {
    return { received: this.received };
  }
}
