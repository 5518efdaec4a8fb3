import { computed, signal } from '@preact/signals';
import { request } from './api.js';

const HEARTBEATS_MISSED = 15000;
/** Seconds before the end of a stream within which the next one is opened. */
const RENEWAL = 30;
/** More that comes during a read is read again instead of kept. */
const MOST_WAITING = 1000;

/** Cards of the calls under way, by id. */
export const liveCalls = signal(new Map());
/** off, connecting, live, or stale: nothing was heard for three heartbeats. `since` is when it became so, `heard` when something came last. */
export const feed = signal({ state: 'off', since: Date.now(), heard: null });
/** How many calls are under way; null while that is not known. */
export const underWay = computed(() => (feed.value.heard === null ? null : liveCalls.value.size));

const listeners = new Set();
/** Calls `listener` with every card that arrives; returns how to stop that. */
export function onCard(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

let source = null;
/** The stream that is to take the place of source, and what will open it. */
let successor = null;
let renewal = null;
let epoch = null;
let last = null;
let reading = null;
let reopen;
let watch;

function become(state) {
  const { state: former, since } = feed.peek();
  feed.value = { state, since: former === state ? since : Date.now(), heard: state === 'live' ? Date.now() : feed.peek().heard };
}

function apply({ seq, card }) {
  const calls = new Map(liveCalls.peek());
  if (card.live) calls.set(card.id, card);
  else calls.delete(card.id);
  liveCalls.value = calls;
  last = seq;
  for (const listener of listeners) listener(card);
}

// One read at a time; what comes meanwhile follows it (docs/serving.md, For a client).
async function read() {
  if (reading) {
    reading.again = true;
    return;
  }
  const mine = reading = { again: true, waiting: [] };
  try {
    while (mine.again && reading === mine) {
      mine.again = false;
      const answer = await request(`/rest/rpc/vapi_changes${epoch === null ? '' : `?after=${last}&epoch=${encodeURIComponent(epoch)}`}`);
      if (reading !== mine) return;
      if (answer.reset) {
        liveCalls.value = new Map(answer.calls.map((card) => [card.id, card]));
        for (const card of answer.calls) for (const listener of listeners) listener(card);
      } else answer.changes.forEach(apply);
      ({ epoch, last } = answer);
      if (answer.more) mine.again = true;
      become('live');
    }
    if (reading !== mine) return;
    reading = null;
    mine.waiting.forEach(take);
  } catch {
    become('stale');
    clearTimeout(reopen);
    if (source) reopen = setTimeout(open, 3000);
  } finally {
    if (reading === mine) reading = null;
  }
}

/** An event has one message a line. */
function receive({ data }) {
  let messages;
  try {
    messages = data.split('\n').map((line) => JSON.parse(line));
  } catch {
    return;
  }
  become('live');
  const end = messages.at(-1).ends_in;
  // Not all clients at once, and before the end, so that nothing is late.
  if (end <= RENEWAL && renewal === null) renewal = setTimeout(renew, Math.random() * Math.max(0, end - 3) * 1000);
  messages.forEach(take);
}

function take(message) {
  if (reading?.waiting.length < MOST_WAITING) reading.waiting.push(message);
  else if (reading || message.epoch !== epoch) read();
  else if (message.seq === undefined) {
    if (message.last > last) read();
  } else if (message.seq > last) {
    if (message.prev > last) read();
    else apply(message);
  }
}

function follow(stream) {
  source = stream;
  stream.onopen = () => {
    clearTimeout(renewal);
    successor?.close();
    successor = renewal = null;
    read();
  };
  stream.onmessage = receive;
  // A browser gives up on any answer but 200.
  stream.onerror = () => {
    if (source !== stream || stream.readyState !== EventSource.CLOSED) return;
    if (feed.peek().state === 'connecting') become('stale');
    clearTimeout(reopen);
    reopen = setTimeout(() => { read(); open(); }, 3000);
  };
}

function stop() {
  source?.close();
  successor?.close();
  clearTimeout(reopen);
  clearTimeout(renewal);
  source = successor = renewal = null;
}

function open() {
  stop();
  follow(new EventSource('/api/sse/calls'));
}

/** The present stream goes on until the next one is there. */
function renew() {
  const stream = successor = new EventSource('/api/sse/calls');
  stream.onopen = () => {
    source.close();
    clearTimeout(reopen);
    successor = null; // it is not to be closed now
    follow(stream);
    stream.onopen();
  };
  stream.onerror = () => {
    stream.close();
    successor = renewal = null;
  };
}

/** Opens the live feed; it stays open, whatever happens to the connection, until it is closed. */
export function openFeed() {
  if (source) return;
  become('connecting');
  open();
  watch = setInterval(() => {
    const { state, heard, since } = feed.peek();
    if (state !== 'stale' && Date.now() - (heard ?? since) > HEARTBEATS_MISSED) {
      become('stale');
      read();
      open();
    }
  }, 2000);
}

/** Closes it and forgets all cards. */
export function closeFeed() {
  stop();
  clearInterval(watch);
  epoch = last = reading = null;
  liveCalls.value = new Map();
  feed.value = { state: 'off', since: Date.now(), heard: null };
}
