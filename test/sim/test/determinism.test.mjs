import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultOptions } from '../options.mjs';
import { Simulator } from '../simulator.mjs';

const make = (options) => new Simulator(defaultOptions({ calls: 200, fixedPresigned: true, ...options }));
const all = (sim) => Array.from({ length: sim.store.count }, (_, ordinal) => sim.json(ordinal));

test('the same seed gives the same bytes, another seed gives others', () => {
  const first = all(make({ seed: 7 }));
  assert.deepEqual(all(make({ seed: 7 })), first);
  assert.notDeepEqual(all(make({ seed: 8 })), first);
});

test('presigned URLs differ from response to response unless fixed', () => {
  const sim = make({ fixedPresigned: false });
  const ordinal = Array.from({ length: 200 }, (_, i) => i).find((i) => sim.json(i).includes('presignedMonoUrl'));
  const before = sim.json(ordinal);
  sim.renderer.serial++;
  assert.notEqual(sim.json(ordinal), before);
});

test('ties: exactly so many calls have one createdAt, and order stays descending', () => {
  const at = Date.parse('2026-03-03T15:00:00.123Z');
  const sim = make({ calls: 2000, ties: 900, tiesAt: at, bytes: 2000 });
  const order = [...sim.store.order.subarray(0, 2000)].map((ordinal) => sim.store.createdAt[ordinal]);
  assert.equal(order.filter((t) => t === at).length, 900);
  for (let i = 1; i < order.length; i++) assert.ok(order[i] >= order[i - 1]);
  assert.equal(new Set(Array.from({ length: 2000 }, (_, i) => sim.store.id(i))).size, 2000);
  for (let i = 0; i < 2000; i += 97) assert.equal(sim.store.find(sim.store.id(i)), i);
});

test('shuffled ties change their order between requests but stay complete', () => {
  const sim = make({ calls: 300, ties: 150, tiesAt: Date.parse('2026-03-03T15:00:00Z'), bytes: 2000 });
  const filter = { createdFrom: -Infinity, createdTo: Infinity, updatedFrom: -Infinity, updatedTo: Infinity };
  const one = sim.store.list(filter, 300, true);
  const two = sim.store.list(filter, 300, true);
  assert.notDeepEqual(one, two);
  assert.deepEqual([...one].sort(), [...two].sort());
});

test('ids before August 2025 are version 4 and still found', () => {
  const sim = make({ calls: 50, from: Date.parse('2025-05-01T00:00:00Z'), to: Date.parse('2025-06-01T00:00:00Z') });
  for (let i = 0; i < 50; i++) {
    assert.equal(sim.store.id(i)[14], '4');
    assert.equal(sim.store.find(sim.store.id(i)), i);
  }
});

test('late costs: first without cost, later with cost and a newer updatedAt', () => {
  const sim = make({ calls: 200, lateCostShare: 0.5, lateCostMs: 1000, bytes: 6000 });
  const late = sim.store.unsettled.map(([, ordinal]) => ordinal);
  assert.ok(late.length > 40);
  const before = late.map((ordinal) => JSON.parse(sim.json(ordinal)));
  for (const call of before) {
    assert.equal(call.cost, 0);
    assert.ok(!call.costs && !call.summary && !call.analysis?.summary && call.transcript !== undefined);
  }
  sim.clock.advance(2000);
  sim.tick();
  late.forEach((ordinal, i) => {
    const call = JSON.parse(sim.json(ordinal));
    assert.ok(call.cost > 0 && call.costs && call.updatedAt > before[i].updatedAt);
  });
  assert.equal(sim.store.unsettled.length, 0);
});

test('the asked size is met within ten per cent, for sizes that are possible', () => {
  for (const bytes of [2500, 6000, 20000, 45000, 100000]) {
    const texts = all(make({ calls: 1500, bytes, seed: 5 }));
    const average = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / texts.length;
    assert.ok(Math.abs(average / bytes - 1) < 0.1, `${bytes}: ${Math.round(average)}`);
  }
});
