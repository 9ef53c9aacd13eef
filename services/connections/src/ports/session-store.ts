import type { Actor } from '../domain/actor.ts'
import type { OperatorToken } from '../domain/operator-token.ts'
import type { Session } from '../domain/session.ts'

/** A session and the token that it was begun with. */
export interface FoundSession {
  readonly session: Session
  readonly token: OperatorToken
}

/** The console's sessions, which go with their tokens; beginning and ending one is in the audit log. */
export interface SessionStore {
  /** Undefined when there is none with this hash, or its token is gone. */
  find(hash: string): Promise<FoundSession | undefined>
  /** Stores a session, and forgets those that are over by its beginning. False when its token is gone. */
  insert(session: Session, actor: Actor): Promise<boolean>
  remove(id: string, actor: Actor): Promise<void>
}
