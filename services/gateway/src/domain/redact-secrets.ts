import type { WireHeaders } from '@sluice/providers'

/**
 * `body` with every occurrence of every secret replaced by `[redacted]`; the same buffer where there is none. Secrets are ASCII. Each is
 * found as it is and as servers write down what they quote: escaped for JSON, also within JSON, and for URLs. What a provider encodes as
 * a whole (base64) is not looked for: that is no quotation.
 */
export function redactSecrets(body: Buffer, secrets: readonly string[]): Buffer {
  // Latin-1 gives every byte back as it was.
  const text = body.toString('latin1')
  const redacted = redactText(text, secrets)
  return redacted === text ? body : Buffer.from(redacted, 'latin1')
}

/** The same of a text. */
export function redactText(text: string, secrets: readonly string[]): string {
  let redacted = text
  for (const secret of secrets) {
    if (secret === '') continue
    for (const writing of writingsOf(secret)) {
      if (redacted.includes(writing)) redacted = redacted.replaceAll(writing, REDACTED)
    }
  }
  return redacted
}

/** The same of the values of an answer's headers; the same object where there is none. */
export function redactHeaders(headers: WireHeaders, secrets: readonly string[]): WireHeaders {
  const all = Object.values(headers).flat().join('\n')
  if (redactText(all, secrets) === all) return headers
  const redacted: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    redacted[name] =
      typeof value === 'string' ? redactText(value, secrets) : value.map((one) => redactText(one, secrets))
  }
  return redacted
}

const REDACTED = '[redacted]'

/** What nobody escapes, and most secrets are made of alone. */
const UNESCAPED = /^[\w.~-]*$/

function writingsOf(secret: string): Iterable<string> {
  if (UNESCAPED.test(secret)) return [secret]
  const json = escaped(secret)
  const quoted = [secret, json, escaped(json)].flatMap((text) => [
    text,
    // As PHP and as Go escape in addition.
    text.replaceAll('/', '\\/'),
    text.replaceAll(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`),
  ])
  return new Set([...quoted, encodeURIComponent(secret)])
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}
