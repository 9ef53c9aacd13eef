import type { ApiKeys } from './api-keys.ts'
import type { Clock } from './clock.ts'
import type { Connections } from './connections.ts'
import type { Credentials } from './credentials.ts'
import type { Permits } from './permits.ts'
import type { ResponseEvents } from './response-events.ts'
import type { Upstream } from './upstream.ts'

/** All that a request needs on its way. */
export interface DataPlane {
  readonly apiKeys: ApiKeys
  readonly connections: Connections
  readonly permits: Permits
  readonly credentials: Credentials
  readonly upstream: Upstream
  readonly events: ResponseEvents
  readonly clock: Clock
}
