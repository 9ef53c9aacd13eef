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

/** The nats-server program of this run. */
export function natsServerPath(): string {
  return inject('natsServerPath')
}

/** The run's PostgreSQL, as a user who may create and drop databases and roles. */
export function databaseAdminUrl(): string {
  return inject('databaseAdminUrl')
}

/** A fresh folder for the caller alone; it is gone after the run. */
export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(inject('runDir'), 'folder-'))
}
