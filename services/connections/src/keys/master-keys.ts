import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

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

export interface MasterKeySettings {
  readonly MASTER_KEY_FILE?: string
  readonly MASTER_KEY?: string
}

/**
 * The master keys of `MASTER_KEY_FILE`, else of `MASTER_KEY`.
 * @throws MasterKeyError when there are none, they are malformed, or others than the file's owner may read it
 */
export async function loadMasterKeys(settings: MasterKeySettings): Promise<readonly [MasterKey, ...MasterKey[]]> {
  if (settings.MASTER_KEY_FILE !== undefined) return parseMasterKeys(await readPrivateFile(settings.MASTER_KEY_FILE))
  if (settings.MASTER_KEY !== undefined) return parseMasterKeys(settings.MASTER_KEY)
  throw new MasterKeyError('neither MASTER_KEY_FILE nor MASTER_KEY is set')
}

async function readPrivateFile(path: string): Promise<string> {
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw new MasterKeyError(`the master key file ${path} cannot be read: ${cause.code}`, { cause })
  })
  try {
    // Of the file that was opened, so that it cannot be another one than the one that is read.
    const { mode } = await file.stat()
    if ((mode & OTHERS) !== 0) {
      throw new MasterKeyError(`the master key file ${path} may be read by others than its owner: chmod 600 ${path}`)
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/** Every permission of the group and of everyone. */
const OTHERS = 0o077
