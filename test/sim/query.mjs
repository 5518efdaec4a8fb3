/**
 * Query strings of the list routes: only the documented parameters, everything else is refused.
 */
import { ApiError } from './errors.mjs';

const TIMES = ['createdAtGt', 'createdAtLt', 'createdAtGe', 'createdAtLe', 'updatedAtGt', 'updatedAtLt', 'updatedAtGe', 'updatedAtLe'];
const ISO = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/**
 * Reads a list query. `texts` names the text parameters of the route (id, assistantId, …).
 * Returns {limit, createdFrom, createdTo, updatedFrom, updatedTo (inclusive epoch ms), …texts}.
 */
export function listQuery(search, texts) {
  const errors = [];
  const filter = { limit: 100, createdFrom: -Infinity, createdTo: Infinity, updatedFrom: -Infinity, updatedTo: Infinity };
  for (const [name, value] of search) {
    if (name === 'limit') {
      const limit = Number(value);
      if (value.trim() === '' || Number.isNaN(limit)) errors.push('limit must not be greater than 1000', 'limit must not be less than 0', 'limit must be a number conforming to the specified constraints');
      else if (limit < 0) errors.push('limit must not be less than 0');
      else filter.limit = Math.min(Math.floor(limit), 1000);
    } else if (TIMES.includes(name)) {
      const time = ISO.test(value) ? Date.parse(value) : NaN;
      if (Number.isNaN(time)) errors.push(`${name} must be a valid ISO 8601 date string`);
      else bound(filter, name, time);
    } else if (texts.includes(name)) {
      filter[name] = value;
    } else {
      errors.push(`property ${name} should not exist`);
    }
  }
  if (errors.length) throw new ApiError(400, errors);
  return filter;
}

function bound(filter, name, time) {
  const field = name.slice(0, 7);
  const from = `${field}From`;
  const to = `${field}To`;
  switch (name.slice(-2)) {
    case 'Gt':
      filter[from] = Math.max(filter[from], time + 1);
      break;
    case 'Ge':
      filter[from] = Math.max(filter[from], time);
      break;
    case 'Lt':
      filter[to] = Math.min(filter[to], time - 1);
      break;
    default:
      filter[to] = Math.min(filter[to], time);
  }
}

/** Lists objects with createdAt and updatedAt texts, newest first. */
export function listObjects(objects, filter) {
  const inside = (text, from, to) => {
    const time = Date.parse(text);
    return time >= from && time <= to;
  };
  return objects.filter((o) => inside(o.createdAt, filter.createdFrom, filter.createdTo) && inside(o.updatedAt, filter.updatedFrom, filter.updatedTo)).slice(0, filter.limit);
}
