import type { ByteAccount } from '../domain/byte-account.ts'
import type { StreamUsageRefusals } from '../domain/stream-usage-refusals.ts'
import type { ApiKeys } from './api-keys.ts'
import type { BackgroundResponses } from './background-responses.ts'
import type { BodyDecoder } from './body-decoder.ts'
import type { Clock } from './clock.ts'
import type { Connections } from './connections.ts'
import type { CredentialReports } from './credential-reports.ts'
import type { Credentials } from './credentials.ts'
import type { Documents } from './documents.ts'
import type { Images } from './images.ts'
import type { Permits } from './permits.ts'
import type { Projections } from './projections.ts'
import type { RequestSigner } from './request-signer.ts'
import type { ResponseEvents } from './response-events.ts'
import type { Upstream } from './upstream.ts'

/** All that a request needs on its way. */
export interface DataPlane {
  readonly apiKeys: ApiKeys
  readonly connections: Connections
  readonly projections: Projections
  readonly permits: Permits
  readonly credentials: Credentials
  readonly signer: RequestSigner
  readonly documents: Documents
  readonly bodyDecoder: BodyDecoder
  readonly heldBytes: ByteAccount
  readonly streamUsage: StreamUsageRefusals
  readonly upstream: Upstream
  readonly images: Images
  readonly events: ResponseEvents
  readonly credentialReports: CredentialReports
  readonly backgroundResponses: BackgroundResponses
  readonly clock: Clock
}
