/**
 * POST /call: checks the request, then lets the call run by the simulator's clock.
 */
import { ApiError } from './errors.mjs';
import { checkBody, complaints } from './validation.mjs';

const E164 = /^\+[1-9]\d{1,14}$/;
const AGENTS = ['assistantId', 'assistant', 'squadId', 'squad', 'workflowId', 'workflow'];

function customerComplaints(customer, path) {
  const list = complaints(customer, 'customer', path);
  if (customer.number !== undefined && customer.numberE164CheckEnabled !== false && !E164.test(customer.number)) {
    list.push(`${path}number must be a valid phone number in the E.164 format. Hot tip, you may be missing the country code (Eg. US: +1).`);
  }
  return list;
}

/** Checks everything that makes a request as a whole impossible. */
function check(sim, body) {
  checkBody(body, 'createCall');
  const list = [];
  if (body.customer) list.push(...customerComplaints(body.customer, 'customer.'));
  if (body.schedulePlan) {
    list.push(...complaints(body.schedulePlan, 'schedulePlan', 'schedulePlan.'));
    if (Number.isNaN(Date.parse(body.schedulePlan.earliestAt))) list.push('schedulePlan.earliestAt must be a valid ISO 8601 date string');
  }
  if (list.length) throw new ApiError(400, list);
  if (!AGENTS.some((key) => body[key])) throw new ApiError(400, "Couldn't Get Assistant. Need Either `assistantId`, `assistant`, `squadId`, `squad`, `workflowId`, Or `workflow`.");
  const exists = (objects, id) => id === undefined || id === null || objects.some((o) => o.id === id);
  if (!exists(sim.account.assistants, body.assistantId)) throw new ApiError(400, `Couldn't Get Assistant. \`assistantId\` ${body.assistantId} Does Not Exist.`);
  if (!exists(sim.account.squads, body.squadId)) throw new ApiError(400, `Couldn't Get Squad. \`squadId\` ${body.squadId} Does Not Exist.`);
  if (!exists(sim.account.phoneNumbers, body.phoneNumberId)) throw new ApiError(400, `Couldn't Get Phone Number. \`phoneNumberId\` ${body.phoneNumberId} Does Not Exist.`);
  if (isOnline(body)) return;
  if (!body.phoneNumberId && !body.phoneNumber) throw new ApiError(400, "Couldn't Get Phone Number. Need Either `phoneNumberId` Or `phoneNumber`.");
  if (!body.customer && !body.customerId && !body.customers) throw new ApiError(400, "Couldn't Get Customer. Need Either `customerId` Or `customer`.");
}

function isOnline(body) {
  return body.transport?.provider === 'daily' || body.transport?.provider === 'vapi.websocket';
}

/** The call line that fits a request best. */
function lineFor(sim, body) {
  const { lines } = sim.account;
  const type = body.transport?.provider === 'daily' ? 'webCall' : body.transport?.provider === 'vapi.websocket' ? 'vapi.websocketCall' : 'outboundPhoneCall';
  const exact = lines.find((line) => line.type === type && !line.transient && ((body.assistantId && line.assistantId === body.assistantId) || (body.squadId && line.squadId === body.squadId)));
  const related = lines.find((line) => line.apiAssistants.some((a) => a.id === body.assistantId));
  const sameTrade = related && lines.find((line) => line.type === type && line.trade === related.trade);
  const line = { ...(exact ?? sameTrade ?? lines.find((l) => l.type === type)) };
  Object.assign(line, { type, assistantId: body.assistantId ?? null, squadId: body.squadId ?? null, transient: !!body.assistant });
  if (type === 'outboundPhoneCall') line.phoneNumber = sim.account.phoneNumbers.find((p) => p.id === body.phoneNumberId) ?? line.phoneNumber;
  return line;
}

function start(sim, body, customer) {
  return sim.startCall(lineFor(sim, body), {
    name: body.name,
    customer: customer ?? undefined,
    assistantId: body.assistantId,
    assistant: body.assistant,
    phoneNumberId: body.phoneNumberId,
    assistantOverrides: customer?.assistantOverrides ?? body.assistantOverrides,
    schedulePlan: body.schedulePlan,
  });
}

/** POST /call */
export function createCall({ sim, body }) {
  check(sim, body ?? {});
  sim.renderer.serial++;
  const limits = () => {
    const remaining = sim.options.concurrency - sim.store.live.size;
    return { concurrencyBlocked: remaining <= 0, concurrencyLimit: sim.options.concurrency, remainingConcurrentCalls: Math.max(0, remaining) };
  };
  if (!body.customers) {
    if (limits().concurrencyBlocked && !body.schedulePlan) throw new ApiError(400, 'Over Concurrency Limit');
    const text = sim.json(start(sim, body, body.customer));
    return { status: 201, text: `${text.slice(0, -1)},"subscriptionLimits":${JSON.stringify(limits())}}` };
  }
  const results = [];
  const errors = [];
  for (const customer of body.customers) {
    const problem = customerComplaints(customer, 'customer.')[0] ?? (limits().concurrencyBlocked && !body.schedulePlan ? 'Over Concurrency Limit' : null);
    if (problem) errors.push({ customer, error: problem });
    else results.push(sim.json(start(sim, body, customer)));
  }
  return { status: 201, text: `{"subscriptionLimits":${JSON.stringify(limits())},"results":[${results.join(',')}],"errors":${JSON.stringify(errors)}}` };
}
