/**
 * What is sold to home owners: solar, roofing, heating. All companies are made up.
 * A fact answer is [text, value]; {first} is the customer's first name, {city} the city.
 */
export const solar = {
  key: 'solar',
  product: 'rooftop solar',
  company: 'Brightmesa Solar',
  campaign: 'Solar spring reactivation',
  agents: ['Riley', 'Morgan', 'Avery'],
  visit: 'a free roof and bill review',
  expert: 'solar designer',
  opening: {
    outbound: [
      'Hi {first}, this is {agent} with Brightmesa Solar. You asked for a solar estimate on our website a few days ago. Did I catch you at a good time?',
      'Hello, is this {first}? I am {agent}, calling from Brightmesa Solar about the savings estimate you requested for your home.',
    ],
    inbound: ['Thanks for calling Brightmesa Solar, this is {agent}. How can I help you today?'],
  },
  reason: [
    'I saw one of your trucks on my street in {city} and wanted to know what solar would cost for a house like mine.',
    'My electric bill went up again and a neighbour told me to call you about panels.',
  ],
  need: {
    ask: ['What made you look into solar now?', 'Can I ask what is behind the interest, the bill or something else?'],
    hot: [
      ['Our bill hit three hundred and forty dollars last month. It has to come down, and we just bought an electric car.', 'high electricity bill'],
      ['We had two outages this winter, so I want panels and a battery before the next storm season.', 'backup power'],
    ],
    warm: [['The bill is annoying, around one eighty a month. I want to see if the numbers work.', 'curious about savings'], ['My brother put panels up and he likes them, so I am comparing.', 'comparing options']],
    cold: [['I was only clicking around, honestly.', 'no clear need'], ['My kid filled out that form. We are not really looking.', 'no clear need']],
  },
  details: [
    {
      ask: ['How old is your roof, roughly?', 'Do you know when the roof was last replaced?'],
      hot: ['Six years, asphalt shingle, no leaks, and it faces south.', 'We replaced it in twenty twenty one, it is in good shape.'],
      warm: ['Maybe twelve years? I would have to check.', 'It came with the house, so at least ten years.'],
      cold: ['No idea, it is a rental.', 'Old. I could not tell you.'],
    },
    {
      ask: ['Is there any shade on the roof between ten and four?', 'Are there big trees next to the house?'],
      hot: ['None at all, it is full sun the whole day.', 'One tree in the back, but it is well below the roof line.'],
      warm: ['There is a cottonwood on the west side, so some shade in the evening.', 'A little, from the neighbour.'],
      cold: ['Lots of trees. It is basically a forest.', 'I never looked.'],
    },
  ],
  budget: {
    ask: ['Most homes your size run between eighteen and thirty thousand before incentives. Is that a range you could work with, or would you rather finance it?', 'Do you have a monthly amount in mind that would feel comfortable?'],
    hot: [['We set aside about twenty five thousand dollars for it, so that works.', 25000], ['If the payment stays under two hundred a month I would sign, we planned on twenty two thousand all in.', 22000]],
    warm: [['That is more than I thought. Maybe fifteen thousand if there is a tax credit.', 15000], ['I would need to finance all of it, I have not put a number on it.', null]],
    cold: [['I am not spending that kind of money on a house.', 0], ['There is no budget for this.', 0]],
  },
  timeline: {
    ask: ['When would you like to have it running?', 'How soon are you hoping to get this done?'],
    hot: [['This month, if you can. I want it on before summer.', 'within 30 days'], ['As soon as possible, the car arrives in six weeks.', 'within 60 days']],
    warm: [['Some time this year. After the summer, probably.', 'this year'], ['Three to six months, there is no rush.', '3 to 6 months']],
    cold: [['Not this year, for sure.', 'none'], ['Maybe when we move. So, never.', 'none']],
  },
  authority: {
    ask: ['Besides you, is anybody else part of the decision?', 'Is it just you on the deed?'],
    yes: ['Just me, I own the house.', 'My wife and I own it, and she told me to go ahead.'],
    shared: ['My husband handles that, he would have to be on the call.', 'I would have to talk it over with my wife first.'],
    no: ['I rent, so that is up to the landlord.', 'It is my parents house, I do not decide that.'],
  },
  objections: [
    {
      key: 'price',
      says: ['It just sounds expensive, and I do not want another loan.', 'Another company quoted me less than that.'],
      reply: ['That is fair. With the incentive and what you stop paying the utility, most of our customers are even from the first month. The review shows your own numbers, at no cost.', 'I hear that a lot. The panels and the inverter make the difference, so the designer will put both quotes side by side with you.'],
    },
    {
      key: 'trust',
      says: ['How do I know you will still be around in ten years?', 'I have read bad things about solar companies.'],
      reply: ['A good question. We have installed here since two thousand eleven, and the warranty is held by the manufacturer, not by us.'],
    },
  ],
};

export const roofing = {
  key: 'roofing',
  product: 'roof replacement',
  company: 'Highline Roofing',
  campaign: 'Hail storm follow-up',
  agents: ['Jordan', 'Casey', 'Reese'],
  visit: 'a free roof inspection with photos',
  expert: 'project manager',
  opening: {
    outbound: [
      'Hi {first}, {agent} here from Highline Roofing. We are checking roofs in {city} after the hail last month. Do you have a minute?',
      'Good day, this is {agent} with Highline Roofing, calling {first} about the inspection request from our home show booth.',
    ],
    inbound: ['Highline Roofing, this is {agent}. Are you calling about a leak, an inspection, or something else?'],
  },
  reason: ['There is a brown spot on my bedroom ceiling and it is getting bigger every time it rains.', 'I need somebody to look at hail damage, the insurance wants photos.'],
  need: {
    ask: ['Have you noticed any leaks, or shingles on the ground?', 'What does the roof look like from the street?'],
    hot: [['Yes, water came through in the hallway twice, and there is granule all over the driveway.', 'active leak'], ['The adjuster was here and said the whole south slope is totaled.', 'approved insurance claim']],
    warm: [['A few shingles came off, nothing inside so far.', 'minor damage'], ['It is twenty years old, so it is on my list.', 'ageing roof']],
    cold: [['No, the roof is fine.', 'no clear need'], ['It was redone two years ago.', 'no clear need']],
  },
  details: [
    {
      ask: ['Did you already file a claim with your insurance?', 'Is your insurance involved yet?'],
      hot: ['Yes, the claim is approved and I have the paperwork here.', 'We filed last week, and the adjuster comes on Monday.'],
      warm: ['Not yet, I wanted to know whether it is worth it.', 'I do not know if hail is covered.'],
      cold: ['No, and I am not going to.', 'I would rather not.'],
    },
    {
      ask: ['How many stories is the house, and is the garage attached?', 'Roughly how big is the house?'],
      hot: ['Two stories, attached garage, about twenty four hundred square feet.', 'A ranch, around eighteen hundred square feet with a detached garage.'],
      warm: ['Two stories. I do not know the square feet.', 'It is a normal three bedroom.'],
      cold: ['It is a condo, the association does the roof.', 'Why do you need that?'],
    },
  ],
  budget: {
    ask: ['What is your deductible, if you know it, or the amount you had in mind?', 'Have you set a budget for the work?'],
    hot: [['The deductible is twenty five hundred, and insurance pays the rest, about nineteen thousand dollars.', 19000], ['We planned fourteen thousand dollars for it this year.', 14000]],
    warm: [['I would hope for less than ten thousand.', 10000], ['No idea, that is why I need a quote.', null]],
    cold: [['I am not paying anything out of pocket.', 0], ['Nothing. We have no money for a roof.', 0]],
  },
  timeline: {
    ask: ['How soon would you want the crew there?', 'Is there a date you are working towards?'],
    hot: [['Tomorrow if you could. It is supposed to rain on Friday.', 'within 14 days'], ['Within the month, before the claim expires.', 'within 30 days']],
    warm: [['Before winter.', 'before winter'], ['In spring, maybe.', 'next season']],
    cold: [['Not any time soon.', 'none'], ['I am selling the house, so no.', 'none']],
  },
  authority: {
    ask: ['Are you the home owner?', 'Would anybody else want to be there for the inspection?'],
    yes: ['I am the owner, it is only me.', 'Yes, we both own it, and I take care of these things.'],
    shared: ['My partner needs to be there too.', 'The house belongs to my mother and me, we decide together.'],
    no: ['I am just a tenant.', 'The association decides that.'],
  },
  objections: [
    {
      key: 'timing',
      says: ['I have had three roofers knock on my door this week, I am tired of it.', 'Can it not wait until next year?'],
      reply: ['I understand, it is a lot after a storm. The difference is that we send you the photos, and you decide with your insurance. There is nothing to sign on the day.', 'It can, but most policies give you one year from the storm. The inspection at least keeps that door open.'],
    },
    {
      key: 'price',
      says: ['That is a lot for shingles.', 'My neighbour paid much less.'],
      reply: ['It may be, so let us measure it. The quote is itemised, tear-off, underlayment and vents, and you can compare it line by line.'],
    },
  ],
};

export const heating = {
  key: 'heating',
  product: 'heat pumps and furnaces',
  company: 'Cedarfall Heating and Air',
  campaign: 'Furnace season',
  agents: ['Sasha', 'Devon', 'Rowan'],
  visit: 'a comfort consultation at your home',
  expert: 'comfort advisor',
  opening: {
    outbound: ['Hi {first}, it is {agent} from Cedarfall Heating and Air. Your furnace is on our list as more than fifteen years old, and I have a quick question about it.', 'Hello {first}, this is {agent} at Cedarfall. You asked us about heat pump rebates, is now a good moment?'],
    inbound: ['Cedarfall Heating and Air, {agent} speaking. Is everybody warm over there?'],
  },
  reason: ['The furnace stopped last night and I have two small children here.', 'I want a quote for a heat pump, the old unit is on its last legs.'],
  need: {
    ask: ['How is the system doing, does it keep up on the coldest days?', 'What would you change about your heating if you could?'],
    hot: [['It is out completely. We sleep in coats.', 'no heat'], ['It has been repaired three times this winter, and I am done paying for parts.', 'repeated repairs']],
    warm: [['It is loud and the upstairs never gets warm.', 'uneven heating'], ['It works, but the gas bill is ugly.', 'high gas bill']],
    cold: [['It works fine, thank you.', 'no clear need'], ['We have a new one already.', 'no clear need']],
  },
  details: [
    {
      ask: ['How old is the unit?', 'Do you know the make and the year?'],
      hot: ['Nineteen years, the sticker says two thousand seven.', 'Older than my kids. Seventeen, eighteen years.'],
      warm: ['About twelve years.', 'I think it was here in two thousand fourteen.'],
      cold: ['I do not know.', 'Two years old.'],
    },
    {
      ask: ['Do you have air conditioning today?', 'And do you heat with gas or electricity?'],
      hot: ['Gas, and no air conditioning, so a heat pump would give us both.', 'Gas. We want to get rid of it.'],
      warm: ['Gas, with a window unit upstairs.', 'Electric baseboards.'],
      cold: ['Gas, and we are staying with it.', 'It is a building with central heating.'],
    },
  ],
  budget: {
    ask: ['Systems like that run from nine to sixteen thousand before the rebate. Would that fit?', 'Do you have a number in mind?'],
    hot: [['Up to fourteen thousand is fine, if it is installed this month.', 14000], ['We got a home equity line for it, twelve thousand dollars.', 12000]],
    warm: [['I was hoping for seven or eight thousand.', 8000], ['It depends on the rebate, really.', null]],
    cold: [['No. A repair, at most.', 0], ['I am not buying anything on the phone.', 0]],
  },
  timeline: {
    ask: ['When do you need it working?', 'What is your timing?'],
    hot: [['Today would be nice. This week, please.', 'within 7 days'], ['Before the next cold front, so within two weeks.', 'within 14 days']],
    warm: [['Some time before next winter.', 'before winter'], ['When it breaks, I guess.', 'undecided']],
    cold: [['There is no timing.', 'none'], ['In five years, maybe.', 'none']],
  },
  authority: {
    ask: ['Do you own the home?', 'Is it your decision, or do you decide together with somebody?'],
    yes: ['Yes, it is our house, and I decide.', 'I am the owner.'],
    shared: ['My wife and I decide together.', 'I would run it by my dad, he knows these things.'],
    no: ['We rent.', 'The landlord would have to call you.'],
  },
  objections: [
    {
      key: 'technology',
      says: ['Do heat pumps even work when it is below zero?', 'I read that they are useless in the mountains.'],
      reply: ['The old ones did not. The cold climate models keep full output at five below, and we leave your furnace as a backup if you like.'],
    },
    {
      key: 'price',
      says: ['That is double what a furnace costs.', 'I cannot do twelve thousand right now.'],
      reply: ['It is, before the rebate and the tax credit. After both, many homes pay within a thousand dollars of a furnace and get cooling with it. The advisor has the exact figures.'],
    },
  ],
};
