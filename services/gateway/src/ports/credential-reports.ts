import type { ProjectedConnection } from '@sluice/contracts'

/** Where it is told whether providers take the connections' credentials. Costs a look-up where nothing changes, and never throws. */
export interface CredentialReports {
  /** @param version undefined where no credential is stored, as of an AWS role */
  accepted(connection: ProjectedConnection, version: number | undefined): void
  rejected(connection: ProjectedConnection, version: number | undefined, upstreamStatus: number): void
}
