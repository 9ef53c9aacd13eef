/** Finds secrets in written data: whole or in part, plain or encoded. */
export type SecretSearch = (written: Buffer) => string[]

/** Shorter runs are shown on purpose (the hint of a credential) or occur by chance. */
const RUN_LENGTH = 12

/**
 * Looks for any twelve consecutive characters of any of `secrets`, by name, in each of their forms: plain, base64 and
 * base64url at each alignment, hexadecimal, URL-encoded, JSON-escaped once and twice. Returns a function that returns
 * its findings, `NAME (FORM)`, each once.
 */
export function createSecretSearch(secrets: ReadonlyMap<string, string>): SecretSearch {
  const runs = new Map<string, string>()
  const beginnings = new Uint8Array(2 ** 16)
  for (const [name, secret] of secrets) {
    if (secret.length < 2 * RUN_LENGTH) throw new Error(`the secret ${name} is too short to distinguish from chance`)
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
      // Their first two bytes exclude most positions, so that hundreds of megabytes take about a second.
      if (beginnings[((written[at] ?? 0) << 8) | (written[at + 1] ?? 0)] === 0) continue
      const name = runs.get(written.toString('latin1', at, at + RUN_LENGTH))
      if (name !== undefined) found.add(name)
    }
    return [...found]
  }
}

/**
 * Returns the forms in which a secret may be written, plain first: a run that is the same in several forms counts as
 * the first.
 */
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

/** Returns the part of the base64 that depends on the secret alone, with `offset` bytes (modulo three) before it. */
function alignedBase64(bytes: Buffer, offset: number): string {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
  return whole.slice(offset === 0 ? 0 : offset + 1, -4)
}

function runsOf(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - RUN_LENGTH + 1) }, (_, at) => text.slice(at, at + RUN_LENGTH))
}
