import { flushCompileCache } from 'node:module'
import type { Static, TObject } from 'typebox'
import { ConfigError, type commonSettings, readConfig } from './config.ts'
import { createLogger, type Logger } from './logger.ts'
import { type Counter, counter, serveMetrics } from './metrics.ts'

/** A running service. */
export interface Service {
  /** Takes no new work, finishes the current work, and releases all resources. */
  stop(): Promise<void>
}

export interface ServiceProgram<S extends TObject<typeof commonSettings>> {
  /** The service's name, in its log and its metrics. */
  readonly name: string
  readonly config: S
  /** Resolves when the service is ready. */
  readonly start: (config: Static<S>, logger: Logger) => Promise<Service>
  /**
   * The process, once it has started, continues after an uncaught exception: for a service that serves many requests at
   * a time and keeps no state beyond each request. Default: it exits, and its supervisor starts it again.
   */
  readonly outlivesFaults?: boolean
}

/**
 * Runs a service as this process, with settings from `env`: starts it, says `ready` to a parent that listens (IPC), and
 * stops it once on SIGTERM, SIGINT, or when that parent disconnects, so that no service runs without its supervisor.
 * Exits with 1 when a setting is wrong, when it cannot start or cannot stop within 15 seconds, and after an uncaught
 * exception (its supervisor starts it again), unless {@link ServiceProgram.outlivesFaults}.
 */
export async function runService<S extends TObject<typeof commonSettings>>(
  program: ServiceProgram<S>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const config = configOrExit(program, env)
  const logger = createLogger(program.name, config.LOG_LEVEL)
  // Without a listener, Node would open its debugger to everyone on this machine.
  process.on('SIGUSR1', () => logger.warn('SIGUSR1 is ignored'))
  let countFault: (() => void) | undefined
  // Unhandled rejections are reported here, too.
  process.on('uncaughtException', (error) => {
    if (countFault === undefined) {
      logger.fatal({ err: error }, 'unforeseen fault, exiting')
      process.exit(1)
    }
    logger.error({ err: error }, 'unforeseen fault, going on')
    countFault()
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
    // A service that is still starting has no work yet, and may be waiting for another service.
    await service?.stop()
    logger.info('stopped')
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop('SIGTERM'))
  process.on('SIGINT', () => void stop('SIGINT'))
  process.on('disconnect', () => void stop('supervisor disconnected'))
  try {
    await serveMetrics(program.name, config)
    const faults = program.outlivesFaults ? unforeseenFaults() : undefined
    service = await program.start(config, logger)
    if (faults !== undefined) countFault = () => faults.add(1)
  } catch (error) {
    if (error instanceof ConfigError) sayAndExit(program.name, error)
    logger.fatal({ err: error }, 'could not start')
    process.exit(1)
  }
  logger.info('ready')
  if (process.connected) process.send?.('ready')
  // If NODE_COMPILE_CACHE names a folder, the cache is written now and not only at exit, so that a killed service
  // restarts sooner.
  flushCompileCache()
}

/** Creates the counter with 0 before the first fault, so that an alert needs no special case. */
function unforeseenFaults(): Counter {
  const faults = counter('unforeseen_faults', 'Uncaught exceptions: each is a defect, with its stack in the log.')
  faults.add(0)
  return faults
}

function configOrExit<S extends TObject<typeof commonSettings>>(
  { name, config }: ServiceProgram<S>,
  env: Readonly<Record<string, string | undefined>>,
): Static<S> {
  try {
    return readConfig(config, env)
  } catch (error) {
    if (error instanceof ConfigError) sayAndExit(name, error)
    throw error
  }
}

/** Prints the error without its stack, which would hide the message. */
function sayAndExit(name: string, { message }: ConfigError): never {
  process.stderr.write(`${name}: a setting is missing or wrong\n${message}\n`)
  process.exit(1)
}

const STOP_DEADLINE_MS = 15_000
