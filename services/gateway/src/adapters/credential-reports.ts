import { credentialStatus, type ProjectedConnection } from '@sluice/contracts'
import { type Bus, publishEvent } from '@sluice/messaging'
import type { Logger } from '@sluice/service-kit'
import { type CredentialStatus, CredentialStatuses } from '../domain/credential-status.ts'
import type { CredentialReports } from '../ports/credential-reports.ts'

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
