import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { clock, words } from '../format.js';
import { useKeys } from '../keys.js';
import { Icon } from '../parts/icons.js';

const SPEEDS = [0.75, 1, 1.25, 1.5, 1.75, 2];
const CHANNELS = { mono: 'Both', stereo: 'Both, stereo', customer: 'Customer', assistant: 'Assistant' };
const ENDED = new Set(['completed', 'failed', 'no-answer', 'busy', 'voicemail', 'canceled']);

/** Why there is nothing to be heard. */
function why(call) {
  if (!ENDED.has(call.status)) return 'The recording comes when the call has ended.';
  if (!call.reached && !call.duration) return 'There is no recording: the call was not connected.';
  if (!call.settled) return 'There is no recording yet: Vapi has not settled the call.';
  return 'Vapi has no recording of this call: recording was off, or it was deleted there.';
}

// What the server says instead of sound; an audio element only knows that it failed.
async function reason(url) {
  try {
    const answer = await fetch(url, { headers: { Range: 'bytes=0-0' } });
    if (answer.ok) return 'The recording came, but this browser cannot play it. It can be downloaded.';
    const body = await answer.json().catch(() => ({}));
    return body.detail ?? body.message ?? `The recording cannot be had now (${answer.status}).`;
  } catch {
    return 'The recording cannot be had now: the server cannot be reached.';
  }
}

/** Plays the recording. `control` gets {seek}, `onTime` the place in seconds. */
export function Player({ call, control, onTime }) {
  if (!call.recordings) return html`<p class="no-recording">Your profile does not hear recordings.</p>`;
  const kinds = call.recordings.filter((kind) => CHANNELS[kind]);
  if (!kinds.length) return html`<p class="no-recording">${why(call)}</p>`;
  return html`<${Controls} call=${call} kinds=${kinds} control=${control} onTime=${onTime} />`;
}

function Controls({ call, kinds, control, onTime }) {
  const audio = useRef();
  const [kind, setKind] = useState(kinds[0]);
  const [playing, setPlaying] = useState(false);
  const [time, setTime] = useState(0);
  const [length, setLength] = useState(call.duration ?? 0);
  const [speed, setSpeed] = useState(1);
  const [error, setError] = useState(null);
  const resume = useRef(null);
  const url = `${call.recordingUrl}?kind=${kind}`;

  const tell = (seconds) => { setTime(seconds); onTime(seconds); };
  const play = () => audio.current.play().catch(() => {});
  const toggle = () => (audio.current.paused ? play() : audio.current.pause());
  const seek = (seconds) => {
    const to = Math.max(0, Math.min(seconds, length || seconds));
    // Before anything is loaded the place is kept for the first play.
    if (audio.current.readyState === 0) resume.current = to;
    else audio.current.currentTime = to;
    tell(to);
  };
  const skip = (seconds) => seek((resume.current ?? audio.current.currentTime) + seconds);
  const faster = (step) => setSpeed((now) => SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(now) + step))]);
  useEffect(() => { control.current = { seek }; return () => { control.current = null; }; });
  useEffect(() => { audio.current.playbackRate = speed; }, [speed, kind]);
  useKeys({ ' ': toggle, ArrowLeft: () => skip(-10), ArrowRight: () => skip(10), '[': () => faster(-1), ']': () => faster(1) });

  const change = (event) => {
    resume.current = audio.current.readyState ? audio.current.currentTime : resume.current;
    audio.current.pause();
    setError(null);
    setKind(event.currentTarget.value);
  };
  const loaded = () => {
    const { duration } = audio.current;
    if (Number.isFinite(duration) && duration > 0) setLength(duration);
    audio.current.playbackRate = speed;
    if (resume.current !== null) audio.current.currentTime = resume.current;
    resume.current = null;
  };
  return html`<div class="player" role="group" aria-label="Recording">
    <audio ref=${audio} src=${url} preload="none" onPlay=${() => setPlaying(true)} onPause=${() => setPlaying(false)} onEnded=${() => setPlaying(false)}
      onLoadedMetadata=${loaded} onTimeUpdate=${() => tell(audio.current.currentTime)}
      onError=${() => { setPlaying(false); reason(url).then(setError); }} />
    <button type="button" class="primary round" onClick=${toggle} aria-label=${playing ? 'Pause' : 'Play'} title="Space"><${Icon} name=${playing ? 'pause' : 'play'} />
      </button>
    <button type="button" class="plain" onClick=${() => skip(-10)} title="←">−10 s</button>
    <button type="button" class="plain" onClick=${() => skip(10)} title="→">+10 s</button>
    <span class="player-time">${clock(time)}</span>
    <input class="seek" type="range" min="0" max=${Math.max(1, Math.ceil(length))} step="1" value=${Math.floor(time)} aria-label="Place in the recording"
      aria-valuetext=${`${clock(time)} of ${clock(length)}`} onInput=${(event) => seek(Number(event.currentTarget.value))} />
    <span class="player-time muted">${clock(length)}</span>
    <label class="visually-hidden" for="speed">Speed</label>
    <select id="speed" value=${speed} onChange=${(event) => setSpeed(Number(event.currentTarget.value))} title="[ and ]">
      ${SPEEDS.map((value) => html`<option key=${value} value=${value}>${value}×</option>`)}</select>
    <label class="visually-hidden" for="channel">Channel</label>
    <select id="channel" value=${kind} onChange=${change}>${kinds.map((value) => html`<option key=${value} value=${value}>${CHANNELS[value] ?? words(value)}</option>`)}
      </select>
    <a class="button-link" href=${url} download=${`call-${call.id}-${kind}`} title="Download this recording"><${Icon} name="download" size=${17} />
      <span class="visually-hidden">Download this recording</span></a>
    ${error && html`<p class="banner warn player-error" role="alert">${error}</p>`}
  </div>`;
}
