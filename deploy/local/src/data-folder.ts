import { randomBytes, randomUUID } from 'node:crypto'
import { access, link, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { StartError } from '@sluice/local-servers'

const PROJECT_DIR = resolve(import.meta.dirname, '../../..')

/** Programs that were downloaded, shared by all data folders. */
export const binDir = join(PROJECT_DIR, '.sluice/bin')

/** Everything that a stack keeps. */
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
  /** The environment of each service, for commands that run beside it. */
  readonly environmentDir: string
}

/** Returns the paths in a data folder; `dataDir` is relative to the project. */
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

/** Returns the path of a service's program. */
export function servicePath(service: string): string {
  return join(PROJECT_DIR, 'services', service, 'src/main.ts')
}

/**
 * Makes a folder and its missing parents. One by one: `mkdir` with `recursive` never returns when a parent exists in
 * which nothing can be made, as in /proc.
 * @throws the system's error, naming the folder that cannot be made
 */
export async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return
  await makeFolder(dirname(path))
  try {
    await mkdir(path)
  } catch (error) {
    // Another start may have been quicker.
    if (!(await isFolder(path))) throw error
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

const KEY_BYTES = 32

/**
 * Makes the file with a random master key (32 bytes, base64; mode 0600) unless it exists. Returns whether it was made.
 * @param mayBeNew false when there may be credentials already that only the former key decrypts
 * @throws StartError `master_key_missing` when it does not exist and may not be new
 */
export async function ensureMasterKey(path: string, mayBeNew: boolean): Promise<boolean> {
  const exists = await access(path).then(
    () => true,
    () => false,
  )
  if (exists) return false
  if (!mayBeNew) {
    throw new StartError(
      'master_key_missing',
      `The master key ${path} is missing, and no stored credential can be decrypted without it. Restore it from your backup. If it is ` +
        `lost: make another one (openssl rand -base64 32 > ${path} && chmod 600 ${path}), start, and enter each connection's credential again.`,
    )
  }
  // A crash half-way must not leave half a key: everything encrypted with it would be lost.
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, `${randomBytes(KEY_BYTES).toString('base64')}\n`, { mode: 0o600, flush: true })
  await link(draft, path)
  await rm(draft)
  return true
}
