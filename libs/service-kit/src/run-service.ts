import { flushCompileCache } from 'node:module'
import type { Static, TObject } from 'typebox'
import { ConfigError, type commonSettings, readConfig } from './config.ts'
import { createLogger, type Logger } from './logger.ts'
import { type Counter, counter, serveMetrics } from './metrics.ts'

/** A running service. */
export interface Service {
  /** Takes no new work, finishes what it has, and lets go of everything. */
  stop(): Promise<void>
}

export interface ServiceProgram<S extends TObject<typeof commonSettings>> {
  /** The service's name, in its log and its metrics. */
  readonly name: string
  readonly config: S
  /** Resolves when the service is ready. */
  readonly start: (config: Static<S>, logger: Logger) => Promise<Service>
  /**
   * Whether the process, once it has started, goes on after an exception that nobody caught: for one that serves many at a time and
   * whose state is each request's own. Default: it exits, and its supervisor starts it again.
   */
  readonly outlivesFaults?: boolean
}

/**
 * Runs a service as this process, with settings from `env`: starts it, says `ready` to a parent that listens (IPC), and stops it
 * once on SIGTERM, SIGINT, or when that parent is gone, so that nothing is left running without its supervisor. Exits 1 when a
 * setting is wrong, it cannot start, cannot stop within 15 seconds, or something unforeseen is thrown (its supervisor starts it
 * again), unless the program {@link ServiceProgram.outlivesFaults}.
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
  // Promises that reject with nobody to see it come here, too.
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
    // One that is still starting has taken no work yet, and may be waiting for another.
    await service?.stop()
    logger.info('stopped')
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop('SIGTERM'))
  process.on('SIGINT', () => void stop('SIGINT'))
  process.on('disconnect', () => void stop('supervisor is gone'))
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
  // Written now and not at the end only, where NODE_COMPILE_CACHE names a folder: one that is killed is back sooner.
  flushCompileCache()
}

/** A count that is there, as 0, before the first: an alert on it needs no special case. */
function unforeseenFaults(): Counter {
  const faults = counter(
    'unforeseen_faults',
    'Exceptions that nobody caught: each is a defect, with its stack in the log.',
  )
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

/** For whoever set it: without the stack, which would hide it. */
function sayAndExit(name: string, { message }: ConfigError): never {
  process.stderr.write(`${name}: a setting is missing or wrong\n${message}\n`)
  process.exit(1)
}

const STOP_DEADLINE_MS = 15_000
