import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

export interface MasterKey {
  /** Identifies the key without revealing it: the start of a hash of it. */
  readonly keyId: string
  readonly key: Uint8Array
}

export interface MasterKeySettings {
  readonly MASTER_KEY_FILE?: string
  readonly MASTER_KEY?: string
}

/** The master keys are missing or malformed. The message never contains a key. */
export class MasterKeyError extends Error {
  override readonly name = 'MasterKeyError'
}

/**
 * Loads the master keys from `MASTER_KEY_FILE`, or else from `MASTER_KEY`.
 * @throws MasterKeyError when neither is set, a key is malformed, or the file is readable by anyone but its owner
 */
export async function loadMasterKeys(settings: MasterKeySettings): Promise<readonly [MasterKey, ...MasterKey[]]> {
  if (settings.MASTER_KEY_FILE !== undefined) return parseMasterKeys(await readPrivateFile(settings.MASTER_KEY_FILE))
  if (settings.MASTER_KEY !== undefined) return parseMasterKeys(settings.MASTER_KEY)
  throw new MasterKeyError('neither MASTER_KEY_FILE nor MASTER_KEY is set')
}

/**
 * Parses master keys: one per line, each 32 bytes in base64; blank lines are ignored. The first wraps, all unwrap.
 * @throws MasterKeyError with the line number
 */
export function parseMasterKeys(text: string): readonly [MasterKey, ...MasterKey[]] {
  const keys = text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [parseKey(line.trim(), index + 1)]))
  const [first, ...others] = keys
  if (first === undefined) throw new MasterKeyError('there is no master key')
  return [first, ...others]
}

function parseKey(line: string, lineNumber: number): MasterKey {
  const key = Buffer.from(line, 'base64')
  // Buffer.from skips what is not base64, so compare the text with what was read.
  if (key.length !== MASTER_KEY_BYTES || key.toString('base64') !== line) {
    throw new MasterKeyError(`line ${lineNumber} of the master keys is not ${MASTER_KEY_BYTES} bytes in base64`)
  }
  return { keyId: `mk-${createHash('sha256').update('sluice master key').update(key).digest('hex').slice(0, 16)}`, key }
}

async function readPrivateFile(path: string): Promise<string> {
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw new MasterKeyError(`the master key file ${path} cannot be read: ${cause.code}`, { cause })
  })
  try {
    // Check the open file, so that the file that is checked is the file that is read.
    const { mode } = await file.stat()
    if ((mode & GROUP_AND_OTHERS) !== 0) {
      throw new MasterKeyError(
        `the master key file ${path} is accessible to users other than its owner: chmod 600 ${path}`,
      )
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

const GROUP_AND_OTHERS = 0o077
const MASTER_KEY_BYTES = 32
