import { type ConnectionView, SluiceError } from '@sluice/contracts'
import { type Actor, difference } from '../audit/audit-entry.ts'
import { type EncryptDeps, encryptCredential } from '../credentials/stored-credentials.ts'
import type { CredentialOwner } from '../keys/envelope.ts'
import type { ConnectionRules } from './config-errors.ts'
import { type Connection, DEFAULT_SETTINGS, settingsAfter, settingsOver, toView } from './connection.ts'
import { type ValidPatch, validateConnection, validatePatch } from './connection-documents.ts'
import type { ConnectionReplacement, ConnectionStore } from './connection-store.ts'
import { findConnection } from './find-connections.ts'

export interface ChangeDeps extends EncryptDeps {
  readonly connections: ConnectionStore
  readonly rules: ConnectionRules
}

/** The connection to change. */
export interface ConnectionTarget {
  readonly id: string
  /** The version that it must have; undefined: any. */
  readonly ifVersion: number | undefined
}

/**
 * Stores a new connection with its encrypted credential.
 * @throws SluiceError `invalid_request` with everything that is wrong with `document`; `name_taken`
 */
export async function createConnection(
  deps: ChangeDeps & { readonly newId: () => string },
  actor: Actor,
  document: unknown,
): Promise<ConnectionView> {
  const { input, provider, publicConfig, secrets } = validateConnection(document, deps.rules)
  const id = deps.newId()
  const encrypted = await encryptCredential(deps, secrets, { connectionId: id, provider: provider.id, version: 1 })
  const createdAt = deps.now()
  const connection: Connection = {
    ...settingsOver(DEFAULT_SETTINGS, input),
    id,
    name: input.name,
    provider: provider.id,
    config: provider.generatesExternalId ? { ...publicConfig, externalId: `sluice-${deps.newId()}` } : publicConfig,
    ...(encrypted === undefined ? {} : { credential: encrypted.summary }),
    version: 1,
    createdAt,
    updatedAt: createdAt,
  }
  const outcome = await deps.connections.insert(connection, encrypted?.envelope, actor)
  if (outcome === 'name_taken') throw nameTaken(connection.name)
  return toView(connection)
}

/**
 * @throws SluiceError `not_found`, `version_conflict`, `name_taken`, or `invalid_request` with everything that is wrong with the
 * document
 */
export function updateConnection(
  deps: ChangeDeps,
  actor: Actor,
  target: ConnectionTarget,
  document: unknown,
): Promise<ConnectionView> {
  return changeConnection(deps.connections, actor, target, (before) =>
    patchedConnection(deps, before, validatePatch(document, before, deps.rules)),
  )
}

/** @throws SluiceError `not_found`, `version_conflict` */
export async function deleteConnection(
  store: ConnectionStore,
  actor: Actor,
  { id, ifVersion }: ConnectionTarget,
): Promise<void> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const before = await findConnection(store, id)
    requireVersion(before, ifVersion)
    if ((await store.remove(before, actor)) === 'removed') return
  }
  throw tooManyConflicts()
}

/**
 * Stores what `change` makes of the connection; nothing, and no new version, if that is no difference. When another
 * change is stored first, `change` is applied again to the connection as it is then, so that what is stored never
 * mixes two changes.
 * @throws SluiceError `not_found`, `version_conflict`, `name_taken`; whatever `change` throws
 */
export async function changeConnection(
  store: ConnectionStore,
  actor: Actor,
  { id, ifVersion }: ConnectionTarget,
  change: (before: Connection) => Promise<ConnectionReplacement>,
): Promise<ConnectionView> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const before = await findConnection(store, id)
    requireVersion(before, ifVersion)
    const replacement = await change(before)
    if (changesNothing(before, replacement)) return toView(before)
    const outcome = await store.replace(before, replacement, actor)
    if (outcome === 'stored') return toView(replacement.connection)
    if (outcome === 'name_taken') throw nameTaken(replacement.connection.name)
  }
  throw tooManyConflicts()
}

/**
 * Returns the connection with a valid patch applied; a secret in the patch is stored as a new version of the
 * credential.
 * @throws EnvelopeError when the key service returns no data key
 */
export async function patchedConnection(
  deps: EncryptDeps,
  before: Connection,
  { patch, publicConfig, secrets }: ValidPatch,
): Promise<ConnectionReplacement> {
  const encrypted = await encryptCredential(deps, secrets, nextCredential(before))
  // The settings have no allowedModels when every model is allowed.
  const { allowedModels: _, ...kept } = before
  const connection: Connection = {
    ...kept,
    ...settingsAfter(before, patch),
    name: patch.name ?? before.name,
    config: withoutNulls({ ...before.config, ...publicConfig }),
    ...(encrypted === undefined ? {} : { credential: encrypted.summary }),
    version: before.version + 1,
    updatedAt: deps.now(),
  }
  return encrypted === undefined
    ? { action: 'updated', connection }
    : { action: 'rotated', connection, envelope: encrypted.envelope }
}

/** Identifies the next version of a connection's credential. */
export function nextCredential({ id, provider, credential }: Connection): CredentialOwner {
  return { connectionId: id, provider, version: credential === undefined ? 1 : credential.version + 1 }
}

function requireVersion({ version }: Connection, ifVersion: number | undefined): void {
  if (ifVersion === undefined || ifVersion === version) return
  throw new SluiceError(
    'version_conflict',
    `The connection has changed: its version is ${version}, and If-Match requires ${ifVersion}. Read it again, then repeat the ` +
      `change with If-Match: "${version}".`,
  )
}

function changesNothing(before: Connection, { action, connection }: ConnectionReplacement): boolean {
  return action === 'updated' && difference(toView(before), toView(connection)).length === 0
}

function withoutNulls(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null))
}

function nameTaken(name: string): SluiceError {
  return new SluiceError('name_taken', `There is already a connection with the name "${name}".`, {
    fields: [{ field: 'name', message: 'is taken' }],
  })
}

function tooManyConflicts(): SluiceError {
  return new SluiceError('version_conflict', 'Other changes of the connection were stored first each time. Try again.')
}

const MAX_ATTEMPTS = 5
