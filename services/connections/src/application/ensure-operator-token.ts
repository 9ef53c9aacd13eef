import { createAccessToken, hashAccessToken, type Logger } from '@sluice/service-kit'
import { START } from '../domain/actor.ts'
import type { OperatorToken } from '../domain/operator-token.ts'
import type { OperatorTokenStore } from '../ports/operator-token-store.ts'
import type { TokenFile } from '../ports/token-file.ts'

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
