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

/** A 32-bit hash of a text (FNV-1a), to turn names into streams. */
export function hashText(text) {
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
    while (out.length < digits) out += this.word().toString(16).padStart(8, '0');
    return out.slice(0, digits);
  }

  /** A random UUID (version 4). */
  uuid() {
    const h = this.hex(32);
    const variant = ((parseInt(h[16], 16) & 3) | 8).toString(16);
    return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-${variant}${h.slice(17, 20)}-${h.slice(20)}`;
  }
}
