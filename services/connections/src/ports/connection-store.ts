import type { CredentialFault, ProviderId } from '@sluice/contracts'
import type { Actor } from '../domain/actor.ts'
import type { Connection } from '../domain/connection.ts'
import type { Envelope } from '../domain/envelope.ts'

export interface ConnectionQuery {
  /** Part of the name or the description, in any case. */
  readonly search?: string
  readonly provider?: ProviderId
  /** Only connections with a greater name. */
  readonly afterName?: string
  readonly limit: number
}

/** A new version of a connection's credential; its number and hint are in the connection's summary. */
export interface NewCredential {
  readonly envelope: Envelope
}

export interface StoredCredential {
  readonly provider: ProviderId
  /** The connection's current version. */
  readonly current: { readonly version: number; readonly rotatedAt: Date }
  /** What is stored for the version asked for; undefined when there is no such version. */
  readonly envelope: unknown
  /** Why it could not be opened when it was last asked for. */
  readonly fault: CredentialFault | undefined
}

/**
 * The connections. Each change is one transaction with its audit row and its outbox entry, so that none of the three is ever there
 * without the others. Every method throws SluiceError `unavailable` when the store cannot be reached.
 */
export interface ConnectionStore {
  /** By name, ascending. */
  list(query: ConnectionQuery): Promise<readonly Connection[]>
  find(id: string): Promise<Connection | undefined>
  /** Those of `ids` that are connections. */
  existing(ids: readonly string[]): Promise<ReadonlySet<string>>
  insert(connection: Connection, credential: NewCredential | undefined, actor: Actor): Promise<'stored' | 'name_taken'>
  /** `conflict`: the stored connection is no longer `before`. */
  replace(
    before: Connection,
    after: Connection,
    credential: NewCredential | undefined,
    actor: Actor,
  ): Promise<'stored' | 'name_taken' | 'conflict'>
  /** Removes the connection with every version of its credential. `conflict`: it is no longer `before`. */
  remove(before: Connection, actor: Actor): Promise<'removed' | 'conflict'>
  /** Undefined when there is no such connection or it has no stored credential. */
  findCredential(connectionId: string, version: number): Promise<StoredCredential | undefined>
  /** Notes that a version could not be opened, or with `undefined` that it could; it is no change of the connection. */
  noteCredentialFault(connectionId: string, version: number, fault: CredentialFault | undefined): Promise<void>
}
