/** `body` with every occurrence of every secret replaced by `[redacted]`; the same buffer where there is none. */
export function redactSecrets(body: Buffer, secrets: readonly string[]): Buffer {
  let redacted = body
  for (const secret of secrets) {
    if (secret !== '' && redacted.includes(secret)) {
      // Latin-1 gives every byte back as it was.
      const needle = Buffer.from(secret).toString('latin1')
      redacted = Buffer.from(redacted.toString('latin1').replaceAll(needle, REDACTED), 'latin1')
    }
  }
  return redacted
}

const REDACTED = '[redacted]'
