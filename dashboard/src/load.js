import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

// The latest answers, so that Back shows at once what was there.
const answers = new Map();
const KEPT = 40;

function keep(key, entry) {
  answers.delete(key);
  answers.set(key, entry);
  if (answers.size > KEPT) answers.delete(answers.keys().next().value);
}

/** Forgets all answers: another account must not see them. */
export const forgetAnswers = () => answers.clear();

/**
 * An answer of the server and its state.
 * `key` names what is asked for (null: nothing), `ask` gets an AbortSignal, `every` asks again after so many ms; an answer that is younger than
 * `fresh` ms is not asked for again, but by reload (`fresh` and `every` do not go together).
 * Returns {data, at, error, failedAt, loading, slow, reload, change}: `slow` after 200 ms without data; with `error`, `data` is the
 * last good answer, of `at`; `change` alters the data that is shown.
 */
export function useResource(key, ask, { every, fresh = 0 } = {}) {
  const [state, setState] = useState(() => ({ key, ...answers.get(key), loading: key !== null }));
  const [turn, setTurn] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  const current = state.key === key ? state : { key, ...answers.get(key), loading: key !== null };

  useEffect(() => {
    if (key === null) return undefined;
    const had = answers.get(key);
    if (turn === 0 && had && Date.now() - had.at < fresh) {
      setState({ key, ...had, loading: false });
      return undefined;
    }
    const abort = new AbortController();
    let again;
    const slow = setTimeout(() => setState((s) => (s.key === key && s.loading ? { ...s, slow: true } : s)), 200);
    setState((s) => (s.key === key ? { ...s, loading: true } : { key, ...answers.get(key), loading: true }));
    latest.current(abort.signal).then((data) => {
      const entry = { data, at: Date.now() };
      keep(key, entry);
      setState({ key, ...entry, loading: false });
    }, (error) => {
      if (abort.signal.aborted) return;
      setState((s) => ({ ...s, key, error, failedAt: s.failedAt ?? Date.now(), loading: false, slow: false }));
      // What may mend itself is asked for again.
      if (error.status === 0 || error.status >= 502 || error.status === 429) again = setTimeout(() => setTurn((n) => n + 1), 5000);
    }).finally(() => clearTimeout(slow));
    const poll = every ? setInterval(() => { if (!document.hidden) setTurn((n) => n + 1); }, every) : undefined;
    return () => { abort.abort(); clearTimeout(slow); clearTimeout(again); clearInterval(poll); };
  }, [key, turn, every, fresh]);

  const reload = useCallback(() => setTurn((n) => n + 1), []);
  const change = useCallback((alter) => setState((s) => {
    if (!s.data) return s;
    const data = alter(s.data);
    if (data === s.data) return s;
    keep(s.key, { data, at: s.at });
    return { ...s, data };
  }), []);
  return { ...current, reload, change };
}
