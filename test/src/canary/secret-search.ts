/** Finds secrets in what was written down: in whole or in part, as they are or encoded. */
export type SecretSearch = (written: Buffer) => string[]

/** What is shorter is told on purpose (the hint of a credential), or is there by chance. */
const RUN_LENGTH = 12

/**
 * Looks for any twelve consecutive characters of any of `secrets`, by name, in each of their forms: plain, base64 and base64url at
 * each alignment, hexadecimal, URL-encoded, JSON-escaped once and twice. The search gives what it found, `NAME (FORM)`, each once.
 */
export function createSecretSearch(secrets: ReadonlyMap<string, string>): SecretSearch {
  const runs = new Map<string, string>()
  const beginnings = new Uint8Array(2 ** 16)
  for (const [name, secret] of secrets) {
    if (secret.length < 2 * RUN_LENGTH) throw new Error(`the secret ${name} is too short to be told from chance`)
    for (const [form, text] of formsOf(secret)) {
      for (const run of runsOf(text)) {
        if (!runs.has(run)) runs.set(run, `${name} (${form})`)
        beginnings[(run.charCodeAt(0) << 8) | run.charCodeAt(1)] = 1
      }
    }
  }
  return (written) => {
    const found = new Set<string>()
    for (let at = 0; at + RUN_LENGTH <= written.length; at++) {
      // Most places are told by their first two bytes, which makes hundreds of megabytes a matter of a second.
      if (beginnings[((written[at] ?? 0) << 8) | (written[at + 1] ?? 0)] === 0) continue
      const name = runs.get(written.toString('latin1', at, at + RUN_LENGTH))
      if (name !== undefined) found.add(name)
    }
    return [...found]
  }
}

/** How a secret may be written down, plain first: a run that looks the same in several forms goes by the first of them. */
function formsOf(secret: string): [form: string, text: string][] {
  const bytes = Buffer.from(secret)
  const json = escaped(secret)
  return [
    ['plain', secret],
    ['URL-encoded', encodeURIComponent(secret)],
    ['JSON-escaped', json],
    ['JSON-escaped twice', escaped(json)],
    ['hexadecimal', bytes.toString('hex')],
    ['hexadecimal', bytes.toString('hex').toUpperCase()],
    ...[0, 1, 2].flatMap((offset): [string, string][] => {
      const base64 = alignedBase64(bytes, offset)
      return [
        ['base64', base64],
        ['base64url', base64.replaceAll('+', '-').replaceAll('/', '_')],
      ]
    }),
  ]
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** The part that depends on the secret alone, of the base64 of a text in which `offset` bytes (modulo three) stand before it. */
function alignedBase64(bytes: Buffer, offset: number): string {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
  return whole.slice(offset === 0 ? 0 : offset + 1, -4)
}

function runsOf(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - RUN_LENGTH + 1) }, (_, at) => text.slice(at, at + RUN_LENGTH))
}
