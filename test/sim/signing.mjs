/**
 * Headers of a webhook: what axios and Vapi send, and the authentication that is configured.
 */
import { createHmac } from 'node:crypto';
import { Random } from './random.mjs';

export const AUTH_MODES = ['none', 'secret', 'bearer', 'hmac'];
export const HMAC_DEFAULTS = {
  algorithm: 'sha256', signatureHeader: 'x-signature', timestampHeader: 'x-timestamp', signaturePrefix: '', includeTimestamp: true, payloadFormat: '{timestamp}.{body}',
  messageIdHeader: null, signatureEncoding: 'hex', secretIsBase64: false, timestampUnit: 's',
};

/** The signature of a body; plan: see HMAC_DEFAULTS, values: {timestamp, method, url, svix-id}. */
export function signature(plan, secret, body, values) {
  const parts = plan.payloadFormat.split(/(\{[\w-]+\})/);
  const hmac = createHmac(plan.algorithm, plan.secretIsBase64 ? Buffer.from(secret, 'base64') : secret);
  for (const part of parts) hmac.update(part === '{body}' ? body : /^\{.*\}$/.test(part) ? String(values[part.slice(1, -1)] ?? '') : part);
  return plan.signaturePrefix + hmac.digest(plan.signatureEncoding);
}

/**
 * Headers for a body (a Buffer). auth: {mode, hmac}; secret: of the server that gets it; now: real epoch ms, as receivers check
 * timestamps by their own clock; wrong: authenticate with another secret.
 */
export function webhookHeaders({ auth, secret, url, body, callId, contentType, serverHeaders, now, seed, serial, wrong }) {
  const random = new Random(seed, 'trace', serial);
  const given = wrong ? `not-${secret ?? ''}-${random.hex(8)}` : secret;
  const headers = {
    accept: 'application/json, text/plain, */*',
    'content-type': contentType,
    'user-agent': 'axios/1.8.3',
    'accept-encoding': 'gzip, compress, deflate, br',
    ...(callId ? { 'x-call-id': callId, cookie: `callId=${callId}` } : {}),
    'x-vapi-secret': '',
    'sentry-trace': `${random.hex(32)}-${random.hex(16)}-0`,
    baggage: `sentry-environment=production,sentry-trace_id=${random.hex(32)}`,
    'content-length': body.length,
  };
  if (auth.mode === 'secret' || (auth.mode === 'none' && secret)) headers['x-vapi-secret'] = given ?? '';
  if (auth.mode === 'bearer') headers.authorization = `Bearer ${given}`;
  if (auth.mode === 'hmac') {
    const plan = { ...HMAC_DEFAULTS, ...auth.hmac };
    const values = { timestamp: plan.timestampUnit === 'ms' ? now : Math.floor(now / 1000), method: 'POST', url, 'svix-id': `msg_${random.hex(24)}` };
    if (plan.includeTimestamp) headers[plan.timestampHeader] = String(values.timestamp);
    if (plan.messageIdHeader) headers[plan.messageIdHeader] = values['svix-id'];
    headers[plan.signatureHeader] = signature(plan, given ?? '', body, values);
  }
  for (const [name, value] of Object.entries(serverHeaders ?? {})) headers[name.toLowerCase()] = value;
  return headers;
}
