import { computed, effect, signal } from '@preact/signals';

const asked = matchMedia('(prefers-color-scheme: dark)');
const system = signal(asked.matches);
asked.addEventListener('change', () => { system.value = asked.matches; });

/** light, dark, or system. */
export const theme = signal((() => { try { return localStorage.getItem('theme') ?? 'system'; } catch { return 'system'; } })());
/** Is the page dark now? */
export const dark = computed(() => (theme.value === 'system' ? system.value : theme.value === 'dark'));

effect(() => {
  document.documentElement.dataset.theme = dark.value ? 'dark' : 'light';
  try { localStorage.setItem('theme', theme.value); } catch { /* a browser that keeps nothing */ }
});
