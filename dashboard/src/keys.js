import { useEffect } from 'preact/hooks';

const typing = (element) => element?.closest?.('input, select, textarea, [contenteditable]');

/** Single keys while a part of the page is there: {key: action}. They rest while somebody types, with modifiers, and behind a dialog. */
export function useKeys(actions) {
  useEffect(() => {
    const listen = (event) => {
      if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || typing(event.target)) return;
      if (document.querySelector('dialog[open]')) return;
      const action = actions[event.key];
      if (!action) return;
      // Space is a button's and a link's own key.
      if (event.key === ' ' && event.target.closest?.('button, a, summary, audio')) return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  });
}
