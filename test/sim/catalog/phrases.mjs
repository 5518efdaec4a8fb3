/**
 * What every trade says: openings by the customer, acknowledgements, bookings, declines, machines.
 */
export const ANSWERS = {
  hot: ['Yes, hi, perfect timing.', 'Yes, this is {first}. Go ahead.', 'Oh good, I was waiting for your call.'],
  warm: ['Uh, yeah, I have a few minutes.', 'Yes, speaking. What is this about?', 'Sure, if it is quick.'],
  cold: ['Who is this?', 'I am in the middle of something.', 'Okay. What do you want?'],
};

export const ACKNOWLEDGE = {
  hot: ['Thank you, that helps a lot.', 'Great, that is just what our {expert} needs to know.', 'Perfect, I have noted that.', 'Understood, and that is a good reason to move quickly.'],
  warm: ['Got it, thank you.', 'Okay, that makes sense.', 'Thanks for being open about it.', 'Sure, many people tell us the same.'],
  cold: ['I understand.', 'Okay, fair enough.', 'No problem.', 'I see.'],
};

export const FILLER = ['Mhm.', 'Okay.', 'Right.', 'Yeah.', 'Uh huh.', 'One second. Okay, go on.'];

export const SLOTS = [
  ['Monday', '9 AM'], ['Monday', '2 PM'], ['Tuesday', '10 AM'], ['Tuesday', '4 PM'], ['Wednesday', '11 AM'], ['Wednesday', '1 PM'],
  ['Thursday', '10 AM'], ['Thursday', '3 PM'], ['Friday', '9 AM'], ['Friday', '12 PM'], ['Saturday', '10 AM'],
];

export const BOOKING = {
  offer: ['The next step is {visit}. I have {slot} or {other}, which one is better?', 'Let us put {visit} on the calendar. Would {slot} or {other} suit you?'],
  take: ['{day} works. Put me down for {slot}.', 'Let us do {slot}.', '{slot} is good, I will be there.'],
  checking: ['One moment while I check the calendar.', 'Let me hold that time for you.'],
  confirm: [
    'You are booked for {slot}. You will get a confirmation by text message in a minute, and our {expert} will call if anything changes.',
    'All set, {first}. {slot} is confirmed, and I have sent you the details by text.',
  ],
  bye: ['Great, thank you. Bye.', 'Thanks a lot, see you then.', 'Wonderful, talk to you then.'],
};

export const FOLLOW_UP = {
  offer: ['May I send you a short summary with prices by email and call you again next week?', 'Would it help if I sent you the details in writing and checked in on {day}?'],
  take: ['Yes, send it over, and call me next week.', 'An email is good. I will look at it with my family.', 'Sure, do that. No promises.'],
  confirm: ['It is on its way. I will call you on {day} in the afternoon. Thank you for your time, {first}.', 'Done. You will hear from me on {day}. Have a good one.'],
};

export const CALLBACK = {
  ask: ['I cannot talk now, I am driving. Can you call me tomorrow after five?', 'Bad moment, I am at work. Try me on {day} around noon.'],
  confirm: ['Of course. I will call you back then. Drive safely.', 'Sure, I have put that in the calendar. Talk to you then.'],
};

export const DECLINE = {
  says: ['Look, I am not interested. Thanks anyway.', 'No, thank you. We are all set.', 'I do not want to buy anything, so let us leave it here.'],
  bye: ['I understand. Thank you for your time, and have a great day.', 'No problem at all, {first}. Take care.'],
};

export const DO_NOT_CALL = {
  says: ['Stop calling me. Take my number off your list.', 'I told you people before, do not call this number again.'],
  bye: ['I am sorry for the trouble. I have put your number on our do not call list, and you will not hear from us again. Goodbye.'],
};

export const WRONG_NUMBER = {
  says: ['There is no {first} here, you have the wrong number.', 'Wrong number. This phone belongs to a bakery.'],
  bye: ['I am sorry about that, I will correct our records. Have a nice day.'],
};

export const TRANSFER = {
  ask: ['Can I just talk to a real person?', 'I want to discuss that with a human being, please.'],
  offer: ['Of course. I will put you through to our {expert}, please stay on the line.', 'Sure, one moment, I am connecting you with our {expert}.'],
};

export const SILENCE = ['Hello, are you still there?', 'I cannot hear you. Are you on the line?', 'It seems that we lost the connection.'];

export const VOICEMAIL = {
  greeting: [
    'Hi, you have reached my mailbox. I cannot take your call right now, so please leave a message after the tone.',
    'Your call has been forwarded to an automated voice messaging system. At the tone, please record your message.',
  ],
  message: ['Hi {first}, this is {agent} from {tradeCompany}. I am calling about {visit}. Please call us back when it suits you. Thank you.', 'Hello {first}, {agent} from {tradeCompany} here, sorry that I missed you. I will try again soon.'],
};

export const ANNOUNCEMENT = ['The person you are trying to reach is not available. Please try again later.', 'Your call is being screened. Please stay on the line.'];

export const SERVICE = {
  reason: ['I have an appointment with you already and need to move it.', 'I got an invoice that I do not understand.', 'Is the technician still coming today?'],
  reply: ['I am happy to help with that. I have found your file and passed a note to the office, they will call you within the hour.', 'I have made the change and you will get a text message with it.'],
  bye: ['Perfect, thank you.', 'Great, that was quick. Bye.'],
};

export const SMALL_TALK = [
  ['By the way, how is the weather over there?', 'Windy, as always. The neighbours lost a fence last night.'],
  ['Could you tell me a little more about how you found us?', 'My sister in {city} used you and would not stop talking about it, so I looked you up.'],
  ['Is there anything that did not work so well with other companies?', 'They never called back. I sat at home for a whole afternoon and nobody came, and then they sent an invoice for it.'],
  ['Would you prefer text messages or calls for updates?', 'Text, please. I am on the road a lot and cannot pick up.'],
  ['May I ask what you would tell a friend who is in the same situation?', 'To get three quotes and to ask what happens when something breaks.'],
  ['What should we know before somebody comes over?', 'There is a dog, a friendly one, and the gate sticks. Just push.'],
  ['And who would be at home on that day?', 'I am, all day. I work from home since last year.'],
];
