import { flushCompileCache } from 'node:module'
import type { Static, TObject } from 'typebox'
import type { commonSettings } from './common-settings.ts'
import { ConfigError, readConfig } from './config.ts'
import { createLogger, type Logger } from './logger.ts'
import { serveMetrics } from './metrics.ts'

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
}

/**
 * Runs a service as this process, with settings from `env`: starts it, says `ready` to a parent that listens (IPC), and stops it
 * once on SIGTERM, SIGINT, or when that parent is gone, so that nothing is left running without its supervisor. Exits 1 when a
 * setting is wrong, it cannot start, cannot stop within 15 seconds, or something unforeseen is thrown (its supervisor starts it
 * again).
 */
export async function runService<S extends TObject<typeof commonSettings>>(
  program: ServiceProgram<S>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const config = configOrExit(program, env)
  const logger = createLogger(program.name, config.LOG_LEVEL)
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
    service = await program.start(config, logger)
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
