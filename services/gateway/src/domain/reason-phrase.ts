/**
 * A provider's reason phrase as it can be passed on: empty where it holds what none may (RFC 9112, section 4) and Node would
 * refuse to send. Clients are to ignore the phrase anyway.
 */
export function sendableReasonPhrase(phrase: string): string {
  return REASON_PHRASE.test(phrase) ? phrase : ''
}

const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/
