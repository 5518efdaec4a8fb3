/**
 * What goes wrong on the way of webhooks, by the seed: loss, duplicates, replays, delay, another order, wrong signatures.
 *
 * A rule is {type?: regex, loss?, duplicate?, replay?, delay?, delayMs?, reorder?, wrong?}, each but the first and delayMs a
 * probability; the first rule whose type matches counts.
 */
import { Random } from './random.mjs';

const KNOWN = ['type', 'loss', 'duplicate', 'replay', 'delay', 'delayMs', 'reorder', 'wrong'];

/** Checks rules (an object is one rule) and returns them as a list. */
export function mishapRules(given) {
  const list = Array.isArray(given) ? given : given ? [given] : [];
  return list.map((rule) => {
    for (const key of Object.keys(rule)) {
      if (!KNOWN.includes(key)) throw new Error(`unknown mishap "${key}"; known: ${KNOWN.join(', ')}`);
      if (key !== 'type' && !(Number(rule[key]) >= 0)) throw new Error(`mishap ${key}: not a number`);
    }
    return { rule, type: new RegExp(rule.type ?? '') };
  });
}

/**
 * The deliveries of a call's events: [{event, sendAt, copy, lost?, wrong?, same?, mishap?}] by sendAt. `copy` counts the
 * deliveries of one event, `same` asks for the bytes of the first.
 */
export function planDeliveries(rules, seed, ordinal, events) {
  const list = [];
  events.forEach((event, i) => {
    const random = new Random(seed, 'delivery', ordinal, i);
    const rule = rules.find((r) => r.type.test(event.type))?.rule ?? {};
    const delivery = { event, sendAt: event.at + random.between(5, 60), copy: 0 };
    const mishaps = [];
    if (random.chance(rule.loss ?? 0)) {
      delivery.lost = true;
      mishaps.push('loss');
    }
    if (random.chance(rule.delay ?? 0)) {
      delivery.sendAt += Math.round((rule.delayMs ?? 10000) * random.next());
      mishaps.push('delay');
    }
    if (random.chance(rule.reorder ?? 0)) {
      const behind = events[Math.min(i + random.between(1, 4), events.length - 1)];
      delivery.sendAt = Math.max(delivery.sendAt, behind.at + (behind === event ? random.between(1000, 3000) : random.between(61, 200)));
      mishaps.push('reorder');
    }
    if (random.chance(rule.wrong ?? 0)) {
      delivery.wrong = true;
      mishaps.push('wrong');
    }
    list.push(delivery);
    const again = (mishap, more) => {
      mishaps.push(mishap);
      list.push({ event, sendAt: delivery.sendAt + random.between(200, 5000), mishaps: [mishap], ...more });
    };
    if (random.chance(rule.duplicate ?? 0)) again('duplicate', { copy: 1 });
    if (random.chance(rule.replay ?? 0)) again('replay', { copy: 0, same: true });
    delivery.mishaps = mishaps;
  });
  return list.sort((a, b) => a.sendAt - b.sendAt);
}
