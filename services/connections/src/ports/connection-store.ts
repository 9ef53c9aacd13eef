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

/** What is to take the place of a connection, and what has happened to it in the words of the audit log. */
export type ConnectionReplacement =
  | { readonly what: 'updated'; readonly connection: Connection }
  | {
      readonly what: 'rotated' | 'rolled-back'
      readonly connection: Connection
      readonly credential: NewCredential
    }

export interface StoredCredential {
  /** Whatever is stored. */
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
  /**
   * With a new version of the credential, destroys the envelopes of all but that one and the one before. `conflict`: the stored
   * connection is no longer `before`.
   */
  replace(
    before: Connection,
    replacement: ConnectionReplacement,
    actor: Actor,
  ): Promise<'stored' | 'name_taken' | 'conflict'>
  /** Removes the connection with every version of its credential. `conflict`: it is no longer `before`. */
  remove(before: Connection, actor: Actor): Promise<'removed' | 'conflict'>
  /** The current version; undefined when there is no such connection or it has no stored credential. */
  findCredential(
    connectionId: string,
  ): Promise<(StoredCredential & { readonly provider: ProviderId; readonly version: number }) | undefined>
  /**
   * Notes that the provider rejects a version, or with `undefined` that it takes it: of the current one, where nothing else is noted. Returns
   * the connection's name where that changed what was noted.
   */
  noteRejection(connectionId: string, version: number, fault: CredentialFault | undefined): Promise<string | undefined>
  /** Notes that a version could not be opened, or with `undefined` that it could; it is no change of the connection. */
  noteCredentialFault(connectionId: string, version: number, fault: CredentialFault | undefined): Promise<void>
}
