import { createHash } from 'node:crypto'

export interface MasterKey {
  /** Tells keys apart without telling anything of the key: the start of a hash of it. */
  readonly keyId: string
  readonly key: Uint8Array
}

/** The master keys are missing or wrong. The message never shows one. */
export class MasterKeyError extends Error {
  override readonly name = 'MasterKeyError'
}

/**
 * Reads master keys from text: 32 bytes in base64, one a line, blank lines aside. The first wraps, all unwrap.
 * @throws MasterKeyError naming the line
 */
export function parseMasterKeys(text: string): readonly [MasterKey, ...MasterKey[]] {
  const keys = text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [parseKey(line.trim(), index + 1)]))
  const [first, ...others] = keys
  if (first === undefined) throw new MasterKeyError('there is no master key')
  return [first, ...others]
}

function parseKey(line: string, lineNumber: number): MasterKey {
  const key = Buffer.from(line, 'base64')
  // Buffer.from passes over what is not base64, so that the text is held against what it was read as.
  if (key.length !== MASTER_KEY_BYTES || key.toString('base64') !== line) {
    throw new MasterKeyError(`line ${lineNumber} of the master keys is not ${MASTER_KEY_BYTES} bytes in base64`)
  }
  return { keyId: `mk-${createHash('sha256').update('sluice master key').update(key).digest('hex').slice(0, 16)}`, key }
}

const MASTER_KEY_BYTES = 32
