import { randomUUID } from 'node:crypto'
import { access, rename, writeFile } from 'node:fs/promises'
import { type CreatedOperatorToken, OperatorTokenInput, SluiceError } from '@sluice/contracts'
import { createAccessToken, hashAccessToken, type Logger } from '@sluice/service-kit'
import { validate as isUuid } from 'uuid'
import { type Actor, START } from '../audit/audit-entry.ts'
import { expiryErrors, nameErrors, parseDocument, requireNoErrors } from '../documents.ts'
import { type OperatorToken, toOperatorTokenView } from './operator.ts'
import type { OperatorTokenStore } from './operator-token-store.ts'

export interface OperatorTokenDeps {
  readonly operatorTokens: OperatorTokenStore
  readonly now: () => Date
  /** Returns a new UUID. */
  readonly newId: () => string
}

/**
 * Creates an operator token. The result is the only place that has the token itself: its hash is stored.
 * @throws SluiceError `invalid_request` with everything that is wrong with `document`
 */
export async function createOperatorToken(
  { operatorTokens, now, newId }: OperatorTokenDeps,
  actor: Actor,
  document: unknown,
): Promise<CreatedOperatorToken> {
  const { name, role, expiresAt } = parseDocument(OperatorTokenInput, document)
  const createdAt = now()
  requireNoErrors([...nameErrors(name), ...expiryErrors(expiresAt, createdAt)])
  const token = createAccessToken('slo')
  const stored: OperatorToken = {
    id: newId(),
    name,
    hash: hashAccessToken(token),
    role,
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt) }),
    createdAt,
  }
  await operatorTokens.insert(stored, actor)
  return { ...toOperatorTokenView(stored), token }
}

/** Revokes an operator token and its sessions. @throws SluiceError `not_found`, `last_admin_token` */
export async function revokeOperatorToken(
  { operatorTokens, now }: Omit<OperatorTokenDeps, 'newId'>,
  actor: Actor,
  id: string,
): Promise<void> {
  const outcome = isUuid(id) ? await operatorTokens.remove(id, now(), actor) : 'not_found'
  if (outcome === 'not_found') throw new SluiceError('not_found', 'There is no such operator token.')
  if (outcome === 'last_admin') {
    throw new SluiceError('last_admin_token', 'This is the last admin token. Create another one first.')
  }
}

/**
 * Creates the first operator token, an admin's, and writes it to `file`, if there is no token yet. The file is written
 * before the token is stored: a crash in between leaves a file that the next start replaces, never a stored token that
 * no operator knows.
 */
export async function ensureOperatorToken(
  { operatorTokens, now, newId, logger }: OperatorTokenDeps & { readonly logger: Logger },
  file: string,
): Promise<void> {
  const token = createAccessToken('slo')
  const hash = hashAccessToken(token)
  const first: OperatorToken = { id: newId(), name: 'first', hash, role: 'admin', createdAt: now() }
  const isStored = await operatorTokens.insertFirst(first, START, () => writePrivateFile(file, `${token}\n`))
  if (isStored) {
    logger.info({ file }, 'wrote the first operator token')
  } else if (!(await exists(file))) {
    logger.warn({ file }, `the file of the first operator token is missing; create another token: ${COMMAND}`)
  }
}

const COMMAND = 'npm run operator-token -- <name> --role admin'

/** Writes the whole file or nothing, readable by its owner only. */
async function writePrivateFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, text, { mode: 0o600, flush: true })
  await rename(draft, path)
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
