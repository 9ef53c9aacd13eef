import { type CredentialFault, credentialStatus } from '@sluice/contracts'
import { type Bus, type Served, subscribeEvent } from '@sluice/messaging'
import { validate as isUuid } from 'uuid'
import type { ApplicationDeps } from '../deps.ts'

/** What a provider did with one version of a connection's credential. */
export interface CredentialOutcome {
  readonly connectionId: string
  readonly version: number
  readonly status: 'accepted' | 'rejected'
  /** HTTP status with which it was rejected. */
  readonly upstreamStatus?: number
}

/** A connection's current credential is rejected, or taken again (then `fault` is absent). */
export interface CredentialFaultChange {
  readonly connectionId: string
  readonly name: string
  readonly version: number
  readonly fault?: CredentialFault
}

export type NoteDeps = Pick<ApplicationDeps, 'connections' | 'now' | 'logger' | 'announceFault'>

/**
 * Notes on a connection that its provider rejects its current credential, or takes it again. What is known already, or is of a version of the
 * past, changes nothing; a fault that keeps the credential from being opened stays. A change is announced on the bus.
 * @throws SluiceError `unavailable` when the store cannot be reached
 */
export async function noteCredentialStatus(
  { connections, now, logger, announceFault }: NoteDeps,
  { connectionId, version, status, upstreamStatus }: CredentialOutcome,
): Promise<void> {
  const fault: CredentialFault | undefined =
    status === 'accepted'
      ? undefined
      : { reason: 'rejected_by_provider', message: rejection(upstreamStatus), since: now().toISOString() }
  const name = await connections.noteRejection(connectionId, version, fault)
  if (name === undefined) return
  const subject = { connectionId, connection: name, version }
  if (fault === undefined) logger.info(subject, 'the provider takes the credential again')
  else logger.warn({ ...subject, upstreamStatus }, 'the provider rejects the credential')
  await announceFault({ connectionId, name, version, ...(fault === undefined ? {} : { fault }) })
}

function rejection(upstreamStatus: number | undefined): string {
  return `The provider rejected the credential${upstreamStatus === undefined ? '' : ` (HTTP ${upstreamStatus})`}.`
}

/**
 * Hears from gateways whether providers take the connections' credentials, and tells of each change. A report that is missed, or cannot be stored, comes
 * again while requests are sent. Every instance hears it; the one that stores it first tells of it.
 */
export function followCredentialStatus(bus: Bus, deps: NoteDeps): Served {
  const { logger } = deps
  let underWay = Promise.resolve()
  let waiting = 0
  const unsubscribe = subscribeEvent(
    bus,
    credentialStatus,
    (outcome) => {
      if (!isUuid(outcome.connectionId) || waiting >= MAX_WAITING) return
      waiting++
      underWay = underWay
        .then(() => noteCredentialStatus(deps, outcome))
        .catch((err: unknown) => logger.warn({ err }, "a credential's status could not be stored"))
        .finally(() => {
          waiting--
        })
    },
    (subject) => logger.debug({ subject }, 'passed over what is no report on a credential'),
  )
  return {
    stop: async () => {
      unsubscribe()
      await underWay
    },
  }
}

/** While PostgreSQL is slow; each report comes again. */
const MAX_WAITING = 1_000
