#include "vapi_amounts.h"

#include <math.h>

/* A number has no more words. */
#define NUMBER_WORDS 12

typedef enum Kind
{
	K_NONE,
	K_UNIT,		/* one to nineteen */
	K_TEN,		/* twenty to ninety */
	K_HUNDRED,	/* hundred */
	K_THOUSAND, /* thousand, million */
	K_GRAND,	/* the same, of money */
	K_HALF,
	K_CURRENCY,
	K_ORDINAL,
	K_DAY,		  /* tomorrow, Tuesday */
	K_MONTH,	  /* June */
	K_HALF_MONTH, /* words that are months and something else: may, march */
	K_SEASON,
	K_UNIT_OF_TIME,
	K_PART_OF_DAY,
	K_CLOCK_END, /* oclock, am */
	K_NOON,
	K_SOON, /* now, asap */
	K_FEW,	/* couple, few, several */
	K_LATER,
	K_BEFORE_CLOCK, /* at, by, after */
	K_THIS,
	K_NEXT,
	K_AND,
	K_A,
	K_PER,
	K_OF,
	K_IN,
	K_THE,
	K_END,
	K_SMALL, /* words that go on after a sum: for, is, to */
	K_A_OR_P,
	K_M,
} Kind;

typedef struct Known
{
	Kind kind;
	double value;
	const char *words;
	double step; /* from one word's value to the next one's */
} Known;

static const Known known[] = {
	{K_UNIT, 1, "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen", 1},
	{K_UNIT, 16, "sixteen seventeen eighteen nineteen", 1},
	{K_TEN, 20, "twenty thirty forty fifty sixty seventy eighty ninety", 10},
	{K_TEN, 40, "fourty", 0},
	{K_HUNDRED, 100, "hundred", 0},
	{K_THOUSAND, 1e3, "thousand", 0},
	{K_THOUSAND, 1e6, "million", 0},
	{K_GRAND, 1e3, "grand k", 0},
	{K_GRAND, 1e6, "mil", 0},
	{K_HALF, 0.5, "half", 0},
	{K_CURRENCY, 1, "dollar dollars buck bucks euro euros pounds usd", 0},
	{K_CURRENCY, 0.01, "cent cents", 0},
	{K_ORDINAL, 1, "first", 0},
	{K_ORDINAL, 2, "second", 0},
	{K_ORDINAL, 3, "third", 0},
	{K_ORDINAL, 9,
	 "fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth", 0},
	{K_ORDINAL, 20, "sixteenth seventeenth eighteenth nineteenth twentieth thirtieth", 0},
	{K_DAY, 1, "today tonight tomorrow", 0},
	{K_DAY, 7, "monday tuesday wednesday thursday friday saturday sunday weekend", 0},
	{K_DAY, 7, "mondays tuesdays wednesdays thursdays fridays saturdays sundays", 0},
	{K_MONTH, 90, "january february april june july august september october november december", 0},
	{K_HALF_MONTH, 90, "may march", 0},
	{K_SEASON, VAPI_DAYS_LATER, "spring summer fall autumn winter", 0},
	{K_SEASON, 90, "christmas thanksgiving easter holidays halloween", 0},
	{K_UNIT_OF_TIME, 0.001, "minute minutes min mins moment", 0},
	{K_UNIT_OF_TIME, 0.05, "hour hours", 0},
	{K_UNIT_OF_TIME, 1, "day days", 0},
	{K_UNIT_OF_TIME, 7, "week weeks", 0},
	{K_UNIT_OF_TIME, 30, "month months", 0},
	{K_UNIT_OF_TIME, 90, "quarter quarters", 0},
	{K_UNIT_OF_TIME, VAPI_DAYS_LATER, "year years", 0},
	{K_PART_OF_DAY, 1, "morning afternoon evening lunch lunchtime night", 0},
	{K_CLOCK_END, 0, "oclock am pm sharp", 0},
	{K_NOON, 12, "noon midnight noontime", 0},
	{K_SOON, 1, "asap now immediately yesterday", 0},
	{K_FEW, 2, "couple", 0},
	{K_FEW, 3, "few several", 0},
	{K_LATER, VAPI_DAYS_LATER, "someday eventually sometime", 0},
	{K_BEFORE_CLOCK, 0, "at by after around before till until from between about past", 0},
	{K_THIS, 0, "this", 0},
	{K_NEXT, 0, "next coming following", 0},
	{K_AND, 0, "and", 0},
	{K_A, 0, "a an", 0},
	{K_PER, 0, "per each every apiece monthly yearly weekly annually", 0},
	{K_OF, 0, "of", 0},
	{K_IN, 0, "in within on", 0},
	{K_THE, 0, "the", 0},
	{K_END, 0, "end close", 0},
	{K_SMALL, 0,
	 "for is to or that was it i we you they but if so then just total minus plus all tops max maximum would", 0},
	{K_SMALL, 0, "with as because when not are have had right out right-now down up off more less which including",
	 0},
	{K_A_OR_P, 0, "p", 0},
	{K_M, 0, "m", 0},
};

typedef struct Meaning
{
	uint8 kind;
	double value;
} Meaning;

struct VapiAmounts
{
	int count;		   /* of meanings: words that came later have none */
	Meaning *meanings; /* by number */
};

VapiAmounts *
vapi_amounts_create(VapiVocabulary *vocabulary)
{
	VapiAmounts *amounts = palloc0(sizeof(VapiAmounts));

	for (int pass = 0; pass < 2; pass++)
	{
		for (size_t i = 0; i < lengthof(known); i++)
		{
			const char *at = known[i].words;
			double value = known[i].value;

			while (*at != '\0')
			{
				size_t length = strcspn(at, " ");
				int number = vapi_vocabulary_add(vocabulary, at, length);

				if (pass == 1)
				{
					amounts->meanings[number].kind = (uint8) known[i].kind;
					amounts->meanings[number].value = value;
				}
				value += known[i].step;
				at += length;
				at += strspn(at, " ");
			}
		}
		if (pass == 0)
		{
			amounts->count = vapi_vocabulary_count(vocabulary) + 1;
			amounts->meanings = palloc0(sizeof(Meaning) * amounts->count);
		}
	}
	return amounts;
}

/* What the word at that place means; K_NONE beyond the ends. */
static Meaning
meaning(const VapiAmounts *amounts, const VapiWords *words, int at)
{
	Meaning none = {K_NONE, 0};
	int number;

	if (at < 0 || at >= words->count)
		return none;
	number = words->words[at].number;
	return number > 0 && number < amounts->count ? amounts->meanings[number] : none;
}

static Kind
kind(const VapiAmounts *amounts, const VapiWords *words, int at)
{
	return (Kind) meaning(amounts, words, at).kind;
}

static void
mark(VapiWords *words, int first, int last, int flag)
{
	for (int i = Max(first, 0); i < last && i < words->count; i++)
		words->words[i].flags |= flag;
}

/* Do the words before and at this place belong to one phrase? */
static bool
goes_on(const VapiWords *words, int at)
{
	return at > 0 && at < words->count && words->words[at - 1].stop == 0;
}

typedef struct Number
{
	int last; /* after its last word */
	double value;
	bool large; /* has a hundred or a thousand */
	bool money; /* by its own words */
	bool clock; /* by its own words */
	bool pair;	/* two numbers as one: ten fifteen, twenty four fifty */
	bool digits;
	bool letter; /* digits with letters that are no money or time: 4th */
} Number;

/* "12", "13.5", "9:30", "10am", "4th", "16k"; the words of the vocabulary need not have them. */
static void
read_digits(const VapiWord *word, const char *text, Number *number)
{
	int scale = 0;
	double value = 0;
	int i;

	for (i = word->start; i < word->end; i++)
	{
		char c = text[i];

		if (c >= '0' && c <= '9')
		{
			value = value * 10 + (c - '0');
			if (scale > 0)
				scale++;
			if (value > 1e12)
				break;
		}
		else if (c == '.' && scale == 0)
			scale = 1;
		else if (c == ':')
		{
			number->clock = true;
			break;
		}
		else if (c != ',')
			break;
	}
	for (; scale > 1; scale--)
		value /= 10;
	number->value = value;
	if (i < word->end && !number->clock)
	{
		char c = (char) (text[i] | 0x20);

		if (c == 'k' && i + 1 == word->end)
		{
			number->value *= 1000;
			number->large = true;
		}
		else if ((c == 'a' || c == 'p') && i + 2 == word->end && (text[i + 1] | 0x20) == 'm')
			number->clock = true;
		else
			number->letter = true;
	}
	if (number->value >= 100)
		number->large = true;
}

/* Reads the number that begins at that place; false: none does. */
static bool
read_number(const VapiAmounts *amounts, const VapiWords *words, const char *text, int at, Number *number)
{
	double total = 0;
	double current = 0;
	double first = 0;
	bool seen = false;
	Kind before = K_NONE;
	int i = at;

	memset(number, 0, sizeof(*number));
	/* a hundred, a thousand */
	if (kind(amounts, words, at) == K_A)
	{
		Kind next = goes_on(words, at + 1) ? kind(amounts, words, at + 1) : K_NONE;

		if (next != K_HUNDRED && next != K_THOUSAND && next != K_GRAND)
			return false;
		seen = true;
		i++;
	}
	for (; i < words->count && i < at + NUMBER_WORDS; i++)
	{
		Meaning now = meaning(amounts, words, i);

		if (seen && !goes_on(words, i))
			break;
		if ((words->words[i].flags & VAPI_WORD_DIGITS) != 0)
		{
			if (seen)
				break;
			read_digits(&words->words[i], text, number);
			number->digits = number->value < 1000 || number->value > 1e6;
			current = number->value;
			seen = true;
			before = K_UNIT;
			if (number->clock || number->letter)
			{
				i++;
				break;
			}
			continue;
		}
		if (now.kind == K_UNIT || now.kind == K_TEN)
		{
			bool fits = before == K_NONE || before == K_HUNDRED || before == K_THOUSAND || before == K_AND ||
						(now.kind == K_UNIT && now.value < 10 && before == K_TEN);

			if (!fits)
			{
				/* ten fifteen, eight ninety, twenty four fifty; not a third number */
				if (number->pair || current >= 100 || total > 0)
					break;
				number->pair = true;
				first = current;
				current = 0;
			}
			current += now.value;
		}
		else if (now.kind == K_HUNDRED && seen)
		{
			current = (current == 0 ? 1 : current) * 100;
			number->large = true;
		}
		else if ((now.kind == K_THOUSAND || now.kind == K_GRAND) && seen)
		{
			if (now.kind == K_GRAND)
				number->money = true;
			total += (current == 0 ? 1 : current) * now.value;
			current = 0;
			number->large = true;
			now.kind = K_THOUSAND;
		}
		else if (now.kind == K_AND && (before == K_HUNDRED || before == K_THOUSAND) &&
				 (kind(amounts, words, i + 1) == K_UNIT || kind(amounts, words, i + 1) == K_TEN))
		{
			before = K_AND;
			continue;
		}
		else
			break;
		seen = true;
		before = (Kind) now.kind;
	}
	if (!seen)
		return false;
	number->last = i;
	number->value = total + current;
	if (number->pair)
		number->value += first * 100;
	/* six and a half, six and a half thousand */
	if (kind(amounts, words, i) == K_AND && kind(amounts, words, i + 1) == K_A && kind(amounts, words, i + 2) == K_HALF)
	{
		number->value += 0.5;
		number->last = i + 3;
		if (kind(amounts, words, i + 3) == K_THOUSAND || kind(amounts, words, i + 3) == K_GRAND)
		{
			number->value *= 1000;
			number->large = true;
			number->last++;
		}
	}
	return true;
}

/* Is it a sum, by what stands around it? */
static bool
is_money(const VapiAmounts *amounts, const VapiWords *words, int at, const Number *number)
{
	int next = number->last;
	Kind after = goes_on(words, next) ? kind(amounts, words, next) : K_NONE;
	Kind later = goes_on(words, next) && goes_on(words, next + 1) ? kind(amounts, words, next + 1) : K_NONE;

	if ((words->words[at].flags & VAPI_WORD_DOLLARS) != 0 || number->money || after == K_CURRENCY)
		return true;
	if ((words->words[at].flags & VAPI_WORD_PERCENT) != 0 || number->clock || number->letter)
		return false;
	if (after == K_A && later == K_UNIT_OF_TIME)
		return number->value >= 10;
	if (after == K_PER && number->value >= 10)
		return true;
	/* part of a phone number or an address, unless something says that it is a sum */
	if (number->digits && !number->money)
		return false;
	if (!number->large && !(number->pair && (number->value > 1260 || fmod(number->value, 100) > 59)))
		return false;
	/* "four hundred invoices" counts something, "four hundred" alone is mostly a price */
	if (number->value < 100 || after == K_UNIT_OF_TIME)
		return false;
	return !goes_on(words, next) || after == K_SMALL || after == K_A || after == K_IN || after == K_AND ||
		   after == K_OF || after == K_BEFORE_CLOCK || after == K_PER || after == K_THIS || after == K_NEXT;
}

static bool
is_clock(const VapiAmounts *amounts, const VapiWords *words, int at, const Number *number)
{
	int next = number->last;
	Kind after = next < words->count ? kind(amounts, words, next) : K_NONE;
	Kind before = kind(amounts, words, at - 1);
	double hour = number->pair ? floor(number->value / 100) : number->value;
	double minute = number->pair ? number->value - hour * 100 : 0;

	if (number->clock || after == K_CLOCK_END)
		return true;
	if ((after == K_A || after == K_A_OR_P) && kind(amounts, words, next + 1) == K_M)
		return true;
	if (number->letter || number->large || hour < 1 || hour > 12 || minute > 59 || hour != floor(hour))
		return false;
	if (number->pair && minute >= 10)
		return fmod(minute, 5) == 0;
	if (before == K_DAY || before == K_PART_OF_DAY)
		return true;
	/* between two and three thousand */
	if (before == K_BEFORE_CLOCK && (after == K_AND || after == K_SMALL))
		for (int i = next + 1; i < next + 4 && goes_on(words, i); i++)
			if (kind(amounts, words, i) >= K_HUNDRED && kind(amounts, words, i) <= K_GRAND)
				return false;
	if (before == K_BEFORE_CLOCK)
		return !goes_on(words, next) || after == K_SMALL || after == K_DAY || after == K_IN ||
			   after == K_BEFORE_CLOCK || after == K_AND || after == K_THIS;
	return after == K_IN && kind(amounts, words, next + 1) == K_THE && kind(amounts, words, next + 2) == K_PART_OF_DAY;
}

/* Marks what the number at that place is. */
static void
mark_number(const VapiAmounts *amounts, VapiWords *words, int at, const Number *number)
{
	int next = number->last;
	Kind after = kind(amounts, words, next);

	mark(words, at, next, VAPI_WORD_NUMBER);
	words->words[at].value = number->value;
	if (goes_on(words, next) && after == K_UNIT_OF_TIME)
	{
		mark(words, at, next + 1, VAPI_WORD_DURATION);
		return;
	}
	if (number->letter)
	{
		mark(words, at, next, VAPI_WORD_DAY);
		return;
	}
	if (is_money(amounts, words, at, number))
		mark(words, at, after == K_CURRENCY && goes_on(words, next) ? next + 1 : next, VAPI_WORD_MONEY);
	else if (is_clock(amounts, words, at, number))
		mark(words, at, after == K_CLOCK_END ? next + 1 : next, VAPI_WORD_CLOCK);
}

/* Marks a word of time that is no number. */
static void
mark_time(const VapiAmounts *amounts, VapiWords *words, int at)
{
	Kind before = kind(amounts, words, at - 1);
	Kind after = kind(amounts, words, at + 1);

	switch (kind(amounts, words, at))
	{
		case K_DAY:
		case K_MONTH:
			mark(words, at, at + 1, VAPI_WORD_DAY);
			break;
		case K_HALF_MONTH:
			if (before == K_IN || before == K_OF || before == K_BEFORE_CLOCK || before == K_THIS ||
				before == K_NEXT ||
				after == K_ORDINAL || (at + 1 < words->count && (words->words[at + 1].flags & VAPI_WORD_DIGITS) != 0))
				mark(words, at, at + 1, VAPI_WORD_DAY);
			break;
		case K_ORDINAL:
			if ((before == K_THE &&
				 (meaning(amounts, words, at).value > 3 || kind(amounts, words, at - 2) == K_BEFORE_CLOCK ||
				  kind(amounts, words, at - 2) == K_IN)) ||
				before == K_MONTH || before == K_HALF_MONTH ||
				((at == 0 || words->words[at - 1].stop != 0) && meaning(amounts, words, at).value > 3) ||
				(before == K_TEN && kind(amounts, words, at - 2) == K_THE))
				mark(words, before == K_TEN ? at - 1 : at, at + 1, VAPI_WORD_DAY);
			break;
		case K_NOON:
			mark(words, at, at + 1, VAPI_WORD_CLOCK);
			break;
		case K_PART_OF_DAY:
			if (before == K_DAY || before == K_THIS || before == K_BEFORE_CLOCK || before == K_THE)
				mark(words, at, at + 1, VAPI_WORD_CLOCK | VAPI_WORD_PART);
			break;
		case K_UNIT_OF_TIME:
			if ((before == K_THIS || before == K_NEXT) && meaning(amounts, words, at).value >= 1)
				mark(words, at - 1, at + 1,
					 meaning(amounts, words, at).value <= 7 ? VAPI_WORD_DAY : VAPI_WORD_DURATION);
			else if (before == K_A || before == K_HALF || before == K_FEW)
				mark(words, at - 1, at + 1, VAPI_WORD_DURATION);
			else if (before == K_OF && kind(amounts, words, at - 2) == K_FEW)
				mark(words, at - 2, at + 1, VAPI_WORD_DURATION);
			break;
		default:
			break;
	}
}

void
vapi_amounts_mark(const VapiAmounts *amounts, VapiWords *words, const char *text)
{
	int i = 0;

	while (i < words->count)
	{
		Number number;

		if (((words->words[i].flags & VAPI_WORD_DIGITS) != 0 || kind(amounts, words, i) == K_UNIT ||
			 kind(amounts, words, i) == K_TEN || kind(amounts, words, i) == K_A) &&
			read_number(amounts, words, text, i, &number))
		{
			mark_number(amounts, words, i, &number);
			i = number.last;
		}
		else
			mark_time(amounts, words, i++);
	}
}

/* Days to the time that the word at that place is the head of; VAPI_DAYS_NONE: none. */
static double
days_at(const VapiAmounts *amounts, const VapiWords *words, int at)
{
	Meaning now = meaning(amounts, words, at);
	Meaning before = meaning(amounts, words, at - 1);
	const VapiWord *word = &words->words[at];

	switch ((Kind) now.kind)
	{
		case K_SOON:
			return before.kind == K_BEFORE_CLOCK ? VAPI_DAYS_NONE : now.value;
		case K_DAY:
			/* ten weeks from Saturday */
			if (before.kind == K_BEFORE_CLOCK && at > 1 && (words->words[at - 2].flags & VAPI_WORD_DURATION) != 0)
				return VAPI_DAYS_NONE;
			return now.value;
		case K_MONTH:
			return before.kind == K_NEXT ? VAPI_DAYS_LATER : now.value;
		case K_LATER:
		case K_SEASON:
			return now.value;
		case K_PART_OF_DAY:
		case K_NOON:
			return (word->flags & VAPI_WORD_CLOCK) != 0 ? now.value / 12 : VAPI_DAYS_NONE;
		case K_HALF_MONTH:
			return (word->flags & VAPI_WORD_DAY) != 0 ? now.value : VAPI_DAYS_NONE;
		case K_ORDINAL:
			return (word->flags & VAPI_WORD_DAY) != 0 && before.kind != K_MONTH ? 30 : VAPI_DAYS_NONE;
		case K_UNIT_OF_TIME:
			if ((word->flags & VAPI_WORD_DURATION) != 0 && at > 0 &&
				(words->words[at - 1].flags & VAPI_WORD_NUMBER) != 0)
			{
				int i = at;

				while (i > 0 && (words->words[i - 1].flags & VAPI_WORD_NUMBER) != 0)
					i--;
				return words->words[i].value * now.value;
			}
			/* a month and a half */
			if (kind(amounts, words, at + 1) == K_AND && kind(amounts, words, at + 3) == K_HALF)
				return 1.5 * now.value;
			if (before.kind == K_THIS)
				return now.value;
			/* the ninth of next month */
			if (before.kind == K_NEXT && kind(amounts, words, at - 2) == K_OF &&
				kind(amounts, words, at - 3) == K_ORDINAL && meaning(amounts, words, at - 3).value < 10)
				return now.value;
			if (before.kind == K_NEXT)
				return now.value >= 365 ? VAPI_DAYS_LATER : now.value + Min(now.value, 7);
			if (before.kind == K_FEW)
				return before.value * now.value;
			if (before.kind == K_OF && kind(amounts, words, at - 2) == K_FEW)
				return 2 * now.value;
			if (before.kind == K_HALF)
				return now.value / 2;
			if (before.kind == K_THE && (kind(amounts, words, at - 2) == K_OF ||
										 kind(amounts, words, at - 2) == K_END || kind(amounts, words, at - 2) == K_IN))
				return now.value;
			if (before.kind == K_A || (word->flags & VAPI_WORD_DURATION) != 0)
				return now.value;
			return kind(amounts, words, at - 1) == K_END || kind(amounts, words, at + 1) == K_END ? now.value
																								  : VAPI_DAYS_NONE;
		default:
			if ((word->flags & (VAPI_WORD_CLOCK | VAPI_WORD_NUMBER)) == (VAPI_WORD_CLOCK | VAPI_WORD_NUMBER))
				return 1;
			if ((word->flags & VAPI_WORD_DAY) != 0 && (word->flags & VAPI_WORD_DIGITS) != 0)
				return 30;
			return VAPI_DAYS_NONE;
	}
}

int
vapi_amounts_days(const VapiAmounts *amounts, const VapiWords *words, int first, int last)
{
	double named = VAPI_DAYS_NONE;

	for (int i = Max(first, 0); i < last && i < words->count; i++)
	{
		double days = days_at(amounts, words, i);

		/* "six weeks from now, on a weekend": the weeks tell */
		if (days >= 0 && !(named > 31 && days < 31 && (words->words[i].flags & VAPI_WORD_DAY) != 0))
			named = days;
	}
	return named < 0 ? VAPI_DAYS_NONE : (int) ceil(Min(named, VAPI_DAYS_LATER));
}
