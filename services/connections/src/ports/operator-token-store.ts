import type { Actor } from '../domain/actor.ts'

export interface NewOperatorToken {
  readonly id: string
  readonly name: string
  /** SHA-256 of the token, lower-case hex. */
  readonly hash: string
}

/** The operators' tokens, by their hashes. */
export interface OperatorTokenStore {
  /** The name of the token with this hash; undefined when there is none. */
  nameOf(hash: string): Promise<string | undefined>
  insert(token: NewOperatorToken, actor: Actor): Promise<void>
  /**
   * Stores the token if there is none at all, after `beforeStored` has resolved. Of several callers at once one does.
   * False when there is a token already.
   */
  insertFirst(token: NewOperatorToken, actor: Actor, beforeStored: () => Promise<void>): Promise<boolean>
}
