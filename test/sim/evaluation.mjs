/**
 * What is true about a call (kept hidden, for tests of scoring), and what Vapi's analysis says about it.
 */

/** The truth: only facts of turns that were really spoken count. */
export function truthOf(played, conversation, tradeKey) {
  const truth = {
    trade: tradeKey, kind: conversation?.kind ?? null, reached: false, machine: false, interest: null, need: null, budget: null,
    timeline: null, authority: null, objections: [], meetingBooked: false, appointment: null, followUp: null, doNotCall: false,
    wrongNumber: false, transferred: false, service: false, outcome: 'not-reached',
  };
  if (!conversation || played.startedAt === null) return truth;
  for (const fact of conversation.facts) {
    if (fact.turn > played.turns) continue;
    if (fact.key === 'objection') truth.objections.push(fact.value);
    else if (fact.key === 'booked') Object.assign(truth, { meetingBooked: true, appointment: fact.value });
    else truth[fact.key] = fact.value;
  }
  truth.outcome = outcomeOf(truth, played);
  return truth;
}

function outcomeOf(truth, played) {
  if (truth.meetingBooked) return 'meeting-booked';
  if (truth.machine) return played.reason === 'voicemail' ? 'voicemail' : 'not-reached';
  if (truth.doNotCall) return 'do-not-call';
  if (truth.wrongNumber) return 'wrong-number';
  if (played.transfer?.status === 'completed') return 'transferred';
  if (truth.service) return 'service';
  if (truth.followUp === 'callback') return 'callback';
  if (truth.followUp) return 'follow-up';
  if (truth.interest === 'cold' || truth.interest === 'none') return 'not-interested';
  return truth.reached ? 'unfinished' : 'not-reached';
}

/** 0 … 1, how good the call was for the seller. */
function quality(truth) {
  let q = 0.05;
  if (truth.reached) q += 0.1;
  if (truth.interest === 'warm') q += 0.18;
  if (truth.interest === 'hot') q += 0.3;
  if (truth.budget > 0) q += 0.12;
  if (truth.timeline && truth.timeline !== 'none') q += 0.08;
  if (truth.authority === 'decision-maker') q += 0.1;
  if (truth.meetingBooked) q += 0.25;
  else if (truth.followUp || truth.transferred) q += 0.1;
  return Math.min(q, 1);
}

const SUCCESS = new Set(['meeting-booked', 'transferred', 'service']);

/** Vapi's successEvaluation, a string whose form depends on the rubric. */
function successEvaluation(rubric, truth) {
  const q = quality(truth);
  const level = (words) => words[Math.min(words.length - 1, Math.floor((1 - q) * words.length))];
  const mark = (ok) => (ok ? 'Pass' : 'Fail');
  switch (rubric) {
    case 'NumericScale':
      return String(Math.max(1, Math.round(q * 10)));
    case 'DescriptiveScale':
      return level(['Excellent', 'Good', 'Fair', 'Poor']);
    case 'PercentageScale':
      return `${Math.round(q * 20) * 5}%`;
    case 'LikertScale':
      return level(['Strongly Agree', 'Agree', 'Neutral', 'Disagree', 'Strongly Disagree']);
    case 'Checklist':
      return `Reached the customer: ${mark(truth.reached)}\nUnderstood the need: ${mark(truth.need)}\nAsked for the budget: ${mark(truth.budget !== null)}\nAgreed on a next step: ${mark(truth.meetingBooked || truth.followUp)}`;
    case 'Matrix':
      return `| Criterion | Level |\n|---|---|\n| Discovery | ${level(['Excellent', 'Good', 'Fair', 'Poor'])} |\n| Next step | ${truth.meetingBooked ? 'Excellent' : truth.followUp ? 'Fair' : 'Poor'} |`;
    case 'AutomaticRubric':
      return `Discovery: ${Math.round(q * 10)}/10, Empathy: ${7 + Math.round(q * 2)}/10, Next step: ${truth.meetingBooked ? 10 : truth.followUp ? 5 : 1}/10`;
    default:
      return String(SUCCESS.has(truth.outcome));
  }
}

/** A summary in one to four sentences. */
function summaryOf(truth, agent, company) {
  if (truth.machine) return `${agent} from ${company} reached an answering machine and left a message.`;
  if (truth.doNotCall) return `${agent} from ${company} called, and the customer asked to be taken off the list. ${agent} confirmed and ended the call.`;
  if (truth.wrongNumber) return `${agent} from ${company} reached a wrong number and apologised.`;
  if (truth.service) return `The customer called ${company} about an existing matter. ${agent} took care of it and passed a note to the office.`;
  let text = `${agent} from ${company} spoke with the customer`;
  text += truth.need && truth.need !== 'no clear need' ? ` about ${truth.need}.` : '.';
  if (truth.budget > 0) text += ` A budget of about ${truth.budget} dollars was mentioned.`;
  if (truth.timeline && truth.timeline !== 'none') text += ` Timeline: ${truth.timeline}.`;
  if (truth.objections.length) text += ` The customer raised concerns about ${truth.objections.join(' and ')}.`;
  if (truth.meetingBooked) text += ` An appointment was booked for ${truth.appointment}.`;
  else if (truth.transferred) text += ' The customer was transferred to a colleague.';
  else if (truth.followUp) text += ` Next step: ${truth.followUp}.`;
  else if (truth.interest === 'cold' || truth.interest === 'none') text += ' The customer was not interested.';
  else text += ' The call ended before a next step was agreed.';
  return text;
}

/**
 * The analysis of a call: {analysis, structuredOutputs, scorecards, ran}; `ran` names the analyses that cost money.
 * A call that nobody answered gets an empty analysis, as does an assistant without an analysis plan.
 */
export function analyse(line, played, truth) {
  const member = line.members[line.members.length - 1];
  const first = line.members[0];
  const result = { analysis: {}, structuredOutputs: {}, scorecards: {}, ran: [] };
  if (!member.rubric || played.turns < 2 || played.reason === 'customer-did-not-answer') return result;
  result.analysis.summary = summaryOf(truth, line.agents[0], line.trade.company);
  result.ran.push('summary');
  if (first.data) {
    result.analysis.structuredData = {
      interest: truth.interest, budget: truth.budget, timeline: truth.timeline, decisionMaker: truth.authority === null ? null : truth.authority === 'decision-maker',
      appointmentBooked: truth.meetingBooked,
    };
    result.ran.push('structuredData');
  }
  if (played.reason !== 'silence-timed-out' || truth.reached) {
    result.analysis.successEvaluation = successEvaluation(member.rubric, truth);
    result.ran.push('successEvaluation');
  }
  if (first.outputs) {
    result.structuredOutputs[line.outputIds.interest] = { name: 'Interest', result: truth.interest ?? 'unknown' };
    result.structuredOutputs[line.outputIds.booked] = { name: 'Appointment booked', result: truth.meetingBooked };
    if (truth.budget !== null) result.structuredOutputs[line.outputIds.budget] = { name: 'Budget in dollars', result: truth.budget };
    result.ran.push('structuredOutput');
  }
  if (first.scorecard) {
    const points = { [line.outputIds.interest]: truth.interest === 'hot' ? 40 : truth.interest === 'warm' ? 20 : 0, [line.outputIds.booked]: truth.meetingBooked ? 60 : 0 };
    const score = points[line.outputIds.interest] + points[line.outputIds.booked];
    result.scorecards[line.scorecardId] = { name: 'Qualification', score, scoreNormalized: score, metricPoints: points };
  }
  return result;
}
