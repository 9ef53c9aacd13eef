import type { Logger } from '@sluice/service-kit'
import type { DataPlane } from '../ports/data-plane.ts'

/** What the routes that lead to providers need. */
export interface DataRoutesOptions {
  readonly dataPlane: DataPlane
  readonly logger: Logger
  /** Of a body that is held in memory to be looked into. */
  readonly maxBodyBytes: number
  /** Of a body that is streamed on. */
  readonly maxUploadBytes: number
}
