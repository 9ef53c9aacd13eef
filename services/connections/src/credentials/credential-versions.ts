import type { CredentialFields, CredentialVersion, CredentialVersionPage } from '@sluice/contracts'
import { pause } from '@sluice/service-kit'
import type { CredentialSummary } from '../connections/connection.ts'
import { findConnection } from '../connections/find-connections.ts'
import type { ApplicationDeps } from '../deps.ts'
import type { EnvelopeKey } from '../keys/envelope.ts'
import { fromNumberCursor, toCursor } from '../paging.ts'

/** What an operator recognises a credential by: `…` and its last four characters, only `…` where that would show too much. */
export function credentialHint(fields: CredentialFields): string {
  const [value = ''] = Object.values(fields)
  return value.length < MIN_LENGTH_SHOWN ? '…' : `…${value.slice(-4)}`
}

/** Four characters of twenty leave at least sixteen unknown. */
const MIN_LENGTH_SHOWN = 20

/** One version of a connection's credential, as it is stored. */
export interface RecordedVersion extends CredentialSummary {
  readonly createdBy?: string
  /** What its data key is wrapped under; absent once its envelope is destroyed. */
  readonly wrappedUnder?: EnvelopeKey
}

/**
 * Until when `recorded` can be rolled back to; undefined where it cannot: only the version before the current one can, for `graceMs`
 * from when it was replaced.
 */
export function rollbackUntil(
  recorded: RecordedVersion,
  current: CredentialSummary,
  { now, graceMs }: { readonly now: Date; readonly graceMs: number },
): Date | undefined {
  const until = new Date(current.rotatedAt.getTime() + graceMs)
  const isPrevious = recorded.version === current.version - 1
  return isPrevious && recorded.wrappedUnder !== undefined && now < until ? until : undefined
}

/** A version as it is answered. `until`: that of {@link rollbackUntil}. */
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
    ...(createdBy === undefined ? {} : { createdBy }),
    ...(restores === undefined ? {} : { restores }),
    ...wrappedUnder,
    ...(fault === undefined ? {} : { fault }),
    ...(until === undefined ? {} : { rollbackUntil: until.toISOString() }),
  }
}

export interface VersionQuery {
  readonly limit?: number
  readonly cursor?: string
}

/** The versions of a connection's credential, newest first. @throws SluiceError `not_found`, `invalid_request` */
export async function listCredentialVersions(
  deps: Pick<ApplicationDeps, 'connections' | 'credentialHistory' | 'credentialGraceMs' | 'now'>,
  id: string,
  { limit = DEFAULT_LIMIT, cursor }: VersionQuery,
): Promise<CredentialVersionPage> {
  const { credential: current } = await findConnection(deps, id)
  if (current === undefined) return { items: [] }
  const beyond = current.version + 1
  const before = cursor === undefined ? beyond : Math.min(fromNumberCursor(cursor), beyond)
  const recorded = await deps.credentialHistory.list(id, { before, limit })
  const time = { now: deps.now(), graceMs: deps.credentialGraceMs }
  const last = recorded.at(-1)?.version ?? 1
  return {
    items: recorded.map((one) => toVersionView(one, current, rollbackUntil(one, current, time))),
    ...(last > 1 ? { nextCursor: toCursor(last) } : {}),
  }
}

const DEFAULT_LIMIT = 50

export type RetireDeps = Pick<ApplicationDeps, 'credentialHistory' | 'credentialGraceMs' | 'now' | 'logger'>

/**
 * Destroys what is stored of credentials that can no longer be rolled back to; their rows stay as history. Does no harm when several
 * instances do it at a time: a version that was replaced never comes back.
 */
export async function retireCredentials({
  credentialHistory,
  credentialGraceMs,
  now,
  logger,
}: RetireDeps): Promise<void> {
  const destroyed = await credentialHistory.destroyReplacedBefore(new Date(now().getTime() - credentialGraceMs))
  for (const version of destroyed) logger.info(version, 'a replaced credential is destroyed')
}

/** Does so at once, and then every `everyMs` until `signal` is aborted; resolves then. What fails is done the next time. */
export async function keepRetiringCredentials(deps: RetireDeps, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await retireCredentials(deps).catch((err: unknown) => {
      deps.logger.warn({ err }, 'replaced credentials cannot be destroyed for now')
    })
    await pause(everyMs, signal)
  }
}
