import type { Logger } from './logger.ts'

/** Logs a series of faults once as it begins and once as it ends, not at each retry. */
export interface OutageLog {
  fault(error: unknown): void
  success(): void
}

export function outageLog(logger: Pick<Logger, 'warn' | 'debug' | 'info'>): OutageLog {
  let faults = 0
  return {
    fault: (error) => {
      faults += 1
      logger[faults === 1 ? 'warn' : 'debug']({ err: error }, 'consuming is held up, trying again')
    },
    success: () => {
      if (faults > 0) logger.info({ faults }, 'consuming again')
      faults = 0
    },
  }
}
