import { flushCompileCache } from 'node:module'
import type { Logger } from './logger.ts'

/** A running service. */
export interface Service {
  /** Takes no new work, finishes what it has, and lets go of everything. */
  stop(): Promise<void>
}

/**
 * Runs a service as this process: starts it, says `ready` to a parent that listens (IPC), and stops it once on SIGTERM,
 * SIGINT, or when that parent is gone, so that nothing is left running without its supervisor. Exits 1 when it cannot start,
 * cannot stop within 15 seconds, or something unforeseen is thrown (its supervisor starts it again).
 */
export async function runService(logger: Logger, start: () => Promise<Service>): Promise<void> {
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'unforeseen fault, exiting')
    process.exit(1)
  })
  let service: Service | undefined
  let stopReason: string | undefined
  const stop = async (reason: string): Promise<void> => {
    if (stopReason !== undefined) return
    stopReason = reason
    logger.info({ reason }, 'stopping')
    setTimeout(() => {
      logger.error('did not stop in time, exiting')
      process.exit(1)
    }, STOP_DEADLINE_MS).unref()
    // A service that is still starting is stopped when it has started.
    if (service === undefined) return
    await service.stop()
    logger.info('stopped')
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop('SIGTERM'))
  process.on('SIGINT', () => void stop('SIGINT'))
  process.on('disconnect', () => void stop('supervisor is gone'))
  try {
    service = await start()
  } catch (error) {
    logger.fatal({ err: error }, 'could not start')
    process.exit(1)
  }
  if (stopReason !== undefined) {
    await service.stop()
    process.exit(0)
  }
  logger.info('ready')
  if (process.connected) process.send?.('ready')
  // Written now and not at the end only, where NODE_COMPILE_CACHE names a folder: one that is killed is back sooner.
  flushCompileCache()
}

const STOP_DEADLINE_MS = 15_000
