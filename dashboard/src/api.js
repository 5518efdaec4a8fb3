import { signal } from '@preact/signals';

/** Counts answers of 401: the session has ended, whoever sees it signs in again. */
export const refused = signal(0);

/** What the server, or the way to it, said instead of an answer. `status` is 0 when it cannot be reached. */
export class ApiError extends Error {
  constructor(status, message, hint) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

function problem(status, body) {
  const text = body && typeof body === 'object' ? body : {};
  const message = text.detail || text.message || text.title;
  if (status === 429) return new ApiError(status, 'Too many requests from here.', 'Wait a few seconds.');
  if (status >= 502 && !message) return new ApiError(status, 'The server is starting or cannot be reached.', 'It is asked again by itself.');
  return new ApiError(status, message || `The server answered ${status}.`, text.hint || undefined);
}

/** Asks the server; the decoded answer, or an ApiError. */
export async function request(path, { method = 'GET', body, signal: abort, anonymous = false } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      signal: abort,
      headers: { Accept: 'application/json', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'The server cannot be reached.', 'Check the connection; the page tries again by itself.');
  }
  const text = await answer.text();
  let decoded = null;
  try {
    decoded = text === '' ? null : JSON.parse(text);
  } catch {
    if (answer.ok) throw new ApiError(answer.status, 'The server gave an answer that cannot be read.');
  }
  if (answer.ok) return decoded;
  if (answer.status === 401 && !anonymous) refused.value++;
  throw problem(answer.status, decoded);
}

/** Calls a function of schema vapi. */
export const rpc = (name, args = {}, options = {}) => request(`/rest/rpc/${name}`, { ...options, method: 'POST', body: args });

/** Reads a view of schema vapi, with parameters as PostgREST has them. */
export const rows = (view, query = {}, options = {}) => request(`/rest/${view}?${new URLSearchParams(query)}`, options);
