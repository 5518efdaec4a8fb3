// The labelled calls and sentences are as labelled/README.md says, and no sentence is in two of the sets.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const read = (name) => {
	const text = readFileSync(new URL(`labelled/${name}.jsonl`, import.meta.url), 'utf8');
	assert.ok(text.endsWith('\n'), `${name} ends with a line end`);
	return text.slice(0, -1).split('\n').map((line) => JSON.parse(line));
};

const kinds = [
	'qualified', 'polite refusal', 'sarcasm', 'gatekeeper', 'call-back', 'price objection resolved', 'price objection open',
	'wrong number', 'one-word customer', 'transcription noise', 'do not call', 'not reached', 'information', 'undecided'];
const objectionTypes = ['price', 'timing', 'authority', 'no_need', 'competitor', 'trust', 'contract', 'other'];
const outcomes = [
	'meeting-scheduled', 'sale', 'transferred', 'callback-scheduled', 'information-requested', 'undecided', 'not-interested',
	'do-not-call', 'wrong-number', 'not-reached'];
const answers = {
	next_step: ['dated', 'callback', 'information', 'none', 'unknown'],
	need: ['specific', 'vague', 'denied', 'unknown'],
	budget: ['stated', 'range', 'none', 'unknown'],
	authority: ['decides', 'influences', 'refers', 'no', 'unknown'],
	timeline: ['within_30_days', 'within_90_days', 'later', 'none', 'unknown'],
	objections: ['none', 'resolved', 'open', 'hard_refusal'],
};

const keysAre = (value, keys, where) => assert.deepEqual(Object.keys(value).sort(), [...keys].sort(), where);

const checkMessages = (call) => {
	assert.ok(call.messages.length >= 1 && call.messages.length <= 40, `${call.id}: ${call.messages.length} turns`);
	let before = -1;
	for (const message of call.messages) {
		keysAre(message, ['role', 'message', 'secondsFromStart'], call.id);
		assert.ok(['bot', 'user'].includes(message.role), call.id);
		assert.ok(message.message.length > 0 && message.message === message.message.trim(), call.id);
		assert.ok(message.secondsFromStart > before, `${call.id}: time goes on`);
		before = message.secondsFromStart;
	}
};

// A label contradicts neither itself nor the rubric's rules.
const checkLabel = ({ id, label, messages }) => {
	keysAre(label, [
		'reached', 'qualified', 'score_band', 'components', 'sentiment', 'commitment', 'objections', 'do_not_call', 'outcome'], id);
	for (const field of ['reached', 'qualified', 'commitment', 'do_not_call']) assert.equal(typeof label[field], 'boolean', id);
	assert.ok(['hot', 'warm', 'cold', 'blocked', null].includes(label.score_band), id);
	assert.ok(['positive', 'neutral', 'negative', null].includes(label.sentiment), id);
	assert.ok(outcomes.includes(label.outcome), id);
	keysAre(label.components, Object.keys(answers), id);
	for (const [component, state] of Object.entries(label.components))
		assert.ok(answers[component].includes(state), `${id}: ${component} ${state}`);
	for (const objection of label.objections) {
		keysAre(objection, ['type', 'resolved'], id);
		assert.ok(objectionTypes.includes(objection.type), id);
		assert.equal(typeof objection.resolved, 'boolean', id);
	}
	assert.equal(new Set(label.objections.map((o) => o.type)).size, label.objections.length, `${id}: each type at most once`);

	const blocked = ['do-not-call', 'wrong-number'].includes(label.outcome);
	const customer = messages.filter((message) => message.role === 'user').length;
	assert.equal(label.reached, label.outcome !== 'not-reached', id);
	assert.equal(label.score_band === null, !label.reached, id);
	assert.equal(label.sentiment === null, !label.reached, id);
	assert.equal(label.score_band === 'blocked', blocked, id);
	assert.equal(label.do_not_call, label.outcome === 'do-not-call', id);
	assert.equal(label.qualified, label.score_band === 'hot', id);
	if (label.reached && !blocked) assert.ok(customer >= 2, `${id}: two customer lines`);
	if (label.qualified) assert.equal(label.components.next_step, 'dated', id);
	if (label.components.next_step === 'dated') assert.ok(label.commitment, id);
	if (label.components.objections === 'resolved')
		assert.ok(label.objections.length && label.objections.every((o) => o.resolved), id);
	if (label.components.objections === 'open') assert.ok(label.objections.some((o) => !o.resolved), id);
	if (label.components.objections === 'none') assert.equal(label.objections.length, 0, id);
};

const halves = { tuning: read('tuning'), holdout: read('holdout') };
const unseen = read('unseen');
const development = read('development');
const singleAnswers = read('answers');

test('each call has the shape and a label without contradictions', () => {
	for (const calls of [...Object.values(halves), development, unseen])
		for (const call of calls) {
			keysAre(call, ['id', 'trade', 'kind', 'ended_reason', 'messages', 'label'], call.id);
			assert.ok(kinds.includes(call.kind), `${call.id}: ${call.kind}`);
			assert.match(call.ended_reason, /^[a-z]+(-[a-z]+)*$/, call.id);
			checkMessages(call);
			checkLabel(call);
		}
});

test('the halves have the promised mixture', () => {
	const { tuning, holdout } = halves;
	assert.ok(tuning.length + holdout.length >= 140);
	assert.equal(tuning.length, holdout.length);
	const all = [...tuning, ...holdout];
	assert.equal(new Set(all.map((call) => call.id)).size, all.length, 'ids are unique');
	for (const [name, calls] of Object.entries(halves)) {
		const qualified = calls.filter((call) => call.label.qualified).length;
		assert.ok(qualified >= calls.length * 0.25, `${name}: ${qualified} of ${calls.length} are qualified`);
		assert.ok(calls.some((call) => call.messages.length <= 3), `${name}: a call of three turns at most`);
		assert.ok(calls.some((call) => call.messages.length >= 30), `${name}: a call of thirty turns`);
	}
	for (const kind of kinds) {
		const [a, b] = [tuning, holdout].map((calls) => calls.filter((call) => call.kind === kind).length);
		assert.ok(a >= 3 && a === b, `${kind}: ${a} and ${b}`);
	}
	const trades = new Set(tuning.map((call) => call.trade));
	assert.ok(trades.size >= 8 && new Set(holdout.map((call) => call.trade)).size >= 8);
	for (const call of holdout) assert.ok(!trades.has(call.trade), `${call.id}: a trade of its own`);
});

test('the unseen calls are many, of all kinds and answers, and mostly of trades of their own', () => {
	assert.ok(unseen.length >= 120);
	assert.ok(unseen.filter((call) => call.label.qualified).length >= unseen.length * 0.25);
	for (const kind of kinds) assert.ok(unseen.some((call) => call.kind === kind), kind);
	for (const [component, states] of Object.entries(answers))
		for (const state of states)
			assert.ok(unseen.filter((call) => call.label.components[component] === state).length >= 5, `${component} ${state}`);
	const trades = new Set([...halves.tuning, ...development].map((call) => call.trade));
	assert.ok([...new Set(unseen.map((call) => call.trade))].filter((trade) => !trades.has(trade)).length >= 90, 'most trades are of its own');
});

test('the calls to develop with are many and of all kinds', () => {
	assert.ok(development.length >= 150);
	const known = new Set([...Object.values(halves).flat(), ...development, ...unseen].map((call) => call.id));
	assert.equal(known.size, halves.tuning.length + halves.holdout.length + development.length + unseen.length, 'ids are unique');
	for (const kind of kinds) assert.ok(development.some((call) => call.kind === kind), kind);
	const qualified = development.filter((call) => call.label.qualified).length;
	assert.ok(qualified >= development.length * 0.25, `${qualified} of ${development.length} are qualified`);
	for (const [component, states] of Object.entries(answers))
		for (const state of states)
			assert.ok(development.some((call) => call.label.components[component] === state), `${component} ${state}`);
});

test('the single answers have the shape', () => {
	assert.equal(new Set(singleAnswers.map((entry) => entry.id)).size, singleAnswers.length);
	for (const entry of singleAnswers) {
		keysAre(entry, ['id', 'component', 'agent', 'text', 'answer'], entry.id);
		if (entry.component === 'objection') assert.ok(['none', ...objectionTypes].includes(entry.answer), entry.id);
		else assert.ok(answers[entry.component]?.includes(entry.answer), `${entry.id}: ${entry.component} ${entry.answer}`);
	}
});

const sentences = { commitments: read('commitments'), objections: read('objections'), sentiment: read('sentiment') };

test('the sentences have the shape and the shares', () => {
	const { commitments, objections, sentiment } = sentences;
	const calls = [...halves.tuning, ...halves.holdout];
	const trades = new Set(calls.map((call) => call.trade));
	for (const [name, set] of Object.entries(sentences)) {
		assert.equal(new Set(set.map((entry) => entry.id)).size, set.length, `${name}: ids are unique`);
		for (const entry of set) {
			assert.ok(entry.text && entry.text === entry.text.trim(), entry.id);
			if (name !== 'sentiment') assert.ok(!trades.has(entry.trade), `${entry.id}: a trade of its own`);
		}
	}
	for (const entry of commitments) keysAre(entry, ['id', 'trade', 'text', 'commitment'], entry.id);
	const made = commitments.filter((entry) => entry.commitment === true).length;
	assert.equal(made, commitments.filter((entry) => entry.commitment === false).length);
	assert.equal(made * 2, commitments.length);
	assert.ok(commitments.length >= 80);

	for (const entry of objections) {
		keysAre(entry, ['id', 'trade', 'text', 'type'], entry.id);
		assert.ok(entry.type === null || objectionTypes.includes(entry.type), entry.id);
	}
	for (const type of objectionTypes) assert.ok(objections.filter((entry) => entry.type === type).length >= 5, type);
	const none = objections.filter((entry) => entry.type === null).length;
	assert.ok(objections.length >= 80 && none >= objections.length * 0.3 && none <= objections.length * 0.7);

	for (const entry of sentiment) {
		keysAre(entry, ['id', 'source', 'text', 'sentiment'], entry.id);
		assert.ok(['phone', 'general'].includes(entry.source), entry.id);
		assert.ok(['positive', 'negative'].includes(entry.sentiment), entry.id);
	}
	assert.ok(sentiment.length >= 200);
	for (const source of ['phone', 'general'])
		for (const way of ['positive', 'negative']) {
			const found = sentiment.filter((entry) => entry.source === source && entry.sentiment === way).length;
			assert.equal(found * 4, sentiment.length, `${source}, ${way}`);
		}
});

// Turns of one to four words ("okay, bye") are everybody's, as these are; longer ones must not be in two sets, nor twice in a sentence set.
const common = new Set(['the person you are trying to reach is not available', 'at the tone please record your message', 'take my number off whatever list that is']);
test('no sentence is in two sets', () => {
	const seen = new Map();
	const look = (name, id, text) => {
		const words = text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
		const plain = words.join(' ');
		if (words.length < 5 || common.has(plain)) return;
		const where = seen.get(plain);
		assert.ok(where === undefined || (where === name && (name in halves || name === 'unseen')), `${id}: also in ${where}: ${text}`);
		seen.set(plain, name);
	};
	for (const [name, calls] of Object.entries({ ...halves, unseen }))
		for (const call of calls)
			for (const { role, message } of call.messages)
				if (role === 'user') for (const text of message.split(/(?<=[.?!])\s+/)) look(name, call.id, text);
	for (const [name, set] of Object.entries(sentences)) for (const entry of set) look(name, entry.id, entry.text);
	// nor may what is measured only be among what rules were developed with, common phrases aside
	const measured = new Map([...seen].filter(([, name]) => ['holdout', 'sentiment', 'unseen'].includes(name)));
	for (const call of development)
		for (const { message } of call.messages.filter(({ role }) => role === 'user'))
			for (const text of message.split(/(?<=[.?!])\s+/)) {
				const words = text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
				assert.ok(words.length < 8 || !measured.has(words.join(' ')), `${call.id}: also measured`);
			}
});

// Reserved for fiction: 303-555-01xx. Seven or more digits in a row, however punctuated, are a phone number here.
test('phone numbers are fictional', () => {
	const everything = JSON.stringify([halves, { development, unseen }, sentences].map((part) => Object.values(part).flat().map((entry) =>
		entry.text ?? entry.messages.map((message) => message.message))));
	const numbers = everything.match(/\+?\d[\d ().-]{5,}\d/g) ?? [];
	assert.ok(numbers.length > 0);
	for (const number of numbers) assert.match(number.replace(/\D/g, ''), /^1?30355501\d\d$/, number);
});
