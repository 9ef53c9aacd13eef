import { randomBytes, randomUUID } from 'node:crypto'
import { access, link, rm, writeFile } from 'node:fs/promises'
import { StartError } from './start-error.ts'

const KEY_BYTES = 32

/**
 * Makes the file with a random master key (32 bytes, base64; mode 0600) unless it is there. True when it was made.
 * @param mayBeNew false where there may be credentials already that only the former key opens
 * @throws StartError `master_key_missing` when it is not there and may not be new
 */
export async function ensureMasterKey(path: string, mayBeNew: boolean): Promise<boolean> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  )
  if (isThere) return false
  if (!mayBeNew) {
    throw new StartError(
      'master_key_missing',
      `The master key ${path} is gone, without which no stored credential can be read. Put it back from your backup. If it is lost: make ` +
        `another one (openssl rand -base64 32 > ${path} && chmod 600 ${path}), start, and give each connection its credential again.`,
    )
  }
  // A crash half-way must not leave half a key: everything sealed under it would be lost.
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, `${randomBytes(KEY_BYTES).toString('base64')}\n`, { mode: 0o600, flush: true })
  await link(draft, path)
  await rm(draft)
  return true
}
