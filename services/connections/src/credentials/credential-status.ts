import { type CredentialFault, credentialStatus } from '@sluice/contracts'
import { type Bus, type Served, subscribeEvent } from '@sluice/messaging'
import type { Logger } from '@sluice/service-kit'
import { validate as isUuid } from 'uuid'
import type { ConnectionStore } from '../connections/connection-store.ts'

/** A provider's response to one version of a connection's credential. */
export interface CredentialOutcome {
  readonly connectionId: string
  readonly version: number
  readonly status: 'accepted' | 'rejected'
  /** The HTTP status of a rejection. */
  readonly upstreamStatus?: number
}

/** A connection's current credential is rejected by its provider, or (without `fault`) accepted again. */
export interface CredentialFaultChange {
  readonly connectionId: string
  readonly name: string
  readonly version: number
  readonly fault?: CredentialFault
}

export interface StatusDeps {
  readonly connections: Pick<ConnectionStore, 'setRejection'>
  /** Publishes a change on the bus. Does not reject: a failure is logged. */
  readonly publishFaultChange: (change: CredentialFaultChange) => Promise<void>
  readonly now: () => Date
  readonly logger: Logger
}

/**
 * Records on a connection that its provider rejects, or again accepts, its current credential, and publishes the
 * change. A report of a previous version, or one that is recorded already, changes nothing; a fault that keeps the
 * credential from being opened stays.
 * @throws SluiceError `unavailable` when the database is unreachable
 */
export async function recordCredentialStatus(
  { connections, now, logger, publishFaultChange }: StatusDeps,
  { connectionId, version, status, upstreamStatus }: CredentialOutcome,
): Promise<void> {
  const fault: CredentialFault | undefined =
    status === 'accepted'
      ? undefined
      : { reason: 'rejected_by_provider', message: rejection(upstreamStatus), since: now().toISOString() }
  const name = await connections.setRejection(connectionId, version, fault)
  if (name === undefined) return
  const subject = { connectionId, connection: name, version }
  if (fault === undefined) logger.info(subject, 'the provider accepts the credential again')
  else logger.warn({ ...subject, upstreamStatus }, 'the provider rejects the credential')
  await publishFaultChange({ connectionId, name, version, ...(fault === undefined ? {} : { fault }) })
}

function rejection(upstreamStatus: number | undefined): string {
  return `The provider rejected the credential${upstreamStatus === undefined ? '' : ` (HTTP ${upstreamStatus})`}.`
}

/**
 * Records what gateways report of the connections' credentials, in order. Every instance receives each report; the
 * first to store it publishes the change. A report that is missed, or cannot be stored, is repeated while requests are
 * sent.
 */
export function followCredentialStatus(bus: Bus, deps: StatusDeps): Served {
  const { logger } = deps
  let inProgress = Promise.resolve()
  let waiting = 0
  const unsubscribe = subscribeEvent(
    bus,
    credentialStatus,
    (outcome) => {
      if (!isUuid(outcome.connectionId) || waiting >= MAX_WAITING) return
      waiting++
      inProgress = inProgress
        .then(() => recordCredentialStatus(deps, outcome))
        .catch((err: unknown) => logger.warn({ err }, "a credential's status could not be stored"))
        .finally(() => {
          waiting--
        })
    },
    (subject) => logger.debug({ subject }, 'ignored a message that is not a credential status'),
  )
  return {
    stop: async () => {
      unsubscribe()
      await inProgress
    },
  }
}

/** Reached while PostgreSQL is slow; further reports are dropped, and repeated by the gateways. */
const MAX_WAITING = 1_000
