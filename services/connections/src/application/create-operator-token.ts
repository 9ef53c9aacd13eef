import { type CreatedOperatorToken, documentErrors, OperatorTokenInput } from '@sluice/contracts'
import { createAccessToken, hashAccessToken } from '@sluice/service-kit'
import type { Actor } from '../domain/actor.ts'
import { expiryErrors } from '../domain/expiry.ts'
import { type OperatorToken, toOperatorTokenView } from '../domain/operator-token.ts'
import { invalidDocument } from '../domain/validate-connection.ts'
import { nameErrors } from '../domain/visible-text.ts'
import type { ApplicationDeps } from './deps.ts'

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
