import { SessionInput } from '@sluice/contracts'
import { createAccessToken, hashAccessToken, isAccessToken } from '@sluice/service-kit'
import { parseDocument } from '../documents.ts'
import { type Operator, type OperatorToken, operatorActor } from './operator.ts'
import type { OperatorTokenStore } from './operator-token-store.ts'
import { sessionEnd } from './session.ts'
import type { SessionStore } from './session-store.ts'

export interface SignInDeps {
  readonly operatorTokens: OperatorTokenStore
  readonly sessions: SessionStore
  readonly now: () => Date
}

/**
 * Returns the operator of a token, or undefined when it is malformed, unknown, revoked or expired. It is looked up at
 * each request, so that a revoked token is refused at once. Its use is recorded once a minute at most.
 */
export async function operatorOfToken(deps: SignInDeps, text: string): Promise<Operator | undefined> {
  const token = await findValidToken(deps, text)
  if (token === undefined) return undefined
  const { id: tokenId, name, role, expiresAt } = token
  return { tokenId, name, role, ...(expiresAt === undefined ? {} : { expiresAt }) }
}

/**
 * Returns the operator of a session by its cookie's value, or undefined when it, or its token, is not valid or has
 * ended.
 */
export async function operatorOfSession(deps: SignInDeps, text: string): Promise<Operator | undefined> {
  const found = isAccessToken(text, 'sls') ? await deps.sessions.find(hashAccessToken(text)) : undefined
  if (found === undefined) return undefined
  const { session, token } = found
  if (hasEnded(session, deps.now()) || hasEnded(token, deps.now())) return undefined
  await recordUse(deps, token)
  const { id: tokenId, name, role } = token
  return { tokenId, name, role, sessionId: session.id, expiresAt: session.expiresAt }
}

export interface StartedSession {
  readonly operator: Operator
  /** The cookie's value, whose hash is stored. */
  readonly secret: string
  readonly lifetimeMs: number
}

/**
 * Starts a session with an operator token; returns undefined when the token is not valid.
 * @throws SluiceError `invalid_request` when the document has no token
 */
export async function startSession(
  deps: SignInDeps & { readonly newId: () => string },
  document: unknown,
): Promise<StartedSession | undefined> {
  const token = await findValidToken(deps, parseDocument(SessionInput, document).token)
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

async function findValidToken(deps: SignInDeps, text: string): Promise<OperatorToken | undefined> {
  const token = isAccessToken(text, 'slo') ? await deps.operatorTokens.find(hashAccessToken(text)) : undefined
  if (token === undefined || hasEnded(token, deps.now())) return undefined
  await recordUse(deps, token)
  return token
}

function hasEnded({ expiresAt }: { readonly expiresAt?: Date }, now: Date): boolean {
  return expiresAt !== undefined && expiresAt <= now
}

async function recordUse({ operatorTokens, now }: SignInDeps, { id, lastUsedAt }: OperatorToken): Promise<void> {
  const at = now()
  if (lastUsedAt === undefined || at.getTime() - lastUsedAt.getTime() >= RECORD_EVERY_MS) {
    await operatorTokens.recordUse(id, at)
  }
}

const RECORD_EVERY_MS = 60_000
