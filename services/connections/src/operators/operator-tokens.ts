import { type CreatedOperatorToken, documentErrors, OperatorTokenInput, SluiceError } from '@sluice/contracts'
import { createAccessToken, hashAccessToken } from '@sluice/service-kit'
import { validate as isUuid } from 'uuid'
import type { Actor } from '../audit/audit-entry.ts'
import { invalidDocument } from '../connections/connection-documents.ts'
import type { ApplicationDeps } from '../deps.ts'
import { expiryErrors, nameErrors } from '../documents.ts'
import { type OperatorToken, toOperatorTokenView } from './operator.ts'

/**
 * Makes an operator token. The answer is the only place where the token itself is shown: its hash is stored.
 * @throws SluiceError `invalid_request` with everything that is wrong with `document`
 */
export async function createOperatorToken(
  { operatorTokens, now, newId }: Pick<ApplicationDeps, 'operatorTokens' | 'now' | 'newId'>,
  actor: Actor,
  document: unknown,
): Promise<CreatedOperatorToken> {
  const malformed = documentErrors(OperatorTokenInput, document)
  if (malformed.length > 0) throw invalidDocument(malformed)
  const { name, role, expiresAt } = document as OperatorTokenInput
  const createdAt = now()
  const errors = [...nameErrors(name), ...expiryErrors(expiresAt, createdAt)]
  if (errors.length > 0) throw invalidDocument(errors)
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

/**
 * Removes an operator token and ends its sessions.
 * @throws SluiceError `not_found`; `last_admin_token` where nobody could make changes afterwards
 */
export async function revokeOperatorToken(
  { operatorTokens, now }: Pick<ApplicationDeps, 'operatorTokens' | 'now'>,
  actor: Actor,
  id: string,
): Promise<void> {
  const outcome = isUuid(id) ? await operatorTokens.remove(id, now(), actor) : 'not_found'
  if (outcome === 'not_found') throw new SluiceError('not_found', 'There is no such operator token.')
  if (outcome === 'last_admin') {
    throw new SluiceError('last_admin_token', 'This is the last token of an admin. Make another one first.')
  }
}
