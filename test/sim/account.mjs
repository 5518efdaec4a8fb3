/**
 * The organisation as the API shows it: assistants, squads and phone numbers, with ids from the seed.
 */
import { companyNumber } from './catalog/people.mjs';
import { systemPrompt } from './catalog/prompts.mjs';
import { TRADES } from './catalog/trades.mjs';
import { ASSISTANTS, LINES, PHONE_NUMBERS, SQUADS } from './lines.mjs';
import { Random } from './random.mjs';

const SERVER_MESSAGES = ['status-update', 'end-of-call-report', 'transcript', 'speech-update', 'tool-calls', 'hang', 'conversation-update'];

/**
 * Builds the account: {orgId, assistants, squads, phoneNumbers} as API objects (arrays, newest first, as Vapi lists them),
 * and `lines`: the call lines with everything that a call copies from them.
 */
export function buildAccount({ seed, orgId, from, promptLength }) {
  const random = new Random(seed, 'account');
  const ids = new Map();
  const idOf = (kind, key) => {
    const name = `${kind}/${key}`;
    if (!ids.has(name)) ids.set(name, new Random(seed, name).uuid());
    return ids.get(name);
  };
  const org = orgId ?? idOf('org', 'agency');
  const day = 86400000;
  const stamp = (daysBefore) => new Date(from - daysBefore * day - random.between(0, day)).toISOString();

  const assistants = ASSISTANTS.map((a, i) => {
    const trade = TRADES[a.trade];
    const agent = trade.agents[a.agent];
    return {
      id: idOf('assistant', a.key),
      orgId: org,
      name: a.name,
      voice: { voiceId: ['Elliot', 'Savannah', 'Rohan'][a.agent], provider: 'vapi' },
      createdAt: stamp(200 - i * 8),
      updatedAt: stamp(60 - i * 2),
      model: {
        model: a.outputs ? 'gpt-4.1' : 'gpt-4o-mini',
        provider: 'openai',
        temperature: 0.4,
        messages: [{ role: 'system', content: systemPrompt(trade, agent, a.role, promptLength) }],
      },
      firstMessage: trade.opening.outbound[0],
      voicemailMessage: `Hi, this is ${agent} from ${trade.company}. Please call us back when it suits you.`,
      endCallMessage: 'Thank you for your time. Goodbye.',
      transcriber: { model: 'nova-3', language: 'en', provider: 'deepgram' },
      serverMessages: i % 4 === 3 ? SERVER_MESSAGES.filter((m) => m !== 'transcript') : SERVER_MESSAGES,
      ...(i % 5 === 4
        ? {}
        : {
            server: {
              url: 'https://hooks.example.com/api/webhooks/vapi',
              timeoutSeconds: 20,
              ...(i % 3 === 0 ? { backoffPlan: { type: 'exponential', maxRetries: 5, baseDelaySeconds: 1 } } : {}),
            },
          }),
      maxDurationSeconds: 600,
      analysisPlan: {
        summaryPlan: { enabled: a.rubric !== null },
        structuredDataPlan: { enabled: !!a.data },
        successEvaluationPlan: a.rubric ? { rubric: a.rubric, enabled: true } : { enabled: false },
      },
      artifactPlan: { recordingEnabled: true, recordingFormat: 'wav;l16' },
      isServerUrlSecretSet: false,
    };
  });
  const assistant = (key) => assistants[ASSISTANTS.findIndex((a) => a.key === key)];

  const squads = SQUADS.map((s) => ({
    id: idOf('squad', s.key),
    orgId: org,
    name: s.name,
    createdAt: stamp(90),
    updatedAt: stamp(30),
    members: s.members.map((key, i) => ({
      assistantId: assistant(key).id,
      assistantDestinations: i + 1 < s.members.length ? [{ type: 'assistant', assistantName: assistant(s.members[i + 1]).name, message: '', description: 'The customer is qualified and ready for an appointment.' }] : [],
    })),
  }));

  const phoneNumbers = PHONE_NUMBERS.map((p) => ({
    id: idOf('phone-number', p.key),
    orgId: org,
    provider: p.provider,
    number: companyNumber(p.number),
    name: p.name,
    status: 'active',
    createdAt: stamp(150),
    updatedAt: stamp(40),
    ...(p.assistant ? { assistantId: assistant(p.assistant).id } : {}),
    ...(p.provider === 'twilio' ? { twilioAccountSid: `AC${new Random(seed, p.key).hex(32)}` } : {}),
    ...(p.provider === 'byo-phone-number' || p.provider === 'telnyx' ? { credentialId: idOf('credential', p.key) } : {}),
    ...(p.provider === 'byo-phone-number' ? { numberE164CheckEnabled: true } : {}),
  }));

  const lines = LINES.map((line, index) => {
    const squad = line.squad ? SQUADS.find((s) => s.key === line.squad) : null;
    const keys = squad ? squad.members : [line.assistant];
    const members = keys.map((key) => ASSISTANTS.find((a) => a.key === key));
    const phone = PHONE_NUMBERS.findIndex((p) => p.key === line.phone);
    return {
      ...line,
      index,
      trade: TRADES[members[0].trade],
      members,
      apiAssistants: keys.map(assistant),
      agents: members.map((m) => TRADES[m.trade].agents[m.agent]),
      assistantIndex: squad || line.transient ? -1 : ASSISTANTS.indexOf(members[0]),
      assistantId: squad || line.transient ? null : assistant(keys[0]).id,
      squadId: squad ? squads[SQUADS.indexOf(squad)].id : null,
      phoneIndex: phone,
      phoneNumber: phone < 0 ? null : phoneNumbers[phone],
      outputIds: {
        interest: idOf('structured-output', 'interest'),
        budget: idOf('structured-output', 'budget'),
        booked: idOf('structured-output', 'booked'),
      },
      scorecardId: idOf('scorecard', 'qualification'),
    };
  });

  const newestFirst = (a, b) => (a.createdAt < b.createdAt ? 1 : -1);
  return {
    orgId: org,
    lines,
    assistants: [...assistants].sort(newestFirst),
    squads: [...squads].sort(newestFirst),
    phoneNumbers: [...phoneNumbers].sort(newestFirst),
    assistantIds: assistants.map((a) => a.id),
    phoneNumberIds: phoneNumbers.map((p) => p.id),
  };
}
