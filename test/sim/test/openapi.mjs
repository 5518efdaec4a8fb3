/**
 * Validation against Vapi's OpenAPI document. Needs the document and the package ajv; `skip` says what is missing.
 */
import { readFileSync } from 'node:fs';
import { OPENAPI, hasOpenApi } from './helpers.mjs';

const Ajv = await import('ajv').then((module) => module.default, () => null);
export const skip = !Ajv ? 'skipped: package ajv is not installed' : !hasOpenApi ? 'skipped: no OpenAPI document' : false;

/**
 * OpenAPI 3.0 as JSON Schema: `nullable` becomes a type, `oneOf` becomes `anyOf` (a bot message also fits the schema of a user
 * message), texts that the document calls objects become texts, and what is no JSON Schema goes.
 */
function convert(node) {
  if (Array.isArray(node)) return node.map(convert);
  if (node === null || typeof node !== 'object') return node;
  const out = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === 'properties') out.properties = Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, convert(schema)]));
    else if (key === 'oneOf') out.anyOf = convert(value);
    else if (key === 'enum') out.enum = value.length ? value : undefined;
    else if (!['example', 'examples', 'discriminator', 'deprecated', 'nullable', 'xml', 'externalDocs', 'title', 'description', 'default', 'pattern'].includes(key)) out[key] = convert(value);
  }
  if (out.enum === undefined) delete out.enum;
  if (out.type === 'object' && typeof out.enum?.[0] === 'string') out.type = 'string';
  if (node.nullable && typeof out.type === 'string') out.type = [out.type, 'null'];
  if (out.type === 'array' && out.enum) {
    out.items = { enum: out.enum };
    delete out.enum;
  }
  return out;
}

/** An ajv with all schemas of the document: `getSchema('vapi#/components/schemas/NAME')`. */
export function schemas() {
  const document = JSON.parse(readFileSync(OPENAPI, 'utf8'));
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  for (const format of ['uuid', 'uri', 'date', 'time', 'duration', 'email', 'binary']) ajv.addFormat(format, true);
  ajv.addSchema({ $id: 'vapi', components: { schemas: convert(document.components.schemas) } });
  return ajv;
}

/** What is wrong with a value, '' when it fits. */
export function complaint(ajv, name, value) {
  const check = ajv.getSchema(`vapi#/components/schemas/${name}`);
  if (!check) return `no schema ${name}`;
  return check(value) ? '' : [...new Set(check.errors?.map((e) => `${e.instancePath} ${e.message}`))].slice(0, 12).join('; ');
}

/** Vapi really sends assistantId null for squads and transient assistants, which its document does not allow. */
export function documented(call) {
  const { assistantId, ...rest } = call;
  return assistantId === null ? rest : call;
}
