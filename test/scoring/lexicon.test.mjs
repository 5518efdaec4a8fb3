// The lexicon's files are as labelled/README.md says: sorted, each key once, valences in their range.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const lines = (name) => {
	const text = readFileSync(new URL(`../../src/lexicon/${name}`, import.meta.url), 'utf8');
	assert.ok(text.endsWith('\n'), `${name} ends with a line end`);
	return text.slice(0, -1).split('\n');
};

const compare = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

// keys of a file whose lines are "key<TAB>number" or the key alone, after what every such file must keep
const keys = (name, shape, low, high) => {
	const found = lines(name).map((line, at) => {
		assert.match(line, shape, `${name}:${at + 1}`);
		const [key, value] = line.split('\t');
		if (value !== undefined)
			assert.ok(Number(value) >= low && Number(value) <= high && Number(value) !== 0, `${name}:${at + 1} ${line}`);
		return key;
	});
	for (let at = 1; at < found.length; at++)
		assert.ok(compare(found[at - 1], found[at]) < 0, `${name}:${at + 1} ${found[at]} is sorted and once`);
	return found;
};

const word = `[a-z']+`;
const number = String.raw`-?\d(?:\.\d)?`;

test('words', () => {
	const found = keys('sentiment.tsv', new RegExp(String.raw`^[a-z]+(?:['-][a-z]+)*\t${number}$`), -4, 4);
	assert.ok(found.length >= 2000, `${found.length} words`);
	const positive = lines('sentiment.tsv').filter((line) => !line.includes('\t-')).length;
	const share = positive / found.length;
	assert.ok(share > 0.35 && share < 0.65, `share of positive words ${share}`);
});

test('idioms', () => keys('idioms.tsv', new RegExp(String.raw`^${word}(?: ${word})+\t${number}$`), -4, 4));

test('intensifiers', () => keys('intensifiers.tsv', new RegExp(String.raw`^${word}(?: ${word}){0,2}\t${number}$`), 0.1, 2));

test('negators', () => keys('negators.txt', new RegExp(`^${word}(?: ${word}){0,2}$`)));

test('contrasts', () => keys('contrasts.txt', new RegExp(`^${word}(?: ${word})*$`)));
