import { credentialStatus, type ProjectedConnection } from '@sluice/contracts'
import { type Bus, publishEvent } from '@sluice/messaging'
import type { Logger } from '@sluice/service-kit'

export type CredentialStatus = 'accepted' | 'rejected'

interface Known {
  readonly version: number
  status: CredentialStatus
  /** When each was reported last, in milliseconds. */
  readonly reportedAtMs: Record<CredentialStatus, number>
  /** When the status changed last, in milliseconds. */
  changedAtMs: number
  /** How long the next change is held back after the last report of the same status. */
  holdMs: number
}

/**
 * Decides which of a connection's responses to report as a change of whether its provider takes the credential: the first of each version, each change,
 * and one from time to time, as a report may be missed. Of a credential that is taken and rejected in turn, each is reported once in
 * five seconds at first, and half as often with every change, down to once in five minutes, until it has not changed for ten. What comes of an older version counts no more.
 */
export class CredentialStatuses {
  readonly #byConnection = new Map<string, Known>()

  /** Returns whether to report it, and whether it is the first rejection of this version. Costs a look-up where nothing changes. */
  note(
    connectionId: string,
    version: number,
    status: CredentialStatus,
    nowMs: number,
  ): { readonly report: boolean; readonly isFirstRejection: boolean } {
    const known = this.#byConnection.get(connectionId)
    if (known === undefined || known.version < version) {
      const reportedAtMs = { accepted: NEVER, rejected: NEVER, [status]: nowMs }
      this.#byConnection.set(connectionId, { version, status, reportedAtMs, changedAtMs: nowMs, holdMs: HOLD_MS })
      return { report: true, isFirstRejection: status === 'rejected' }
    }
    if (known.version > version) return NOTHING
    const intervalMs = known.status === status ? REPEAT_MS[status] : known.holdMs
    if (nowMs - known.reportedAtMs[status] < intervalMs) return NOTHING
    const isFirstRejection = status === 'rejected' && known.reportedAtMs.rejected === NEVER
    if (known.status !== status) {
      known.holdMs = nowMs - known.changedAtMs < CALM_MS ? Math.min(MAX_HOLD_MS, 2 * known.holdMs) : HOLD_MS
      known.changedAtMs = nowMs
    }
    known.status = status
    known.reportedAtMs[status] = nowMs
    return { report: true, isFirstRejection }
  }

  forget(connectionId: string): void {
    this.#byConnection.delete(connectionId)
  }
}

const NEVER = Number.NEGATIVE_INFINITY
const NOTHING = { report: false, isFirstRejection: false }
const HOLD_MS = 5_000
const MAX_HOLD_MS = 300_000
const CALM_MS = 600_000
const REPEAT_MS: Readonly<Record<CredentialStatus, number>> = { accepted: 600_000, rejected: 60_000 }

/** Where it is told whether providers take the connections' credentials. Costs a look-up where nothing changes, and never throws. */
export interface CredentialReports {
  /** @param version undefined where no credential is stored, as of an AWS role */
  accepted(connection: ProjectedConnection, version: number | undefined): void
  rejected(connection: ProjectedConnection, version: number | undefined, upstreamStatus: number): void
}

export interface RunningCredentialReports extends CredentialReports {
  forget(connectionId: string): void
}

/** Publishes what becomes of the connections' credentials, and warns once of each version that a provider rejects. */
export function credentialReports(bus: Bus, nowMs: () => number, logger: Logger): RunningCredentialReports {
  const statuses = new CredentialStatuses()

  const note = (
    { id: connectionId, name }: ProjectedConnection,
    version: number | undefined,
    status: CredentialStatus,
    upstreamStatus?: number,
  ): void => {
    const { report, isFirstRejection } = statuses.note(connectionId, version ?? NOT_STORED, status, nowMs())
    if (isFirstRejection) {
      logger.warn({ connection: name, connectionId, version, upstreamStatus }, 'the provider rejects the credential')
    }
    if (!report || version === undefined || !bus.isConnected()) return
    const event = { connectionId, version, status, ...(upstreamStatus === undefined ? {} : { upstreamStatus }) }
    publishEvent(bus, credentialStatus, [connectionId], event).catch((err: unknown) => {
      logger.debug({ err, connectionId }, 'a report on a credential was lost, and will be repeated')
    })
  }

  return {
    accepted: (connection, version) => note(connection, version, 'accepted'),
    rejected: (connection, version, upstreamStatus) => note(connection, version, 'rejected', upstreamStatus),
    forget: (connectionId) => statuses.forget(connectionId),
  }
}

const NOT_STORED = 0
