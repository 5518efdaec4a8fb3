import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { request, rows } from '../api.js';
import { back } from '../router.js';
import { useResource } from '../load.js';
import { caller, duration, ending, money, words } from '../format.js';
import { liveCalls, onCard } from '../live-feed.js';
import { useKeys } from '../keys.js';
import { is } from '../session.js';
import { Answer, Empty } from '../parts/states.js';
import { PageHead } from '../parts/shell.js';
import { Copy } from '../parts/copy.js';
import { Icon } from '../parts/icons.js';
import { Direction, Status, Time } from '../parts/badges.js';
import { Player } from './call-player.js';
import { Transcript } from './call-transcript.js';
import { ScoreCard } from './call-score.js';
import { CostCard, FactsCard, LeadCard } from './call-facts.js';
import { NotesCard } from './call-notes.js';
import { ReviewCard } from './call-review.js';
import { OutcomeCard } from './call-outcome.js';
import { RawCard, TimelineCard } from './call-timeline.js';

function Head({ call }) {
  const { title, detail } = caller(call);
  return html`<div class="call-head">
    <button type="button" class="plain back" onClick=${() => back('/calls')}><${Icon} name="back" size=${16} />Calls</button>
    <${PageHead} title=${title} tab=${`Call with ${title}`}><${Copy} text=${location.origin + location.pathname} label="the link to this call" /></${PageHead}>
    ${detail && html`<p class="muted call-detail">${detail}</p>`}
    <dl class="facts-line">
      <div><dt class="visually-hidden">Status</dt><dd><${Status} value=${call.status} /></dd></div>
      <div><dt class="visually-hidden">Direction</dt><dd><${Direction} direction=${call.direction} type=${call.type} /></dd></div>
      <div><dt>Begun</dt><dd><${Time} value=${call.startedAt ?? call.createdAt} /></dd></div>
      <div><dt>Duration</dt><dd>${duration(call.duration)}</dd></div>
      <div><dt>Cost</dt><dd>${money(call.cost)}${call.settled ? '' : html` <span class="muted" title="Vapi has not settled the call yet: cost and analysis may change">so far</span>`}</dd></div>
      <div><dt>Outcome</dt><dd>${call.outcome ? words(call.outcome) : html`<span class="muted">none</span>`}</dd></div>
      ${call.endedReason && html`<div><dt>Ended</dt><dd title=${call.endedReason}>${ending(call.endedReason)}</dd></div>`}
    </dl>
    ${call.errorMessage && call.errorMessage !== call.endedReason && html`<p class="banner bad">${call.errorMessage}</p>`}
  </div>`;
}

function Detail({ call, score, reload }) {
  const audio = useRef(null);
  const [at, setAt] = useState(null);
  const [wanted, setWanted] = useState(null);
  const seek = (seconds) => {
    setAt(seconds);
    audio.current?.seek(seconds);
  };
  // Evidence names a message by its place; its line is shown and begins to sound from there.
  const jump = (position, seconds) => {
    setWanted({ position });
    if (seconds !== null) seek(Number(seconds));
  };
  const live = liveCalls.value.has(call.id);
  return html`<${Head} call=${call} />
  ${live && html`<p class="banner" role="status"><span>This call is under way. What is said appears on the page <a href="/live">Live</a>; transcript and score come when it has ended.</span></p>`}
  <div class="call-grid">
    <div class="call-main">
      <section class="card talk" aria-labelledby="talk-title">
        <h2 id="talk-title" class="visually-hidden">Conversation</h2>
        <${Player} call=${call} control=${audio} onTime=${setAt} />
        <${Transcript} messages=${call.messages} call=${call} at=${at} wanted=${wanted} onSeek=${seek} />
      </section>
    </div>
    <div class="call-side">
      <${ScoreCard} call=${call} score=${score} onJump=${jump} />
      ${score.data?.total && score.data.total.score !== null && html`<${ReviewCard} key=${call.id} id=${call.id} />`}
      <${OutcomeCard} call=${call} onSet=${reload} />
      <${LeadCard} call=${call} onChange=${reload} />
      <${NotesCard} call=${call} onAdded=${reload} />
      <${CostCard} call=${call} />
      <${FactsCard} call=${call} />
    </div>
    ${is('admin') && html`<div class="call-admin"><${TimelineCard} id=${call.id} /><${RawCard} call=${call} /></div>`}
  </div>`;
}

/** One call, whole. */
export function CallPage({ id }) {
  const call = useResource(`call ${id}`, (signal) => request(`/api/vapi/calls/${encodeURIComponent(id)}`, { signal }));
  const score = useResource(`score ${id}`, async (signal) => {
    const filter = { call_id: `eq.${id}` };
    const [[total], parts] = await Promise.all([rows('call_scores', filter, { signal }), rows('call_score_components', { ...filter, order: 'position' }, { signal })]);
    return { total, parts };
  });
  useKeys({ Escape: () => back('/calls') });
  useEffect(() => {
    let timer;
    const stop = onCard((card) => {
      if (card.id !== id) return;
      clearTimeout(timer);
      timer = setTimeout(() => { call.reload(); score.reload(); }, card.live ? 3000 : 800);
    });
    return () => { stop(); clearTimeout(timer); };
  }, [id]);
  if (call.error?.status === 404) {
    return html`<${PageHead} title="No such call" /><${Empty} title=${call.error.message}><p>${call.error.hint ?? ''}</p><a href="/calls">All calls</a></${Empty}>`;
  }
  return html`<${Answer} resource=${call} lines=${14}>${(data) => html`<${Detail} call=${data} score=${score} reload=${call.reload} />`}</${Answer}>`;
}
