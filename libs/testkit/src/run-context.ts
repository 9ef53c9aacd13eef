import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    runDir: string
    natsServerPath: string
    databaseAdminUrl: string
  }
}

/** Returns the path of this run's nats-server program. */
export function natsServerPath(): string {
  return inject('natsServerPath')
}

/** Returns the URL of the run's PostgreSQL for a user who may create and drop databases and roles. */
export function databaseAdminUrl(): string {
  return inject('databaseAdminUrl')
}

/** Makes a folder that only the caller uses; it is removed after the run. */
export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(inject('runDir'), 'folder-'))
}
