import { h } from 'preact';
import htm from 'htm';

/** Markup as a tagged template; values become text nodes and attributes, never markup. */
export const html = htm.bind(h);
