import { html } from '../html.js';
import { clock, words } from '../format.js';
import { Failure } from '../parts/states.js';
import { Temperature } from '../parts/badges.js';

const TURN = 2 * Math.PI * 34;

function Ring({ score, band }) {
  return html`<svg class="ring ${band ?? ''}" viewBox="0 0 80 80" width="88" height="88" role="img" aria-label=${`Score ${score} of 100`}>
    <circle cx="40" cy="40" r="34" class="ring-track" /><circle cx="40" cy="40" r="34" class="ring-value" stroke-dasharray=${`${(score / 100) * TURN} ${TURN}`} transform="rotate(-90 40 40)" />
    <text x="40" y="46" text-anchor="middle">${score}</text></svg>`;
}

function Part({ part, onJump }) {
  const { component, answer, state, points, max_points: most, quote, turn, seconds_from_start: seconds, source } = part;
  const said = state === 'unknown' ? 'not discussed' : answer ? words(answer).toLowerCase() : state === 'denied' ? 'denied' : '';
  return html`<li class="part">
    <div class="part-head"><span class="part-name">${words(component)}</span><span class="part-answer ${state}">${said}</span><span class="part-points">${points}
      <span class="muted"> / ${most}</span></span></div>
    <div class="part-bar" aria-hidden="true"><span style=${{ width: `${most ? (points / most) * 100 : 0}%` }} /></div>
    ${quote && !/^(true|false)$/.test(quote) && (turn === null
    ? html`<p class="quote" dir="auto">${quote}${source ? html` <span class="muted">(${words(source).toLowerCase()})</span>` : ''}</p>`
    : html`<button type="button" class="plain quote" onClick=${() => onJump(turn, seconds)} title="Show where it was said"><q dir="auto">${quote}</q>
      ${seconds !== null && html` <span class="muted">${clock(seconds)}</span>`}</button>`)}
  </li>`;
}

/** The score with what it is made of; a quote leads to the line where it was said. */
export function ScoreCard({ call, score, onJump }) {
  const { total, parts = [] } = score.data ?? {};
  let body;
  if (score.error && !score.data) body = html`<${Failure} error=${score.error} since=${score.failedAt} retry=${score.reload} />`;
  else if (!score.data) body = html`<p class="muted">…</p>`;
  else if (!total || total.score === null) {
    body = html`<p class="muted">${total?.reason ? `Not scored: ${words(total.reason).toLowerCase()}.` : call.reached === false ? 'Not scored: nobody was reached.' : 'Not scored yet.'}</p>
      ${call.reportedScore !== undefined && html`<p>The event that told of it said ${call.reportedScore} of 100.</p>`}`;
  } else {
    body = html`<div class="score-top"><${Ring} score=${total.score} band=${total.band} />
      <div><p><${Temperature} value=${total.band} /></p>
        <p class="score-line">From <b>${total.coverage} %</b> of the facts${total.score_if_known !== null && total.coverage < 100 ? html`; <b>${total.score_if_known}
          </b> if the rest is alike` : ''}.</p>
        ${total.reported_score !== null && html`<p class="footnote">Reported: ${total.reported_score}</p>`}</div></div>
      <ol class="parts">${parts.map((part) => html`<${Part} key=${part.position} part=${part} onJump=${onJump} />`)}</ol>
      ${total.would_raise.length > 0 && html`<p class="raise"><b>Would raise it:</b> ${total.would_raise.map((name) => words(name).toLowerCase()).join(', ')}.</p>`}
      ${total.open_objections.length > 0 && html`<p class="raise"><b>Open objections:</b> ${total.open_objections.map((name) => words(name).toLowerCase()).join(', ')}.</p>`}
      <p class="footnote">Rubric ${total.rubric_version}. The points sum to the score.</p>`;
  }
  return html`<section class="card" aria-labelledby="score-title"><h2 id="score-title">Qualification score</h2>${body}</section>`;
}
