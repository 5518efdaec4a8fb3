/**
 * Recordings as audio of the call's length: 16-bit PCM in a WAV file, a tone for each speaker while they speak. Any part of it can be
 * had without making the rest.
 */
const RATE = 8000;
const HEADER = 44;

/** Who is heard on which channel of a kind. */
const CHANNELS = { mono: [['bot', 'user']], stereo: [['bot'], ['user']], customer: [['user']], assistant: [['bot']] };
const PITCH = { bot: 220, user: 330 };

/** One recording: kind, and the view of its call. */
export class Recording {
  constructor(kind, view) {
    this.channels = CHANNELS[kind];
    this.frame = this.channels.length * 2;
    this.samples = Math.max(0, Math.round(((view.played.endedAt - view.played.startedAt) * RATE) / 1000));
    this.variant = (view.plan.ordinal % 12) * 20;
    this.turns = (view.plan.conversation?.turns ?? []).slice(0, view.played.turns).filter((turn) => turn.who === 'bot' || turn.who === 'user');
  }

  /** Bytes in all. */
  get length() {
    return HEADER + this.samples * this.frame;
  }

  header() {
    const data = Buffer.alloc(HEADER);
    data.write('RIFF', 0);
    data.writeUInt32LE(this.length - 8, 4);
    data.write('WAVEfmt ', 8);
    data.writeUInt32LE(16, 16);
    data.writeUInt16LE(1, 20);
    data.writeUInt16LE(this.channels.length, 22);
    data.writeUInt32LE(RATE, 24);
    data.writeUInt32LE(RATE * this.frame, 28);
    data.writeUInt16LE(this.frame, 32);
    data.writeUInt16LE(16, 34);
    data.write('data', 36);
    data.writeUInt32LE(this.length - HEADER, 40);
    return data;
  }

  /** The bytes from `from` to `to` (exclusive). */
  slice(from, to) {
    const first = Math.max(0, Math.floor((from - HEADER) / this.frame));
    const last = Math.max(first, Math.min(this.samples, Math.ceil((to - HEADER) / this.frame)));
    const data = Buffer.alloc((last - first) * this.frame);
    for (const turn of this.turns) {
      const begin = Math.max(first, Math.floor((turn.at * RATE) / 1000));
      const end = Math.min(last, Math.floor((turn.until * RATE) / 1000));
      const step = ((PITCH[turn.who] + this.variant) * 2 * Math.PI) / RATE;
      this.channels.forEach((speakers, channel) => {
        if (!speakers.includes(turn.who)) return;
        // like syllables: five a second
        for (let i = begin; i < end; i++) data.writeInt16LE(Math.round(6000 * Math.sin(i * step) * Math.abs(Math.sin((i * Math.PI * 5) / RATE))), ((i - first) * this.channels.length + channel) * 2);
      });
    }
    const offset = HEADER + first * this.frame;
    const body = data.subarray(Math.max(0, from - offset), Math.max(0, to - offset));
    return from < HEADER ? Buffer.concat([this.header().subarray(from, Math.min(to, HEADER)), body]) : body;
  }
}

/** The range that a Range header asks for (RFC 9110): [from, to) or null for the whole, false when nothing of it is there. */
export function parseRange(header, length) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || (first === '' && last === '')) return null;
  if (first === '') return Number(last) === 0 ? false : [Math.max(0, length - Number(last)), length];
  if (Number(first) >= length) return false;
  if (last !== '' && Number(last) < Number(first)) return null;
  return [Number(first), last === '' ? length : Math.min(length, Number(last) + 1)];
}
