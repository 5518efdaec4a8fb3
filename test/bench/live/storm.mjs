#!/usr/bin/env node
/**
 * What makes nchan abort without deploy/nginx/live.conf's precautions: 200 clients that come with an id of a message at random, or with
 * the headers that nchan reads one from, stay for a moment and come again, in 20 channels of which half are empty; now and then one is deleted.
 *
 *   storm.mjs FOLDER SECONDS    FOLDER has live.sock and publish.sock
 */
import http from 'node:http';

const [folder, seconds] = process.argv.slice(2);
const until = performance.now() + Number(seconds) * 1000;
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const any = (list) => list[Math.floor(Math.random() * list.length)];
const statuses = {};
let connections = 0;

function headers() {
  const now = Math.floor(Date.now() / 1000);
  const id = any(['1:0', '1:', `${now}:0`, `${now - 10}:0`, `${now + 100}:0`, '0:0', 'x', '', `${now - Math.floor(Math.random() * 60)}:${Math.floor(Math.random() * 3)}`]);
  return any([{ 'Last-Event-ID': id }, { 'Last-Event-ID': id }, { 'If-None-Match': '0', 'If-Modified-Since': new Date().toUTCString() }, {}]);
}

function connect() {
  return new Promise((resolve) => {
    const request = http.get({ socketPath: `${folder}/live.sock`, path: `/30/storm${Math.floor(Math.random() * 20)}`, agent: false, headers: { Accept: 'text/event-stream', ...headers() } }, (response) => {
      statuses[response.statusCode] = (statuses[response.statusCode] ?? 0) + 1;
      response.resume();
      response.on('error', resolve);
      response.on('close', resolve);
      setTimeout(() => request.destroy(), Math.random() * 500);
    });
    request.on('error', () => resolve());
    request.on('close', resolve);
    connections += 1;
  });
}

async function client() {
  while (performance.now() < until) await connect();
}

let deleted = 0;
function send(method, channel, body) {
  const request = http.request({ socketPath: `${folder}/publish.sock`, path: `/publish/storm${channel}`, method });
  request.on('response', (response) => {
    if (method === 'DELETE' && response.statusCode === 200) deleted += 1;
    response.resume();
  });
  request.on('error', () => {});
  request.end(body);
}

async function publisher() {
  while (performance.now() < until) {
    send('POST', Math.floor(Math.random() * 10), '{}');
    if (Math.random() < 0.05) send('DELETE', Math.floor(Math.random() * 20));
    await pause(5);
  }
}

await Promise.all([publisher(), ...Array.from({ length: 200 }, client)]);
console.log(JSON.stringify({ phase: 'storm', seconds: Number(seconds), connections, deleted, statuses }));
process.exit(0);
