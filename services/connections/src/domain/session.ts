import type { OperatorToken } from './operator-token.ts'

/** A console session as it is stored: the hash of what its cookie holds, never that itself. */
export interface Session {
  readonly id: string
  /** SHA-256 of what the cookie holds, lower-case hex. */
  readonly hash: string
  /** The operator token it was begun with, which it does not outlive. */
  readonly tokenId: string
  readonly createdAt: Date
  readonly expiresAt: Date
}

/** When a session ends that begins now: after twelve hours, or with its token. */
export function sessionEnd({ expiresAt }: Pick<OperatorToken, 'expiresAt'>, now: Date): Date {
  const latest = new Date(now.getTime() + SESSION_MS)
  return expiresAt !== undefined && expiresAt < latest ? expiresAt : latest
}

const SESSION_MS = 12 * 3_600_000
