import {
  CONNECTION_DEFAULTS,
  type ConnectionInput,
  type ConnectionPatch,
  type ConnectionView,
  type CredentialFault,
  type ProjectedConnection,
  type ProviderId,
} from '@sluice/contracts'

/** What an operator sets on a connection besides its name, provider and config. */
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

/** What is known of a connection's current credential. */
export interface CredentialSummary {
  readonly version: number
  readonly hint: string
  readonly rotatedAt: Date
  /** The version whose secret it has, where it came by a roll-back. */
  readonly restores?: number
  /** Absent where it could be opened when it was last asked for. */
  readonly fault?: CredentialFault
}

/** A connection as it is stored: without its credential. */
export interface Connection extends Readonly<ConnectionSettings> {
  readonly id: string
  readonly name: string
  readonly provider: ProviderId
  /** Without the provider's secret fields. */
  readonly config: Readonly<Record<string, unknown>>
  /** Absent where the provider needs no stored credential. */
  readonly credential?: CredentialSummary
  /** Counts up with each change, from 1. */
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** The settings in `given`; what is absent is as in `base`. */
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

/** The settings with a change made to them: what is null becomes what it is where an operator says nothing. */
export function settingsAfter(before: ConnectionSettings, patch: ConnectionPatch): ConnectionSettings {
  const staying = Object.entries(before).filter(([name]) => patch[name as keyof ConnectionPatch] !== null)
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== null))
  return settingsOver({ ...DEFAULT_SETTINGS, ...Object.fromEntries(staying) }, given)
}

export const DEFAULT_SETTINGS: ConnectionSettings = {
  description: '',
  ...CONNECTION_DEFAULTS,
  enforceDiscovered: false,
  allowAdministration: false,
  requestStreamUsage: true,
}

/** The connection as it is answered, and as the audit log keeps it. */
export function toView(connection: Connection): ConnectionView {
  const { id, name, provider, config, credential, version, createdAt, updatedAt } = connection
  return {
    id,
    name,
    provider,
    config,
    ...(credential === undefined ? {} : { credential: viewOf(credential) }),
    ...settingsOver(connection, {}),
    version,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}

/** The connection as every service sees it. */
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

function viewOf(credential: CredentialSummary): NonNullable<ConnectionView['credential']> {
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
