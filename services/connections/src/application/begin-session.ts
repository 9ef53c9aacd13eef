import { documentErrors, SessionInput } from '@sluice/contracts'
import { createAccessToken, hashAccessToken } from '@sluice/service-kit'
import { type Operator, operatorActor } from '../domain/operator.ts'
import { sessionEnd } from '../domain/session.ts'
import { invalidDocument } from '../domain/validate-connection.ts'
import type { ApplicationDeps } from './deps.ts'
import { findGoodToken } from './identify-operator.ts'

export interface BegunSession {
  readonly operator: Operator
  /** What the cookie is to hold. Its hash is stored. */
  readonly secret: string
  readonly lifetimeMs: number
}

/**
 * Begins a console session with an operator token; undefined where that is not a good one.
 * @throws SluiceError `invalid_request` when the document is not one with a token
 */
export async function beginSession(deps: ApplicationDeps, document: unknown): Promise<BegunSession | undefined> {
  const errors = documentErrors(SessionInput, document)
  if (errors.length > 0) throw invalidDocument(errors)
  const token = await findGoodToken(deps, (document as SessionInput).token)
  if (token === undefined) return undefined
  const { id: tokenId, name, role } = token
  const createdAt = deps.now()
  const expiresAt = sessionEnd(token, createdAt)
  const secret = createAccessToken('sls')
  const session = { id: deps.newId(), hash: hashAccessToken(secret), tokenId, createdAt, expiresAt }
  const operator: Operator = { tokenId, name, role, sessionId: session.id, expiresAt }
  const isStored = await deps.sessions.insert(session, operatorActor(operator))
  return isStored ? { operator, secret, lifetimeMs: expiresAt.getTime() - createdAt.getTime() } : undefined
}
