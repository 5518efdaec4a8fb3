import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { rows, rpc } from '../api.js';
import { useResource } from '../load.js';
import { is } from '../session.js';
import { Time } from '../parts/badges.js';

const JUDGEMENTS = [['', 'No judgement'], ['true', 'Qualified'], ['false', 'Not qualified']];

function Given({ reviews }) {
  const valid = reviews.filter(({ counts }) => counts);
  if (!valid.length) return html`<p class="muted">Nobody has reviewed it.</p>`;
  return html`<ul class="notes">${valid.map((review) => html`<li key=${review.reviewed_at}>
    <p dir="auto">${review.qualified === null ? '' : html`<b>${review.qualified ? 'Qualified' : 'Not qualified'}</b>`}${review.score === null ? '' : ` ${review.score} of 100`}
      ${review.note ? ` ${review.note}` : ''}</p>
    <span class="muted">${review.reviewed_by}, <${Time} value=${review.reviewed_at} /></span></li>`)}</ul>`;
}

/** What a person thinks of the score. The score stays; its accuracy is measured by these. */
export function ReviewCard({ id }) {
  const [qualified, setQualified] = useState('');
  const [score, setScore] = useState('');
  const [note, setNote] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const reviews = useResource(`reviews ${id}`, (signal) => rows('call_reviews', { call_id: `eq.${id}`, order: 'reviewed_at.desc' }, { signal }));
  if (!is('agent', 'admin')) return null;
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await rpc('vapi_review', { id, score: score === '' ? null : Number(score), qualified: qualified === '' ? null : qualified === 'true', note: note.trim() || null });
      setQualified('');
      setScore('');
      setNote('');
      reviews.reload();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return html`<section class="card" aria-labelledby="review-title"><h2 id="review-title">Review</h2>
    ${reviews.data && html`<${Given} reviews=${reviews.data} />`}
    <details class="set-outcome"><summary>Review the score</summary><form onSubmit=${save}>
      <label class="field">This lead is<select value=${qualified} onChange=${(event) => setQualified(event.currentTarget.value)}>
        ${JUDGEMENTS.map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}</select></label>
      <label class="field">Score it should have<input type="number" min="0" max="100" step="1" placeholder="0 to 100" value=${score}
        onInput=${(event) => setScore(event.currentTarget.value)} /></label>
      <label class="field">Why<input maxlength="500" placeholder="What was missed or misread" value=${note} onInput=${(event) => setNote(event.currentTarget.value)} /></label>
      ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
      <div class="buttons"><button type="submit" class="primary" disabled=${busy || (qualified === '' && score === '')}>Save review</button></div></form></details>
  </section>`;
}
