/**
 * All calls, as a few typed arrays: creation time, update time, line and flags. Everything else is worked out on demand.
 */
import { callId, isUuid, ordinalOf } from './identity.mjs';

const DELETED = 1;
const UNSETTLED = 2;
const CREATED = 4;

export class Store {
  constructor(seed, account, lineOf) {
    this.seed = seed;
    this.account = account;
    this.lineOf = lineOf;
    this.count = 0;
    this.grow(1024);
    /** Parts of a call that a client or an administrator set: ordinal → {name, given, spec, costAdjust, endedBy…}. */
    this.extras = new Map();
    /** Calls whose cost and analysis are still to come: [settleAt, ordinal], ascending. */
    this.unsettled = [];
    this.live = new Set();
    this.rotation = 0;
  }

  grow(capacity) {
    const copy = (Type, old) => {
      const bigger = new Type(capacity);
      if (old) bigger.set(old.subarray(0, this.count));
      return bigger;
    };
    this.capacity = capacity;
    this.createdAt = copy(Float64Array, this.createdAt);
    this.updatedAt = copy(Float64Array, this.updatedAt);
    this.line = copy(Uint8Array, this.line);
    this.flags = copy(Uint8Array, this.flags);
    /** Ordinals by ascending creation time. */
    this.order = copy(Uint32Array, this.order);
  }

  /** Adds a call and returns its ordinal. */
  add(createdAt, updatedAt, line) {
    if (this.count === this.capacity) this.grow(this.capacity * 2);
    const ordinal = this.count;
    let at = this.count;
    if (at > 0 && this.createdAt[this.order[at - 1]] > createdAt) at = this.position(createdAt, true);
    this.order.copyWithin(at + 1, at, this.count);
    this.order[at] = ordinal;
    this.createdAt[ordinal] = createdAt;
    this.updatedAt[ordinal] = updatedAt;
    this.line[ordinal] = line;
    this.flags[ordinal] = 0;
    this.count++;
    return ordinal;
  }

  /** First position in `order` whose creation time is ≥ time (> time if `after`). */
  position(time, after) {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const t = this.createdAt[this.order[middle]];
      if (t < time || (after && t === time)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  id(ordinal) {
    return callId(this.seed, ordinal, this.createdAt[ordinal]);
  }

  /** The ordinal of an id, −1 if there is no such call. */
  find(id) {
    if (!isUuid(id)) return -1;
    const ordinal = ordinalOf(this.seed, id.toLowerCase());
    if (ordinal >= this.count || this.flags[ordinal] & DELETED) return -1;
    return this.id(ordinal) === id.toLowerCase() ? ordinal : -1;
  }

  isUnsettled(ordinal) {
    return (this.flags[ordinal] & UNSETTLED) !== 0;
  }

  /** Keeps cost and analysis of a call back until `settleAt`. */
  holdBack(ordinal, settleAt, updatedAt) {
    this.flags[ordinal] |= UNSETTLED;
    this.updatedAt[ordinal] = updatedAt;
    const entry = [settleAt, ordinal];
    let at = this.unsettled.length;
    while (at > 0 && this.unsettled[at - 1][0] > settleAt) at--;
    this.unsettled.splice(at, 0, entry);
  }

  /** When a call is to settle, null once it has. */
  settlesAt(ordinal) {
    if (!this.isUnsettled(ordinal)) return null;
    return this.unsettled.find(([, other]) => other === ordinal)[0];
  }

  /** Settles what is due at `now`; with `all`, everything. Returns how many. */
  settle(now, all = false) {
    let done = 0;
    while (done < this.unsettled.length && (all || this.unsettled[done][0] <= now)) {
      const [settleAt, ordinal] = this.unsettled[done++];
      this.flags[ordinal] &= ~UNSETTLED;
      this.updatedAt[ordinal] = all ? Math.min(settleAt, now) : settleAt;
    }
    this.unsettled.splice(0, done);
    return done;
  }

  remove(ordinal) {
    this.flags[ordinal] |= DELETED;
    this.live.delete(ordinal);
  }

  isDeleted(ordinal) {
    return (this.flags[ordinal] & DELETED) !== 0;
  }

  markCreated(ordinal) {
    this.flags[ordinal] |= CREATED;
  }

  isCreated(ordinal) {
    return (this.flags[ordinal] & CREATED) !== 0;
  }

  assistantId(ordinal) {
    return this.extras.get(ordinal)?.assistantId ?? this.lineOf(ordinal).assistantId;
  }

  phoneNumberId(ordinal) {
    return this.extras.get(ordinal)?.phoneNumberId ?? this.lineOf(ordinal).phoneNumber?.id ?? null;
  }

  /**
   * Ordinals of the newest `limit` calls that match, newest first.
   * filter: {id, assistantId, phoneNumberId, createdFrom, createdTo (inclusive), updatedFrom, updatedTo (inclusive)}.
   * `shuffleTies` returns calls of one millisecond in another order each time, as an API without a second sort key may.
   */
  list(filter, limit, shuffleTies) {
    if (filter.id !== undefined) {
      const ordinal = this.find(filter.id);
      return ordinal >= 0 && this.matches(ordinal, filter) && limit > 0 ? [ordinal] : [];
    }
    const found = [];
    const first = this.position(filter.createdFrom, false);
    let at = this.position(filter.createdTo, true) - 1;
    while (at >= first && found.length < limit) {
      let low = at;
      if (shuffleTies) while (low > first && this.createdAt[this.order[low - 1]] === this.createdAt[this.order[at]]) low--;
      const size = at - low + 1;
      const turn = size > 1 ? this.rotation++ * 7919 : 0;
      for (let i = 0; i < size && found.length < limit; i++) {
        const ordinal = this.order[low + ((size - 1 - i + turn) % size)];
        if (this.matches(ordinal, filter)) found.push(ordinal);
      }
      at = low - 1;
    }
    return found;
  }

  matches(ordinal, filter) {
    if (this.flags[ordinal] & DELETED) return false;
    const created = this.createdAt[ordinal];
    const updated = this.updatedAt[ordinal];
    if (created < filter.createdFrom || created > filter.createdTo || updated < filter.updatedFrom || updated > filter.updatedTo) return false;
    if (filter.assistantId !== undefined && this.assistantId(ordinal) !== filter.assistantId) return false;
    return filter.phoneNumberId === undefined || this.phoneNumberId(ordinal) === filter.phoneNumberId;
  }
}
