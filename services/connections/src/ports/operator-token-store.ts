import type { Actor } from '../domain/actor.ts'
import type { OperatorToken } from '../domain/operator-token.ts'

/** The operators' tokens; each change is one transaction with its audit row. */
export interface OperatorTokenStore {
  /** Oldest first. */
  list(): Promise<readonly OperatorToken[]>
  /** The token with this hash, expired or not; undefined when there is none. */
  find(hash: string): Promise<OperatorToken | undefined>
  insert(token: OperatorToken, actor: Actor): Promise<void>
  /**
   * Stores the token if there is none at all, after `beforeStored` has resolved. Of several callers at once one does.
   * False when there is a token already.
   */
  insertFirst(token: OperatorToken, actor: Actor, beforeStored: () => Promise<void>): Promise<boolean>
  /**
   * Removes a token with its sessions. `last_admin`: nobody could make changes without it, of those whose token is good at `now`.
   * Of several callers at once none removes what another one counts on.
   */
  remove(id: string, now: Date, actor: Actor): Promise<'removed' | 'not_found' | 'last_admin'>
  /** Notes a use; it is no change of the token. */
  noteUse(id: string, at: Date): Promise<void>
}
