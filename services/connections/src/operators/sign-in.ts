import { documentErrors, SessionInput } from '@sluice/contracts'
import { createAccessToken, hashAccessToken, isAccessToken } from '@sluice/service-kit'
import { invalidDocument } from '../connections/connection-documents.ts'
import type { ApplicationDeps } from '../deps.ts'
import { type Operator, type OperatorToken, operatorActor, sessionEnd } from './operator.ts'

type Deps = Pick<ApplicationDeps, 'operatorTokens' | 'sessions' | 'now'>

/**
 * The token itself, if it is good: neither malformed, nor unknown, revoked or expired. It is looked up at each request, so that one
 * that is revoked is refused at once. Its use is noted, once a minute at most.
 */
export async function findGoodToken(deps: Deps, text: string): Promise<OperatorToken | undefined> {
  const token = isAccessToken(text, 'slo') ? await deps.operatorTokens.find(hashAccessToken(text)) : undefined
  if (token === undefined || hasEnded(token, deps.now())) return undefined
  await noteUse(deps, token)
  return token
}

/** Whose token this is; undefined where it is not a good one. */
export async function operatorOfToken(deps: Deps, text: string): Promise<Operator | undefined> {
  const token = await findGoodToken(deps, text)
  if (token === undefined) return undefined
  const { id: tokenId, name, role, expiresAt } = token
  return { tokenId, name, role, ...(expiresAt === undefined ? {} : { expiresAt }) }
}

/** Whose session this is, by what its cookie holds; undefined where it is none, or over, or its token is not good any more. */
export async function operatorOfSession(deps: Deps, text: string): Promise<Operator | undefined> {
  const found = isAccessToken(text, 'sls') ? await deps.sessions.find(hashAccessToken(text)) : undefined
  if (found === undefined) return undefined
  const { session, token } = found
  if (hasEnded(session, deps.now()) || hasEnded(token, deps.now())) return undefined
  await noteUse(deps, token)
  const { id: tokenId, name, role } = token
  return { tokenId, name, role, sessionId: session.id, expiresAt: session.expiresAt }
}

function hasEnded({ expiresAt }: { readonly expiresAt?: Date }, now: Date): boolean {
  return expiresAt !== undefined && expiresAt <= now
}

async function noteUse({ operatorTokens, now }: Deps, { id, lastUsedAt }: OperatorToken): Promise<void> {
  const at = now()
  if (lastUsedAt === undefined || at.getTime() - lastUsedAt.getTime() >= NOTE_EVERY_MS)
    await operatorTokens.noteUse(id, at)
}

const NOTE_EVERY_MS = 60_000

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
