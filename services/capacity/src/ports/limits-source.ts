import type { HeldLimits } from '../domain/limits.ts'

/** The limits that connections have now. */
export interface LimitsSource {
  /** Undefined where no such connection is known here. */
  limitsFor(connectionId: string): HeldLimits | undefined
  /** As {@link limitsFor}, asking the bus where it is not known here: a connection may be younger than the last news of it. */
  lookUp(connectionId: string): Promise<HeldLimits | undefined>
}
