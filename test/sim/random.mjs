/**
 * Deterministic randomness: everything that the simulator invents is a function of the seed.
 */

/** Mixes two 32-bit integers into one. */
export function mix(a, b) {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul((b + 0x7f4a7c15) | 0, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  h ^= h >>> 12;
  h = Math.imul(h, 0x297a2d39);
  h ^= h >>> 15;
  return h >>> 0;
}

/** Eight hexadecimal digits of a 32-bit integer. */
export function hex8(value) {
  return (value >>> 0).toString(16).padStart(8, '0');
}

/** A 32-bit hash of a text (FNV-1a), to turn names into streams. */
function hashText(text) {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/**
 * A small random generator (mulberry32).
 * `next()` is uniform in [0, 1); `word()` is a 32-bit integer.
 */
export class Random {
  constructor(...seeds) {
    let s = 0;
    for (const seed of seeds) s = mix(s, typeof seed === 'string' ? hashText(seed) : seed);
    this.state = s;
  }

  word() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  next() {
    return this.word() / 4294967296;
  }

  /** Integer in [low, high], both inclusive. */
  between(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** True with probability p. */
  chance(p) {
    return this.next() < p;
  }

  /** One element of a list. */
  pick(list) {
    return list[Math.floor(this.next() * list.length)];
  }

  /** One key of an object {key: weight}. */
  weighted(weights) {
    let total = 0;
    for (const key in weights) total += weights[key];
    let at = this.next() * total;
    let last;
    for (const key in weights) {
      last = key;
      at -= weights[key];
      if (at < 0) return key;
    }
    return last;
  }

  /** Bell-shaped around 0 with standard deviation 1 (sum of uniforms). */
  bell() {
    return (this.next() + this.next() + this.next() + this.next() - 2) * 1.732;
  }

  /** Lower-case hexadecimal digits. */
  hex(digits) {
    let out = '';
    while (out.length < digits) out += hex8(this.word());
    return out.slice(0, digits);
  }

  /** A random UUID (version 4). */
  uuid() {
    const middle = hex8(this.word());
    const tail = hex8((this.word() & 0x3fffffff) | 0x80000000);
    return `${hex8(this.word())}-${middle.slice(0, 4)}-4${middle.slice(5)}-${tail.slice(0, 4)}-${tail.slice(4)}${hex8(this.word())}`;
  }
}
