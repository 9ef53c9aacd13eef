import { hashAccessToken, isAccessToken } from '@sluice/service-kit'
import type { Operator } from '../domain/operator.ts'
import type { OperatorToken } from '../domain/operator-token.ts'
import type { ApplicationDeps } from './deps.ts'

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
