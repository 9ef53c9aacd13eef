import { randomUUID } from 'node:crypto'
import { access, rename, writeFile } from 'node:fs/promises'
import type { TokenFile } from '../ports/token-file.ts'

export function createTokenFile(path: string): TokenFile {
  return {
    path,
    exists: () =>
      access(path).then(
        () => true,
        () => false,
      ),
    write: async (token) => {
      const draft = `${path}.${randomUUID()}`
      await writeFile(draft, `${token}\n`, { mode: 0o600, flush: true })
      await rename(draft, path)
    },
  }
}
