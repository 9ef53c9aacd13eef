import { join, resolve } from 'node:path'

const PROJECT_DIR = resolve(import.meta.dirname, '../../..')

export type ServiceName = 'connections' | 'capacity' | 'discovery' | 'usage' | 'gateway'

export interface StackPaths {
  readonly dataDir: string
  readonly natsDir: string
  /** The configuration of NATS, written at each start. */
  readonly natsConfigDir: string
  readonly natsPasswordsFile: string
  readonly postgresDir: string
  readonly postgresPasswordsFile: string
  readonly runDir: string
  readonly masterKeyFile: string
  readonly operatorTokenFile: string
  /** What each process was given, for commands beside it. */
  readonly environmentDir: string
}

/** Where everything is kept; `dataDir` is relative to the project. */
export function stackPaths(dataDir: string): StackPaths {
  const root = resolve(PROJECT_DIR, dataDir)
  return {
    dataDir: root,
    natsDir: join(root, 'nats'),
    natsConfigDir: join(root, 'nats-config'),
    natsPasswordsFile: join(root, 'nats-passwords'),
    postgresDir: join(root, 'postgres'),
    postgresPasswordsFile: join(root, 'postgres-passwords'),
    runDir: join(root, 'run'),
    masterKeyFile: join(root, 'master-key'),
    operatorTokenFile: join(root, 'operator-token'),
    environmentDir: join(root, 'env'),
  }
}

/** Where Node keeps what it compiled, which more than halves the time that a service takes to load. */
export const compileCacheDir = join(PROJECT_DIR, 'node_modules/.cache/compiled')

/** Programs that were downloaded, for every data folder. */
export const binDir = join(PROJECT_DIR, '.sluice/bin')

export const keeperFile = join(import.meta.dirname, 'keeper.ts')

/** The program of a service. */
export function serviceFile(service: ServiceName): string {
  return join(PROJECT_DIR, 'services', service, 'src/main.ts')
}
