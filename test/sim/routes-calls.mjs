/**
 * GET, PATCH and DELETE of calls, and their artifacts.
 */
import { artifactLocation } from './artifacts.mjs';
import { ApiError } from './errors.mjs';
import { listQuery } from './query.mjs';
import { checkBody } from './validation.mjs';

const DAY = 86400000;
/** How much later a deletion of several calls reaches the rest of them. */
const BULK_DELETION_MS = 1500;

function findCall(sim, id) {
  const ordinal = sim.store.find(id);
  if (ordinal < 0) throw new ApiError(404, `Couldn't find call with id ${id}.`);
  const limit = retentionLimit(sim);
  if (sim.store.createdAt[ordinal] < limit) throw beyondRetention(sim);
  return ordinal;
}

function retentionLimit(sim) {
  return sim.options.retentionDays > 0 ? sim.now() - sim.options.retentionDays * DAY : -Infinity;
}

function beyondRetention(sim) {
  return new ApiError(400, `Your plan keeps call data for ${sim.options.retentionDays} days. Calls created before ${new Date(retentionLimit(sim)).toISOString()} cannot be read.`);
}

const COMMA = Buffer.from(',');

/** A JSON array of `count` texts as bytes. Encoding each text alone is faster: one two-byte name would widen a whole page. */
function jsonArray(count, text) {
  const parts = [Buffer.from('[')];
  for (let i = 0; i < count; i++) {
    if (i) parts.push(COMMA);
    parts.push(Buffer.from(text(i)));
  }
  parts.push(Buffer.from(']'));
  return Buffer.concat(parts);
}

/** GET /call */
export function listCalls({ sim, url }) {
  const filter = listQuery(url.searchParams, ['id', 'assistantId', 'phoneNumberId']);
  const oldest = retentionLimit(sim);
  if ((filter.createdFrom > -Infinity && filter.createdFrom < oldest) || filter.createdTo < oldest) throw beyondRetention(sim);
  filter.createdFrom = Math.max(filter.createdFrom, oldest);
  return sim.pages.page(url.search, () => {
    sim.renderer.serial++;
    const ordinals = sim.store.list(filter, Math.min(filter.limit, sim.options.pageCap), sim.options.shuffleTies);
    return { status: 200, buffer: jsonArray(ordinals.length, (i) => sim.json(ordinals[i])), rows: ordinals.length };
  });
}

/** GET /call/{id} */
export function getCall({ sim, params }) {
  sim.renderer.serial++;
  return { status: 200, text: sim.json(findCall(sim, params[0])) };
}

/** PATCH /call/{id}: only the name. */
export function patchCall({ sim, params, body }) {
  const ordinal = findCall(sim, params[0]);
  checkBody(body, 'updateCall');
  sim.setExtra(ordinal, { name: body.name });
  sim.store.updatedAt[ordinal] = sim.now();
  return { status: 200, text: sim.json(ordinal) };
}

/** DELETE /call/{id}; with {ids} in the body all of these, a little later. */
export function deleteCall({ sim, params, body }) {
  if (body?.ids !== undefined) checkBody(body, 'deleteCall');
  const ordinal = findCall(sim, params[0]);
  const text = sim.json(ordinal);
  sim.deleteCall(ordinal);
  for (const id of body?.ids ?? []) {
    const other = sim.store.find(id);
    if (other < 0) continue;
    const timer = setTimeout(() => {
      sim.deleteCall(other);
      sim.live.deleted(other, false);
    }, BULK_DELETION_MS);
    timer.unref();
  }
  return { status: 200, text };
}

/** GET /call/{id}/mono-recording and its like: a redirect to storage. */
export function getArtifact({ sim, params, origin }) {
  const view = sim.view(findCall(sim, params[0]));
  const location = artifactLocation(sim, view, params[1], origin);
  if (location === null) throw new ApiError(404, 'Artifact not found.');
  return { status: 302, headers: { Location: location }, text: '' };
}
