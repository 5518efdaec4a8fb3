/**
 * System prompts of any length, put together from guideline paragraphs.
 */
import { SLOTS } from './phrases.mjs';

const GUIDELINES = [
  'Speak in short sentences, one question at a time. Never read lists aloud. Numbers are spoken as words.',
  'Be warm and honest. If you do not know something, say so and offer that a colleague calls back.',
  'Never promise a price, a rebate or a date that is not in this prompt. Never discuss competitors by name.',
  'If the customer says that they do not want to be called, apologise, confirm that the number is on the do not call list, and end the call.',
  'If you reach a voicemail greeting, leave the voicemail message once and end the call.',
  'If the customer is silent, ask twice whether they are still there, then end the call politely.',
  'Confirm the spelling of names and email addresses only when you book an appointment.',
  'If the customer is angry, lower your pace, repeat what you understood, and offer a person.',
];

/** The system prompt of an assistant, close to `length` characters. */
export function systemPrompt(trade, agent, role, length) {
  const parts = [
    `[Identity]\nYou are ${agent}, a voice assistant of ${trade.company}. Your role: ${role}. You talk about ${trade.product} with home owners and businesses on the phone.`,
    `[Goal]\nFind out need, budget, timeline and who decides. Qualified customers get ${trade.visit} with a ${trade.expert}. Everybody else gets a friendly goodbye.`,
    `[Style]\n${GUIDELINES.slice(0, 3).join('\n')}`,
    `[Rules]\n${GUIDELINES.slice(3).join('\n')}`,
    `[Discovery]\n${[trade.need, ...trade.details, trade.budget, trade.timeline, trade.authority].map((q, i) => `${i + 1}. ${q.ask[0]}`).join('\n')}`,
    `[Objections]\n${trade.objections.map((o) => `- ${o.key}: the customer may say "${o.says[0]}" Answer in the spirit of: ${o.reply[0]}`).join('\n')}`,
    `[Calendar]\nUsual times: ${SLOTS.map((s) => s.join(' ')).join(', ')}. Use the tool book_appointment only after the customer agreed to a time.`,
  ];
  let text = parts.join('\n\n');
  for (let n = 1; text.length < length; n++) {
    const question = trade.details[n % trade.details.length];
    text += `\n\n[Example ${n}]\nAssistant: ${question.ask[n % question.ask.length]}\nCustomer: ${question.warm[n % question.warm.length]}\nAssistant: ${GUIDELINES[n % GUIDELINES.length]}`;
  }
  return length < text.length ? text.slice(0, Math.max(length, 60)) : text;
}
