/**
 * Assistants, squads and phone numbers.
 */
import { randomUUID } from 'node:crypto';
import { ApiError } from './errors.mjs';
import { listObjects, listQuery } from './query.mjs';
import { checkBody } from './validation.mjs';

const KINDS = {
  assistant: { list: 'assistants', body: 'assistant', texts: [], label: 'assistant' },
  squad: { list: 'squads', body: 'squad', texts: ['idAny'], label: 'squad' },
  'phone-number': { list: 'phoneNumbers', body: 'phoneNumber', texts: [], label: 'phone number' },
};

/** A copy without what the API never shows. */
function shown(object) {
  const { twilioAuthToken, twilioApiSecret, ...rest } = object;
  if (rest.server?.secret !== undefined) {
    const { secret, ...server } = rest.server;
    rest.server = server;
    rest.isServerUrlSecretSet = true;
  }
  return rest;
}

function find(sim, kind, id) {
  const object = sim.account[kind.list].find((o) => o.id === id);
  if (!object) throw new ApiError(404, `Couldn't find ${kind.label} with id ${id}.`);
  return object;
}

/** Handlers for one resource: list, get, create, update, remove. */
export function resource(name) {
  const kind = KINDS[name];
  return {
    list({ sim, url }) {
      const filter = listQuery(url.searchParams, kind.texts);
      let objects = listObjects(sim.account[kind.list], filter);
      if (filter.idAny) objects = objects.filter((o) => filter.idAny.split(',').includes(o.id));
      return { status: 200, value: objects.map(shown) };
    },
    get({ sim, params }) {
      return { status: 200, value: shown(find(sim, kind, params[0])) };
    },
    create({ sim, body }) {
      checkBody(body, kind.body);
      if (name === 'phone-number' && !body.provider) throw new ApiError(400, ['provider should not be empty']);
      const at = new Date(sim.now()).toISOString();
      const object = { id: randomUUID(), orgId: sim.account.orgId, ...body, createdAt: at, updatedAt: at };
      if (name === 'phone-number') Object.assign(object, { status: 'active' });
      sim.account[kind.list].unshift(object);
      return { status: 201, value: shown(object) };
    },
    update({ sim, params, body }) {
      checkBody(body, kind.body);
      const object = find(sim, kind, params[0]);
      for (const [key, value] of Object.entries(body)) {
        if (value === null) delete object[key];
        else object[key] = value;
      }
      object.updatedAt = new Date(sim.now()).toISOString();
      return { status: 200, value: shown(object) };
    },
    remove({ sim, params }) {
      const object = find(sim, kind, params[0]);
      sim.account[kind.list] = sim.account[kind.list].filter((o) => o !== object);
      return { status: 200, value: shown(object) };
    },
  };
}
