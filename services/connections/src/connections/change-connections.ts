import { type ConnectionView, SluiceError } from '@sluice/contracts'
import { type Actor, difference } from '../audit/audit-entry.ts'
import { nextVersion, sealCredential } from '../credentials/sealed-credentials.ts'
import type { ApplicationDeps } from '../deps.ts'
import { type Connection, DEFAULT_SETTINGS, settingsAfter, settingsOver, toView } from './connection.ts'
import { type ValidConnection, type ValidPatch, validateConnection, validatePatch } from './connection-documents.ts'
import type { ConnectionReplacement } from './connection-store.ts'
import { findConnection, requireVersion } from './find-connections.ts'

export interface ConnectionToChange {
  readonly id: string
  /** Absent: whatever the connection's version is. */
  readonly ifVersion: number | undefined
}

/**
 * Stores what `change` makes of the connection; nothing, and no new version, where that is what it was. Where somebody else is faster, the change is made anew to what there is then, so that
 * what is stored never mixes two changes.
 * @throws SluiceError `not_found`, `version_conflict`, `name_taken`; whatever `change` throws
 */
export async function changeConnection(
  deps: ApplicationDeps,
  actor: Actor,
  { id, ifVersion }: ConnectionToChange,
  change: (before: Connection) => Promise<ConnectionReplacement>,
): Promise<ConnectionView> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const before = await findConnection(deps, id)
    requireVersion(before, ifVersion)
    const replacement = await change(before)
    if (changesNothing(before, replacement)) return toView(before)
    const outcome = await deps.connections.replace(before, replacement, actor)
    if (outcome === 'stored') return toView(replacement.connection)
    if (outcome === 'name_taken') throw nameTaken(replacement.connection.name)
  }
  throw new SluiceError('version_conflict', 'The connection is being changed by others all the time. Try again.')
}

function changesNothing(before: Connection, { what, connection }: ConnectionReplacement): boolean {
  return what === 'updated' && difference(toView(before), toView(connection)).length === 0
}

const MAX_ATTEMPTS = 5

/**
 * The connection with a change made to it; a secret in the change is sealed as a new version of the credential.
 * @throws EnvelopeError when the key service gives no data key
 */
export async function patchedConnection(
  deps: ApplicationDeps,
  before: Connection,
  { patch, publicConfig, secrets }: ValidPatch,
): Promise<ConnectionReplacement> {
  const sealed = await sealCredential(deps, secrets, nextVersion(before))
  // Absent from the settings where every model is allowed.
  const { allowedModels: _, ...kept } = before
  const connection: Connection = {
    ...kept,
    ...settingsAfter(before, patch),
    name: patch.name ?? before.name,
    config: withoutNulls({ ...before.config, ...publicConfig }),
    ...(sealed === undefined ? {} : { credential: sealed.summary }),
    version: before.version + 1,
    updatedAt: deps.now(),
  }
  return sealed === undefined
    ? { what: 'updated', connection }
    : { what: 'rotated', connection, credential: sealed.credential }
}

function withoutNulls(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null))
}

/**
 * Stores a new connection with its credential, sealed.
 * @throws SluiceError `invalid_request` with everything that is wrong with `document`; `name_taken`
 */
export async function createConnection(
  deps: ApplicationDeps,
  actor: Actor,
  document: unknown,
): Promise<ConnectionView> {
  const valid = validateConnection(document, deps.rules)
  const id = deps.newId()
  const sealed = await sealCredential(deps, valid.secrets, {
    connectionId: id,
    provider: valid.provider.id,
    version: 1,
  })
  const createdAt = deps.now()
  const connection: Connection = {
    ...settingsOver(DEFAULT_SETTINGS, valid.input),
    id,
    name: valid.input.name,
    provider: valid.provider.id,
    config: newConfig(deps, valid),
    ...(sealed === undefined ? {} : { credential: sealed.summary }),
    version: 1,
    createdAt,
    updatedAt: createdAt,
  }
  const outcome = await deps.connections.insert(connection, sealed?.credential, actor)
  if (outcome === 'name_taken') throw nameTaken(connection.name)
  return toView(connection)
}

export function nameTaken(name: string): SluiceError {
  return new SluiceError('name_taken', `There is a connection with the name "${name}" already.`, {
    fields: [{ field: 'name', message: 'is taken' }],
  })
}

function newConfig({ newId }: ApplicationDeps, { provider, publicConfig }: ValidConnection): Connection['config'] {
  return provider.generatesExternalId === true ? { ...publicConfig, externalId: `sluice-${newId()}` } : publicConfig
}

export interface ConnectionUpdate extends ConnectionToChange {
  /** What changes; a secret in its config makes a new version of the credential. */
  readonly document: unknown
}

/**
 * @throws SluiceError `not_found`, `version_conflict`, `name_taken`, or `invalid_request` with everything that is wrong with
 * the document
 */
export function updateConnection(
  deps: ApplicationDeps,
  actor: Actor,
  { document, ...target }: ConnectionUpdate,
): Promise<ConnectionView> {
  return changeConnection(deps, actor, target, (before) =>
    patchedConnection(deps, before, validatePatch(document, before, deps.rules)),
  )
}

/** @throws SluiceError `not_found`, `version_conflict` */
export async function deleteConnection(
  deps: Pick<ApplicationDeps, 'connections'>,
  actor: Actor,
  id: string,
  ifVersion: number | undefined,
): Promise<void> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const before = await findConnection(deps, id)
    requireVersion(before, ifVersion)
    if ((await deps.connections.remove(before, actor)) === 'removed') return
  }
  throw new SluiceError('version_conflict', 'The connection is being changed by others all the time. Try again.')
}
