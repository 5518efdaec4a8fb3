/**
 * Things to do at simulated times, in the order of their times and then of their entry.
 */
export class Agenda {
  constructor(clock) {
    this.clock = clock;
    this.heap = [];
    this.serial = 0;
    this.timer = null;
    clock.listeners.push(() => this.wake());
  }

  get size() {
    return this.heap.length;
  }

  /** Does `run` at a simulated time (epoch ms); never at once, so that the caller finishes first. */
  at(time, run) {
    const { heap } = this;
    const entry = { time, serial: this.serial++, run };
    let i = heap.length;
    heap.push(entry);
    while (i > 0 && before(entry, heap[(i - 1) >> 1])) {
      heap[i] = heap[(i - 1) >> 1];
      i = (i - 1) >> 1;
    }
    heap[i] = entry;
    if (i === 0) this.wake();
  }

  take() {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], last)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return first;
  }

  wake() {
    clearTimeout(this.timer);
    if (this.heap.length === 0) return;
    this.timer = setTimeout(() => this.work(), Math.min(this.clock.until(this.heap[0].time), 60000));
  }

  /** Does what is due, a slice at a time, so that requests are answered in between. */
  work() {
    const until = performance.now() + 20;
    while (this.heap.length > 0 && this.heap[0].time <= this.clock.now() && performance.now() < until) this.take().run();
    this.wake();
  }
}

function before(a, b) {
  return a.time < b.time || (a.time === b.time && a.serial < b.serial);
}
