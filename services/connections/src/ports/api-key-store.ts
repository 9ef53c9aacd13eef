import type { Actor } from '../domain/actor.ts'
import type { ApiKey } from '../domain/api-key.ts'

/** The applications' keys; changes as in {@link ConnectionStore}. */
export interface ApiKeyStore {
  /** Oldest first. */
  list(): Promise<readonly ApiKey[]>
  insert(key: ApiKey, actor: Actor): Promise<void>
  /** False when there is no such key. */
  remove(id: string, actor: Actor): Promise<boolean>
}
