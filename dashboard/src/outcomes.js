/** What calls achieve, as the scorer has it; reported outcomes may have other names. */
export const OUTCOMES = ['meeting-scheduled', 'sale', 'transferred', 'callback-scheduled', 'information-requested', 'undecided', 'not-interested', 'wrong-number', 'do-not-call', 'not-reached'];
