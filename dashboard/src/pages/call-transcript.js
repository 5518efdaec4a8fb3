import { Component } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { clock, count } from '../format.js';
import { Icon } from '../parts/icons.js';
import { Empty } from '../parts/states.js';

const PART = 50;
// So many lines with what is searched for are shown.
const FOUND = 300;
const NONE = [];
const SPEAKERS = { bot: 'Assistant', assistant: 'Assistant', user: 'Customer', tool_calls: 'Tool', tool_call_result: 'Tool' };

// The last line that has begun by then.
function lineAt(messages, seconds) {
  if (seconds === null) return null;
  let found = null;
  for (const { position, secondsFromStart } of messages) {
    if (secondsFromStart !== null && secondsFromStart <= seconds + 0.05) found = position;
  }
  return found;
}

/** A text with what is searched for marked. */
function Marked({ text, search }) {
  if (!search) return text;
  const parts = [];
  const lower = text.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(search); at >= 0 && parts.length < 400; at = lower.indexOf(search, from)) {
    parts.push(text.slice(from, at), html`<mark>${text.slice(at, at + search.length)}</mark>`);
    from = at + search.length;
  }
  return [...parts, text.slice(from)];
}

function Line({ message, current, target, search, onSeek }) {
  const { position, role, message: text, secondsFromStart: seconds } = message;
  const mine = role === 'user' ? 'customer' : 'agent';
  const time = seconds === null || seconds === undefined ? null
    : html`<button type="button" class="plain line-time" onClick=${() => onSeek(seconds)} title="Hear it from here">${clock(seconds)}</button>`;
  if (role === 'tool_calls' || role === 'tool_call_result') {
    return html`<li class="line tool" id=${`line-${position}`} tabindex="-1" aria-current=${current ? 'true' : undefined}>
      <${Icon} name="tool" size=${14} />${role === 'tool_calls' ? 'The assistant used a tool' : 'The tool answered'}${time}
      ${text && html`<details><summary>What it said</summary><pre dir="auto">${text}</pre></details>`}</li>`;
  }
  return html`<li class="line ${mine} ${target ? 'target' : ''}" id=${`line-${position}`} tabindex="-1" aria-current=${current ? 'true' : undefined}>
    <div class="line-head"><span class="speaker">${SPEAKERS[role] ?? role}</span>${time}</div>
    <p class="bubble" dir="auto" onClick=${() => seconds !== null && !String(getSelection()) && onSeek(seconds)}><${Marked} text=${text ?? ''} search=${search} /></p>
  </li>`;
}

// Long conversations are laid out by parts, of which the browser passes over those out of sight; with each tick of the recording one or
// two of them change.
class Part extends Component {
  shouldComponentUpdate(next) {
    return ['lines', 'current', 'target', 'search'].some((name) => next[name] !== this.props[name]);
  }

  render({ lines, current, target, search, onSeek }) {
    return html`<ol class="transcript-part" style=${{ '--lines': lines.length }}>
      ${lines.map((message) => html`<${Line} key=${message.position} message=${message} current=${message.position === current}
      target=${message.position === target} search=${search} onSeek=${onSeek} />`)}</ol>`;
  }
}

const within = (lines, position) => (position !== null && lines.length && position >= lines[0].position && position <= lines.at(-1).position ? position : null);

/** The conversation: its lines follow the recording, and a click on one has it heard from there. */
export function Transcript({ messages, call, at, wanted, onSeek }) {
  const [search, setSearch] = useState('');
  const [follow, setFollow] = useState(true);
  const list = useRef();
  const seek = useRef(onSeek);
  seek.current = onSeek;
  const stable = useMemo(() => (seconds) => seek.current(seconds), []);
  const sought = search.trim().toLowerCase();
  const lines = messages ?? NONE;
  const shown = useMemo(() => (sought ? lines.filter(({ message }) => message?.toLowerCase().includes(sought)) : lines), [lines, sought]);
  const parts = useMemo(() => {
    const most = sought ? Math.min(shown.length, FOUND) : shown.length;
    return Array.from({ length: Math.ceil(most / PART) }, (_, i) => shown.slice(i * PART, Math.min((i + 1) * PART, most)));
  }, [shown]);
  const current = lineAt(lines, at);

  const show = (position, focus) => {
    const line = list.current?.querySelector(`#line-${position}`);
    if (!line) return;
    const box = list.current;
    const place = () => { box.scrollTop += line.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 3; };
    place();
    // Parts that were out of sight get their true height only now.
    requestAnimationFrame(place);
    if (focus) line.focus({ preventScroll: true });
  };
  useEffect(() => { if (wanted) { setSearch(''); setTimeout(() => show(wanted.position, true)); } }, [wanted]);
  useEffect(() => { if (follow && current !== null && !sought) show(current, false); }, [current]);

  if (!messages) return html`<${Empty} title="Your profile does not show what was said.">Transcript, recording, summary and notes are for agents and administrators.</${Empty}>`;
  if (!lines.length) return html`<${Empty} title="Nothing was said, or it is not known yet.">${call.summary ? html`<p>${call.summary}</p>` : ''}</${Empty}>`;
  return html`<div class="transcript-tools">
    <form class="search" role="search" onSubmit=${(event) => event.preventDefault()}><${Icon} name="search" size=${16} />
      <label class="visually-hidden" for="line-search">Search in the conversation</label>
      <input id="line-search" type="search" placeholder="Search in the conversation" value=${search} onInput=${(event) => setSearch(event.currentTarget.value)} /></form>
    <span class="muted" aria-live="polite">${sought ? `${count(shown.length)} of ${count(lines.length)} lines${shown.length > FOUND ? `, the first ${FOUND} are shown` : ''}` : `${count(lines.length)} lines`}</span>
    <label class="check"><input type="checkbox" checked=${follow} onChange=${(event) => setFollow(event.currentTarget.checked)} />Follow the recording</label>
  </div>
  <div class="transcript" ref=${list} role="region" tabindex="0" aria-label="What was said">
    ${parts.map((part) => html`<${Part} key=${part[0].position} lines=${part} current=${within(part, current)} target=${within(part, wanted?.position ?? null)} search=${sought} onSeek=${stable} />`)}
  </div>`;
}
