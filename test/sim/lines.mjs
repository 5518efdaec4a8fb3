/**
 * The made-up agency's assistants, squads and phone numbers, and the lines on which calls come and go.
 * Each rubric kind of Vapi's success evaluation is used by at least one assistant.
 */

/** key, trade, agent (index of the trade's agent names), rubric and what analysis runs after the call. */
export const ASSISTANTS = [
  { key: 'solar-a', name: 'Solar outbound A', trade: 'solar', agent: 0, rubric: 'NumericScale', outputs: true, scorecard: true, luck: 1.25, role: 'outbound qualification, script A' },
  { key: 'solar-b', name: 'Solar outbound B', trade: 'solar', agent: 1, rubric: 'PassFail', outputs: true, luck: 0.8, role: 'outbound qualification, script B' },
  { key: 'solar-in', name: 'Solar reception', trade: 'solar', agent: 2, rubric: 'LikertScale', luck: 1.5, role: 'inbound reception' },
  { key: 'roofing-out', name: 'Roofing storm follow-up', trade: 'roofing', agent: 0, rubric: 'PercentageScale', data: true, luck: 0.9, role: 'outbound follow-up after storms' },
  { key: 'roofing-in', name: 'Roofing reception', trade: 'roofing', agent: 1, rubric: 'DescriptiveScale', data: true, luck: 1.6, role: 'inbound reception' },
  { key: 'heating-in', name: 'Heating reception', trade: 'heating', agent: 0, rubric: 'AutomaticRubric', luck: 1.7, role: 'inbound reception and emergencies' },
  { key: 'dental-recall', name: 'Dental recall', trade: 'dental', agent: 0, rubric: 'Checklist', data: true, outputs: true, luck: 1.1, role: 'outbound recall of patients' },
  { key: 'dental-in', name: 'Dental reception', trade: 'dental', agent: 1, rubric: 'PassFail', scorecard: true, outputs: true, luck: 1.6, role: 'inbound reception' },
  { key: 'insurance-out', name: 'Insurance renewal desk', trade: 'insurance', agent: 0, rubric: 'Matrix', luck: 0.7, role: 'outbound renewal comparison' },
  { key: 'software-web', name: 'Website demo guide', trade: 'software', agent: 0, rubric: 'PercentageScale', outputs: true, luck: 1.3, role: 'demo requests on the website' },
  { key: 'software-out', name: 'Trial activation', trade: 'software', agent: 1, rubric: 'NumericScale', data: true, luck: 0.9, role: 'outbound calls to trial accounts' },
  { key: 'solar-qualifier', name: 'Solar qualifier', trade: 'solar', agent: 0, rubric: 'PassFail', outputs: true, luck: 1.1, role: 'first questions, then hand over to the closer' },
  { key: 'solar-closer', name: 'Solar closer', trade: 'solar', agent: 2, rubric: 'DescriptiveScale', luck: 1.2, role: 'appointments for qualified customers' },
  { key: 'software-triage', name: 'Software triage', trade: 'software', agent: 2, rubric: 'PassFail', luck: 1, role: 'understand the visitor, then hand over' },
  { key: 'software-specialist', name: 'Software specialist', trade: 'software', agent: 1, rubric: 'LikertScale', luck: 1, role: 'answer questions and book demos' },
  { key: 'no-analysis', name: 'Dental kiosk', trade: 'dental', agent: 2, rubric: null, luck: 1.1, role: 'kiosk in the waiting room' },
];

export const SQUADS = [
  { key: 'solar-squad', name: 'Solar qualifier and closer', members: ['solar-qualifier', 'solar-closer'] },
  { key: 'software-squad', name: 'Software website team', members: ['software-triage', 'software-specialist'] },
];

/** number: index of the company's number. */
export const PHONE_NUMBERS = [
  { key: 'solar-main', name: 'Solar main line', number: 0, provider: 'vapi', assistant: 'solar-in' },
  { key: 'solar-outbound', name: 'Solar outbound pool', number: 1, provider: 'byo-phone-number' },
  { key: 'roofing', name: 'Roofing line', number: 2, provider: 'twilio', assistant: 'roofing-in' },
  { key: 'heating', name: 'Heating hotline', number: 3, provider: 'vapi', assistant: 'heating-in' },
  { key: 'dental', name: 'Dental front desk', number: 4, provider: 'telnyx', assistant: 'dental-in' },
  { key: 'insurance', name: 'Insurance outbound', number: 5, provider: 'byo-phone-number' },
  { key: 'software', name: 'Software sales', number: 6, provider: 'vapi' },
];

/** weight: share of calls. `transient` lines send the assistant inside the call. */
export const LINES = [
  { key: 'solar-a', type: 'outboundPhoneCall', assistant: 'solar-a', phone: 'solar-outbound', weight: 17 },
  { key: 'solar-b', type: 'outboundPhoneCall', assistant: 'solar-b', phone: 'solar-outbound', weight: 14 },
  { key: 'solar-in', type: 'inboundPhoneCall', assistant: 'solar-in', phone: 'solar-main', weight: 5 },
  { key: 'roofing-out', type: 'outboundPhoneCall', assistant: 'roofing-out', phone: 'roofing', weight: 12 },
  { key: 'roofing-in', type: 'inboundPhoneCall', assistant: 'roofing-in', phone: 'roofing', weight: 4 },
  { key: 'heating-in', type: 'inboundPhoneCall', assistant: 'heating-in', phone: 'heating', weight: 6 },
  { key: 'dental-recall', type: 'outboundPhoneCall', assistant: 'dental-recall', phone: 'dental', weight: 9 },
  { key: 'dental-in', type: 'inboundPhoneCall', assistant: 'dental-in', phone: 'dental', weight: 6 },
  { key: 'insurance-out', type: 'outboundPhoneCall', assistant: 'insurance-out', phone: 'insurance', weight: 8 },
  { key: 'software-out', type: 'outboundPhoneCall', assistant: 'software-out', phone: 'software', weight: 5 },
  { key: 'software-web', type: 'webCall', assistant: 'software-web', weight: 4 },
  { key: 'solar-squad', type: 'outboundPhoneCall', squad: 'solar-squad', phone: 'solar-outbound', weight: 6 },
  { key: 'software-squad', type: 'webCall', squad: 'software-squad', weight: 2 },
  { key: 'kiosk', type: 'vapi.websocketCall', assistant: 'no-analysis', weight: 1 },
  { key: 'transient', type: 'outboundPhoneCall', assistant: 'insurance-out', transient: true, phone: 'insurance', weight: 1 },
];
