import type { Logger } from '@sluice/service-kit'
import { gatewayError } from '../domain/gateway-error.ts'
import type { DataPlane } from '../ports/data-plane.ts'

/** What the routes that lead to providers need. */
export interface DataRoutesOptions {
  /** Undefined until the gateway is ready. */
  readonly dataPlane: () => DataPlane | undefined
  readonly logger: Logger
  /** Of a body that is held in memory to be looked into. */
  readonly maxBodyBytes: number
  /** Of a body that is streamed on. */
  readonly maxUploadBytes: number
}

export const NOT_READY = gatewayError('unavailable', 'The gateway is starting.')
