/**
 * Which request goes where.
 */
import { getStored } from './artifacts.mjs';
import { postControl } from './control.mjs';
import { analytics } from './routes-analytics.mjs';
import { resource } from './routes-account.mjs';
import { createCall } from './routes-create.mjs';
import { deleteCall, getArtifact, getCall, listCalls, patchCall } from './routes-calls.mjs';

const assistants = resource('assistant');
const squads = resource('squad');
const phoneNumbers = resource('phone-number');

/** [method, path pattern, handler, options]; `open` routes need no key. */
export const ROUTES = [
  ['GET', /^\/call$/, listCalls],
  ['POST', /^\/call$/, createCall],
  ['POST', /^\/analytics$/, analytics],
  ['GET', /^\/call\/([^/]+)$/, getCall],
  ['PATCH', /^\/call\/([^/]+)$/, patchCall],
  ['DELETE', /^\/call\/([^/]+)$/, deleteCall],
  ['GET', /^\/call\/([^/]+)\/(mono-recording|stereo-recording|customer-recording|assistant-recording|video-recording|pcap|call-logs)$/, getArtifact],
  ['GET', /^\/_storage\/hipaa-recordings\/([^/]+)$/, getStored, { open: true }],
  ['POST', /^\/_control\/([^/]+)\/([^/]+)\/control$/, postControl, { open: true }],
  ...[['assistant', assistants], ['squad', squads], ['phone-number', phoneNumbers]].flatMap(([name, handlers]) => [
    ['GET', new RegExp(`^/${name}$`), handlers.list],
    ['POST', new RegExp(`^/${name}$`), handlers.create],
    ['GET', new RegExp(`^/${name}/([^/]+)$`), handlers.get],
    ['PATCH', new RegExp(`^/${name}/([^/]+)$`), handlers.update],
    ['DELETE', new RegExp(`^/${name}/([^/]+)$`), handlers.remove],
  ]),
];
