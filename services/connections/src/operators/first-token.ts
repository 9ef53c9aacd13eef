import { randomUUID } from 'node:crypto'
import { access, rename, writeFile } from 'node:fs/promises'
import { createAccessToken, hashAccessToken, type Logger } from '@sluice/service-kit'
import { START } from '../audit/audit-entry.ts'
import type { OperatorToken } from './operator.ts'
import type { OperatorTokenStore } from './operator-token-store.ts'

export interface EnsureOperatorTokenDeps {
  readonly operatorTokens: OperatorTokenStore
  readonly now: () => Date
  readonly newId: () => string
  readonly logger: Logger
  /** Undefined where there is no place to leave it. */
  readonly tokenFile: TokenFile | undefined
}

/**
 * Makes the first operator token, an admin's, and writes it to its file, if there is no token yet. The file is written before the
 * token is stored: a crash in between leaves a file that the next start replaces, never a stored token that nobody knows.
 */
export async function ensureOperatorToken({
  operatorTokens,
  now,
  newId,
  logger,
  tokenFile,
}: EnsureOperatorTokenDeps): Promise<void> {
  if (tokenFile === undefined) return
  const token = createAccessToken('slo')
  const hash = hashAccessToken(token)
  const first: OperatorToken = { id: newId(), name: 'first', hash, role: 'admin', createdAt: now() }
  const isStored = await operatorTokens.insertFirst(first, START, () => tokenFile.write(token))
  if (isStored) {
    logger.info({ file: tokenFile.path }, 'wrote the first operator token')
  } else if (!(await tokenFile.exists())) {
    logger.warn({ file: tokenFile.path }, `the operator token's file is gone; make another token: ${COMMAND}`)
  }
}

const COMMAND = 'npm run operator-token -- <name> --role admin'

/** Where the first operator token is left for the operator. */
export interface TokenFile {
  readonly path: string
  exists(): Promise<boolean>
  /** Puts the token there as a whole or not at all, for its owner's eyes only. */
  write(token: string): Promise<void>
}

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
