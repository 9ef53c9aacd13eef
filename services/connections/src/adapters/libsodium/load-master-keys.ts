import { open } from 'node:fs/promises'
import { type MasterKey, MasterKeyError, parseMasterKeys } from './master-keys.ts'

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
