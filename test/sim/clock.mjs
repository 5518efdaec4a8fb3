/**
 * The simulated clock: it starts where it is told to, and may run faster than the real one.
 */
export class Clock {
  /** start: epoch ms, null for the real time; factor: simulated seconds in a real one. */
  constructor(start, factor = 1) {
    this.factor = factor;
    this.listeners = [];
    this.anchor(start ?? Date.now());
  }

  anchor(time) {
    this.simulated = time;
    this.real = Date.now();
  }

  /** Epoch ms. */
  now() {
    return Math.floor(this.simulated + (Date.now() - this.real) * this.factor);
  }

  set(time) {
    this.anchor(time);
    for (const listener of this.listeners) listener();
  }

  advance(ms) {
    this.set(this.now() + ms);
  }

  setFactor(factor) {
    this.anchor(this.now());
    this.factor = factor;
    for (const listener of this.listeners) listener();
  }

  /** Real ms until a simulated time, at least 0. */
  until(time) {
    return Math.max(0, (time - this.now()) / this.factor);
  }
}
