import type { CredentialVersion } from '@sluice/contracts'
import type { CredentialSummary } from './connection.ts'
import type { EnvelopeKey } from './envelope.ts'

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
