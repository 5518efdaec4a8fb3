/**
 * Dental practice, home insurance and business software. All companies are made up.
 */
export const dental = {
  key: 'dental',
  product: 'implants and check-ups',
  company: 'Larkspur Dental',
  campaign: 'Overdue check-ups',
  agents: ['Nora', 'Eliza', 'Simone'],
  visit: 'a consultation with the doctor, X-rays included',
  expert: 'treatment coordinator',
  opening: {
    outbound: ['Hi {first}, this is {agent} from Larkspur Dental. It has been more than a year since your last visit, and I wanted to help you get back on the schedule.', 'Hello {first}, {agent} from Larkspur Dental. You asked about implants on our page, do you have two minutes?'],
    inbound: ['Thank you for calling Larkspur Dental, this is {agent}. Are you a patient with us already?'],
  },
  reason: ['No, I am new. I have a broken tooth and I would like to see somebody soon.', 'I was there years ago. I want to know what an implant costs.'],
  need: {
    ask: ['What would you like the doctor to look at?', 'Is anything bothering you at the moment?'],
    hot: [['A molar broke last night, it hurts when I drink anything cold.', 'broken tooth'], ['I lost a front tooth and I have a wedding in spring. I want it fixed for good.', 'missing tooth']],
    warm: [['I have been putting off an implant for a while.', 'considering implant'], ['Just a cleaning, and maybe whitening.', 'routine cleaning']],
    cold: [['Nothing is bothering me.', 'no clear need'], ['I found another dentist, actually.', 'no clear need']],
  },
  details: [
    {
      ask: ['Do you have dental insurance?', 'Which insurance would we put on file?'],
      hot: ['Yes, through work, and I still have the full yearly maximum.', 'No insurance, I pay it myself, that is fine.'],
      warm: ['I think so. I would have to find the card.', 'I did, but I changed jobs.'],
      cold: ['I would rather not say.', 'No insurance and no plans.'],
    },
    {
      ask: ['When did you last have X-rays?', 'When did you last see a dentist?'],
      hot: ['Two years ago, so I am due anyway.', 'Last spring, at another practice. They can send them.'],
      warm: ['Three years, maybe four.', 'It has been a while, I am a little nervous about it.'],
      cold: ['Last week, at the other place.', 'I do not remember.'],
    },
  ],
  budget: {
    ask: ['An implant with the crown is around four thousand dollars here, and we offer monthly plans. Is that in line with what you expected?', 'Are you comfortable with a cost of a few hundred dollars for the first visit if insurance does not cover it?'],
    hot: [['Four thousand is what I expected, I have it in my health account.', 4000], ['Up to six thousand, if it includes everything.', 6000]],
    warm: [['That is high. With a plan, maybe, two thousand is easier.', 2000], ['I would have to see what insurance pays.', null]],
    cold: [['No way.', 0], ['I am not paying for that.', 0]],
  },
  timeline: {
    ask: ['How soon would you like to come in?', 'Which weeks work best for you?'],
    hot: [['Today or tomorrow. It really hurts.', 'within 7 days'], ['This month, so that it has healed by the wedding.', 'within 30 days']],
    warm: [['Next month some time.', 'next month'], ['After the holidays.', 'after the holidays']],
    cold: [['I will call when I need it.', 'none'], ['Not now.', 'none']],
  },
  authority: {
    ask: ['Will the appointment be for you?', 'Are you booking for yourself or for somebody else?'],
    yes: ['For me.', 'For myself, yes.'],
    shared: ['For my son, so his mother has to agree on the time.', 'For my mother, I will check with her.'],
    no: ['I am only asking for a friend.', 'For my boss, I cannot decide that.'],
  },
  objections: [
    {
      key: 'fear',
      says: ['To be honest, I am scared of the drill.', 'The last time was awful, I do not want to go through that again.'],
      reply: ['You are not alone with that. Doctor Ellery offers sedation, and the first visit is only a talk and pictures. Nothing is done that day unless you want it.'],
    },
    {
      key: 'price',
      says: ['The place in the mall does it for half.', 'Why is it so much?'],
      reply: ['It includes the scan, the implant, the crown and every follow-up for two years. You get it in writing at the consultation, so that you can compare.'],
    },
  ],
};

export const insurance = {
  key: 'insurance',
  product: 'home and auto insurance',
  company: 'Stonebridge Home Insurance',
  campaign: 'Renewal comparison',
  agents: ['Parker', 'Quincy', 'Harper'],
  visit: 'a coverage review by phone with a licensed agent',
  expert: 'licensed agent',
  opening: {
    outbound: ['Hi {first}, {agent} with Stonebridge Home Insurance on a recorded line. Your policy renews soon and I wanted to see if we can beat the price. Is now okay?', 'Hello, may I speak to {first}? This is {agent} from Stonebridge about the insurance comparison you started online.'],
    inbound: ['Stonebridge Home Insurance on a recorded line, this is {agent}. Are you looking for a quote or calling about a policy?'],
  },
  reason: ['A quote. My renewal jumped by forty percent and nobody can tell me why.', 'We close on a house in {city} next month and the bank wants proof of insurance.'],
  need: {
    ask: ['What would you like to change about your present policy?', 'What matters most to you, the price or the coverage?'],
    hot: [['They cancelled us after the hail claim, so I need coverage by the first.', 'cancelled policy'], ['We close in three weeks and have no policy yet.', 'new home purchase']],
    warm: [['The price went up by five hundred dollars, so I am shopping.', 'premium increase'], ['I want to bundle the cars with it.', 'bundle']],
    cold: [['Nothing, I am happy where I am.', 'no clear need'], ['I already renewed.', 'no clear need']],
  },
  details: [
    {
      ask: ['Any claims in the last five years?', 'Have you filed a claim recently?'],
      hot: ['One, for hail, two years ago. It is closed.', 'None at all.'],
      warm: ['One water claim, a small one.', 'I think one. My wife would know.'],
      cold: ['I am not going into that.', 'Several.'],
    },
    {
      ask: ['What year was the home built, and does the roof have a class four rating?', 'Roughly how large is the home?'],
      hot: ['Nineteen ninety eight, with a new class four roof from last year.', 'Twenty two hundred square feet, built in two thousand six.'],
      warm: ['In the eighties. I do not know about the rating.', 'Around two thousand square feet.'],
      cold: ['You can look that up.', 'I do not know.'],
    },
  ],
  budget: {
    ask: ['What do you pay today, so that I know what to beat?', 'Is there a yearly premium you would be happy with?'],
    hot: [['Three thousand one hundred a year. Anything under twenty eight hundred and I switch.', 2800], ['I planned on twenty four hundred a year.', 2400]],
    warm: [['About two thousand, I would need to look.', 2000], ['I do not know by heart.', null]],
    cold: [['I will not tell you that.', 0], ['I pay very little.', 0]],
  },
  timeline: {
    ask: ['When does the policy need to start?', 'When is your renewal date?'],
    hot: [['On the first, so in ten days.', 'within 14 days'], ['At closing, three weeks from now.', 'within 30 days']],
    warm: [['In two months.', '2 months'], ['In the autumn, I think.', 'this year']],
    cold: [['It renewed last week.', 'none'], ['I am locked in.', 'none']],
  },
  authority: {
    ask: ['Are you the policy holder?', 'Who is named on the policy?'],
    yes: ['I am.', 'Both of us, and I do the paperwork.'],
    shared: ['My husband, but I can pass it on to him.', 'We would decide that together.'],
    no: ['My ex. I have nothing to do with it.', 'The company pays it, not me.'],
  },
  objections: [
    {
      key: 'trust',
      says: ['I have been with my company for twenty years.', 'The cheap ones never pay when something happens.'],
      reply: ['That loyalty is worth a lot. Ask them for the same deductible and replacement cost, and let us put the two pages next to each other. If they are better, stay.'],
    },
    {
      key: 'privacy',
      says: ['I do not want to give my details to ten companies.', 'Will you sell my number?'],
      reply: ['No. One agent sees it, and your number is not shared. I can send you that in writing before we go on.'],
    },
  ],
};

export const software = {
  key: 'software',
  product: 'scheduling software',
  company: 'Tidyboard',
  campaign: 'Trial accounts without a demo',
  agents: ['Blair', 'Skyler', 'Emery'],
  visit: 'a thirty minute demo with your own data',
  expert: 'product specialist',
  opening: {
    outbound: ['Hi {first}, {agent} from Tidyboard. You opened a trial for {company} last week and I wanted to see what you hope to solve with it.', 'Hello {first}, this is {agent} at Tidyboard, the crew scheduling tool. Did I catch you between meetings?'],
    inbound: ['Hi, you have reached Tidyboard sales, I am {agent}. What brings you here today?'],
  },
  reason: ['We are {company}, and we outgrew our spreadsheet. I want to know if you connect to our payroll.', 'I am comparing scheduling tools for a team of forty.'],
  need: {
    ask: ['How do you plan your crews today?', 'What is the most painful part of scheduling right now?'],
    hot: [['Spreadsheets and a group chat. Last week two crews drove to the same job.', 'double bookings'], ['Our tool is shut down in two months, so we have to move forty people.', 'tool being retired']],
    warm: [['A whiteboard. It works, mostly.', 'manual planning'], ['We use a calendar, but reporting is a pain.', 'missing reports']],
    cold: [['We built our own, and it is fine.', 'no clear need'], ['I was only curious about the design.', 'no clear need']],
  },
  details: [
    {
      ask: ['How many people would use it?', 'How big is the team that is scheduled?'],
      hot: ['Forty two in the field and six in the office.', 'Around thirty five, and we hire ten more in spring.'],
      warm: ['Eight or nine.', 'Twelve, with the part-timers.'],
      cold: ['Two. Me and my brother.', 'I cannot share that.'],
    },
    {
      ask: ['Which systems would it have to talk to?', 'What do you use for payroll and accounting?'],
      hot: ['Payroll and the accounting package, you list both on your site.', 'Only the calendar and single sign-on.'],
      warm: ['Accounting would be nice.', 'I would have to ask IT.'],
      cold: ['None.', 'That is confidential.'],
    },
  ],
  budget: {
    ask: ['It is eighteen dollars a user a month. Is there a budget for that this year?', 'Did you set money aside for a tool like this?'],
    hot: [['Yes, we have twelve thousand a year approved for it.', 12000], ['Nine thousand this year, and I can sign that.', 9000]],
    warm: [['Maybe three thousand, it depends on what it saves.', 3000], ['Not yet, the budget comes in the new quarter.', null]],
    cold: [['There is no budget.', 0], ['We only use free tools.', 0]],
  },
  timeline: {
    ask: ['When would you want to be live?', 'Is there a date that drives this?'],
    hot: [['By the end of next month, when the old one stops.', 'within 60 days'], ['As soon as possible. We could start with one crew next week.', 'within 14 days']],
    warm: [['Next quarter.', 'next quarter'], ['This year, ideally.', 'this year']],
    cold: [['No date.', 'none'], ['Not planned.', 'none']],
  },
  authority: {
    ask: ['Who else signs off on a tool like this?', 'Would you decide that yourself?'],
    yes: ['I run operations, it is my call.', 'I am the owner, so me.'],
    shared: ['Me and our finance lead.', 'My partner has to see it as well.'],
    no: ['Not me, I am an intern. You want our operations lead.', 'Head office decides, I only run the site.'],
  },
  objections: [
    {
      key: 'switching',
      says: ['Moving all our jobs over sounds like weeks of work.', 'The team hates new tools.'],
      reply: ['We import the spreadsheet for you, it takes an afternoon. Start with one crew for two weeks, and keep the old way next to it.'],
    },
    {
      key: 'competitor',
      says: ['We are also looking at a cheaper tool.', 'Your competitor has a mobile app with offline mode.'],
      reply: ['Good, compare us. Ask both for the same week of your own data. Ours works offline too, and the specialist can show you that first.'],
    },
  ],
};
