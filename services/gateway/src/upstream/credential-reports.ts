import { credentialStatus, type ProjectedConnection } from '@sluice/contracts'
import { type Bus, publishEvent } from '@sluice/messaging'
import type { Logger } from '@sluice/service-kit'
import { type CredentialStatus, CredentialStatuses } from './credential-status.ts'

/** Reports whether providers accept the connections' credentials. Costs a look-up if nothing changes, and never throws. */
export interface CredentialReports {
  /** @param version undefined if no credential is stored, as for an AWS role */
  accepted(connection: ProjectedConnection, version: number | undefined): void
  rejected(connection: ProjectedConnection, version: number | undefined, upstreamStatus: number): void
}

export interface RunningCredentialReports extends CredentialReports {
  forget(connectionId: string): void
}

/** Publishes whether the connections' credentials are accepted, and warns once about each version that a provider rejects. */
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
      logger.debug({ err, connectionId }, 'a credential report was lost and will be repeated')
    })
  }

  return {
    accepted: (connection, version) => note(connection, version, 'accepted'),
    rejected: (connection, version, upstreamStatus) => note(connection, version, 'rejected', upstreamStatus),
    forget: (connectionId) => statuses.forget(connectionId),
  }
}

const NOT_STORED = 0
