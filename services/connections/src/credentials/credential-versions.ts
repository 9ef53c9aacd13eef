import type { CredentialVersion, CredentialVersionPage } from '@sluice/contracts'
import { type Logger, pause } from '@sluice/service-kit'
import type { CredentialSummary } from '../connections/connection.ts'
import type { ConnectionStore } from '../connections/connection-store.ts'
import { findConnection } from '../connections/find-connections.ts'
import { DEFAULT_PAGE_SIZE, fromNumberCursor, toCursor } from '../paging.ts'
import type { CredentialHistory, RecordedVersion } from './credential-history.ts'

/**
 * Returns until when `recorded` can be rolled back to, or undefined if it cannot be: only the previous version can,
 * for `graceMs` after it was replaced.
 */
export function rollbackUntil(
  recorded: Pick<RecordedVersion, 'version' | 'wrappedUnder'>,
  current: CredentialSummary,
  { now, graceMs }: { readonly now: Date; readonly graceMs: number },
): Date | undefined {
  const until = new Date(current.rotatedAt.getTime() + graceMs)
  const isPrevious = recorded.version === current.version - 1
  return isPrevious && recorded.wrappedUnder !== undefined && now < until ? until : undefined
}

/** @param until as {@link rollbackUntil} returns it */
export function toVersionView(
  recorded: RecordedVersion,
  current: CredentialSummary,
  until: Date | undefined,
): CredentialVersion {
  const { version, hint, rotatedAt, createdBy, restores, wrappedUnder, fault } = recorded
  const status = version === current.version ? 'current' : until === undefined ? 'retired' : 'previous'
  return {
    version,
    hint,
    status,
    createdAt: rotatedAt.toISOString(),
    createdBy,
    ...(restores === undefined ? {} : { restores }),
    ...wrappedUnder,
    ...(fault === undefined ? {} : { fault }),
    ...(until === undefined ? {} : { rollbackUntil: until.toISOString() }),
  }
}

export interface VersionDeps {
  readonly connections: ConnectionStore
  readonly credentialHistory: CredentialHistory
  /** How long a replaced credential can be rolled back to, in milliseconds. */
  readonly credentialGraceMs: number
  readonly now: () => Date
}

export interface VersionQuery {
  readonly limit?: number
  readonly cursor?: string
}

/**
 * Returns the versions of a connection's credential, newest first. @throws SluiceError `not_found`, `invalid_request`
 */
export async function listCredentialVersions(
  { connections, credentialHistory, credentialGraceMs: graceMs, now }: VersionDeps,
  id: string,
  { limit = DEFAULT_PAGE_SIZE, cursor }: VersionQuery,
): Promise<CredentialVersionPage> {
  const { credential: current } = await findConnection(connections, id)
  if (current === undefined) return { items: [] }
  const newest = current.version + 1
  const before = cursor === undefined ? newest : Math.min(fromNumberCursor(cursor), newest)
  const recorded = await credentialHistory.list(id, { before, limit })
  const time = { now: now(), graceMs }
  const items = recorded.map((version) => toVersionView(version, current, rollbackUntil(version, current, time)))
  const last = recorded.at(-1)
  return last === undefined || last.version === 1 ? { items } : { items, nextCursor: toCursor(last.version) }
}

/**
 * Destroys the envelopes of credentials that can no longer be rolled back to, every `intervalMs` until `signal`
 * aborts; their rows stay as history. Several instances may do it at a time: a replaced version never becomes current
 * again.
 */
export async function retireCredentials(
  { credentialHistory, credentialGraceMs, now, logger }: Omit<VersionDeps, 'connections'> & { readonly logger: Logger },
  intervalMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const destroyed = await credentialHistory.destroyReplacedBefore(new Date(now().getTime() - credentialGraceMs))
      for (const version of destroyed) logger.info(version, 'a replaced credential was destroyed')
    } catch (err) {
      logger.warn({ err }, 'replaced credentials cannot be destroyed; trying again')
    }
    await pause(intervalMs, signal)
  }
}
