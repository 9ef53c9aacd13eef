import type { Logger } from './logger.ts'

/** Logs a series of faults once as it begins and once as it ends, not at each retry. */
export interface OutageLog {
  fault(error: unknown): void
  success(): void
}

/** What the log says as a series of faults begins and as it ends. */
export interface OutageWords {
  readonly begins: string
  readonly ends: string
}

const CONSUMING: OutageWords = { begins: 'consuming is held up, trying again', ends: 'consuming again' }

export function outageLog(
  logger: Pick<Logger, 'warn' | 'debug' | 'info'>,
  { begins, ends }: OutageWords = CONSUMING,
): OutageLog {
  let faults = 0
  return {
    fault: (error) => {
      faults += 1
      logger[faults === 1 ? 'warn' : 'debug']({ err: error }, begins)
    },
    success: () => {
      if (faults > 0) logger.info({ faults }, ends)
      faults = 0
    },
  }
}
