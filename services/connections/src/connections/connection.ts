import { isDeepStrictEqual } from 'node:util'
import {
  CONNECTION_DEFAULTS,
  type ConnectionInput,
  type ConnectionPatch,
  type ConnectionView,
  type CredentialFault,
  type ProjectedConnection,
  type ProviderId,
} from '@sluice/contracts'

/** The settings of a connection besides its name, provider and config. */
export type ConnectionSettings = Required<
  Pick<ConnectionView, 'enforceDiscovered' | 'allowAdministration' | 'requestStreamUsage'>
> &
  Pick<
    ConnectionView,
    | 'description'
    | 'allowedModels'
    | 'capacity'
    | 'defaultMaxOutputTokens'
    | 'tokenReservation'
    | 'onCapacityUnavailable'
    | 'maxWaitMs'
    | 'enabled'
  >

/** The public facts of one version of a connection's credential. */
export interface CredentialSummary {
  readonly version: number
  readonly hint: string
  readonly rotatedAt: Date
  /** The version whose secret it has, if it was created by a rollback. */
  readonly restores?: number
  /** Absent if it could be used the last time it was needed. */
  readonly fault?: CredentialFault
}

/** A connection as it is stored, without its credential. */
export interface Connection extends Readonly<ConnectionSettings> {
  readonly id: string
  readonly name: string
  readonly provider: ProviderId
  /** Without the provider's secret fields. */
  readonly config: Readonly<Record<string, unknown>>
  /** The summary of the current version; absent when the provider needs no stored credential. */
  readonly credential?: CredentialSummary
  /** Incremented by each change, from 1. */
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

export const DEFAULT_SETTINGS: ConnectionSettings = {
  description: '',
  ...CONNECTION_DEFAULTS,
  enforceDiscovered: false,
  allowAdministration: false,
  requestStreamUsage: true,
}

/** Returns the settings in `given`, with those of `base` where it has none. */
export function settingsOver(base: ConnectionSettings, given: Partial<ConnectionInput>): ConnectionSettings {
  const allowedModels = given.allowedModels ?? base.allowedModels
  return {
    description: given.description ?? base.description,
    ...(allowedModels === undefined ? {} : { allowedModels }),
    capacity: given.capacity ?? base.capacity,
    defaultMaxOutputTokens: given.defaultMaxOutputTokens ?? base.defaultMaxOutputTokens,
    tokenReservation: given.tokenReservation ?? base.tokenReservation,
    onCapacityUnavailable: given.onCapacityUnavailable ?? base.onCapacityUnavailable,
    maxWaitMs: given.maxWaitMs ?? base.maxWaitMs,
    enforceDiscovered: given.enforceDiscovered ?? base.enforceDiscovered,
    allowAdministration: given.allowAdministration ?? base.allowAdministration,
    requestStreamUsage: given.requestStreamUsage ?? base.requestStreamUsage,
    enabled: given.enabled ?? base.enabled,
  }
}

/** Returns the settings with a patch applied: null resets a setting to its default. */
export function settingsAfter(before: ConnectionSettings, patch: ConnectionPatch): ConnectionSettings {
  const reset = new Set(Object.entries(patch).flatMap(([name, value]) => (value === null ? [name] : [])))
  const kept = Object.fromEntries(Object.entries(before).filter(([name]) => !reset.has(name)))
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== null))
  return settingsOver({ ...DEFAULT_SETTINGS, ...kept }, given)
}

/** Returns the connection as the API shows it and the audit log records it. */
export function toView(connection: Connection): ConnectionView {
  const { id, name, provider, config, credential, version, createdAt, updatedAt } = connection
  return {
    id,
    name,
    provider,
    config,
    ...(credential === undefined ? {} : { credential: toCredentialView(credential) }),
    ...settingsOver(connection, {}),
    version,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}

function toCredentialView(credential: CredentialSummary): NonNullable<ConnectionView['credential']> {
  const { version, hint, rotatedAt, restores, fault } = credential
  return {
    set: true,
    hint,
    version,
    rotatedAt: rotatedAt.toISOString(),
    ...(restores === undefined ? {} : { restores }),
    ...(fault === undefined ? {} : { fault }),
  }
}

/** Returns the connection as the other services see it. */
export function toProjection(connection: Connection): ProjectedConnection {
  const { id, name, provider, config, credential, version } = connection
  const { description: _, ...settings } = settingsOver(connection, {})
  return {
    id,
    name,
    provider,
    config,
    ...(credential === undefined ? {} : { credentialVersion: credential.version }),
    ...settings,
    version,
  }
}

/**
 * Returns whether the connection may be used less than before, or in another way: restrictions are published first.
 * Every change counts, also of fields that are added later, except those that only describe or only allow more. A
 * renamed connection cannot be used under its old name.
 */
export function restrictsConnection(before: Connection, after: Connection): boolean {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Connection>
  for (const field of fields) {
    if (isDeepStrictEqual(before[field], after[field])) continue
    if (!(IS_NO_RESTRICTION[field]?.(before, after) ?? false)) return true
  }
  return false
}

const always = () => true

/** For the fields whose change may be no restriction: whether this change is none. */
const IS_NO_RESTRICTION: { readonly [Field in keyof Connection]?: (before: Connection, after: Connection) => boolean } =
  {
    description: always,
    version: always,
    createdAt: always,
    updatedAt: always,
    enabled: (_, after) => after.enabled,
    allowAdministration: (_, after) => after.allowAdministration,
    requestStreamUsage: always,
    enforceDiscovered: (_, after) => !after.enforceDiscovered,
    onCapacityUnavailable: (_, after) => after.onCapacityUnavailable === 'allow',
    // The fault or hint of the same version.
    credential: (before, after) => before.credential?.version === after.credential?.version,
    allowedModels: (before, after) => {
      if (after.allowedModels === undefined) return true
      const allowed = new Set(after.allowedModels)
      return before.allowedModels?.every((model) => allowed.has(model)) ?? false
    },
  }
