import type { Actor } from '../domain/actor.ts'
import type { ApiKey } from '../domain/api-key.ts'

/** The applications' keys; changes as in {@link ConnectionStore}. */
export interface ApiKeyStore {
  /** Oldest first. */
  list(): Promise<readonly ApiKey[]>
  insert(key: ApiKey, actor: Actor): Promise<void>
  /** Replaces a key by what `change` makes of it. The key as it is then; undefined when there is no such key. */
  update(id: string, change: (key: ApiKey) => ApiKey, actor: Actor): Promise<ApiKey | undefined>
  /** False when there is no such key. */
  remove(id: string, actor: Actor): Promise<boolean>
  /** Notes when keys were used last, Unix milliseconds by id; it is no change of a key. Keys that are gone are passed over. */
  noteUses(uses: ReadonlyMap<string, number>): Promise<void>
}
