export type CredentialStatus = 'accepted' | 'rejected'

interface Known {
  readonly version: number
  status: CredentialStatus
  /** When each status was last reported, in milliseconds. */
  readonly reportedAtMs: Record<CredentialStatus, number>
  /** When the status last changed, in milliseconds. */
  changedAtMs: number
  /** The shortest time between two reports of the same status around a change. */
  holdMs: number
}

/**
 * Decides which responses are worth a report on whether the provider accepts a connection's credential: the first of each version, each
 * change, and a repetition from time to time, since a report may be lost. If a credential is accepted and rejected alternately, each status
 * is reported once in five seconds at first, and half as often with every change, down to once in five minutes, until the status has not
 * changed for ten. Responses to an older version are ignored.
 */
export class CredentialStatuses {
  readonly #byConnection = new Map<string, Known>()

  /** Returns whether to report the status, and whether it is the first rejection of this version. Costs a look-up if nothing changes. */
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
