import { randomBytes, randomUUID } from 'node:crypto'
import { access, link, rm, writeFile } from 'node:fs/promises'

const KEY_BYTES = 32

/** Makes the file with a random master key (32 bytes, base64; mode 0600) unless it is there. True when it was made. */
export async function ensureMasterKey(path: string): Promise<boolean> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  )
  if (isThere) return false
  // A crash half-way must not leave half a key: everything sealed under it would be lost.
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, `${randomBytes(KEY_BYTES).toString('base64')}\n`, { mode: 0o600, flush: true })
  await link(draft, path)
  await rm(draft)
  return true
}
