import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readOptional } from '../read-optional.ts'
import { StartError } from '../start-error.ts'
import type { PostgresBinaries } from './binaries.ts'
import type { RunAs } from './run-as.ts'

export interface Cluster {
  /** PostgreSQL's own data directory. */
  readonly clusterDir: string
  readonly password: string
}

/** The user that owns everything in the cluster. */
export const POSTGRES_USER = 'postgres'

const MAJOR_VERSION = '18'

/**
 * Opens the cluster in `dataDir`, and makes it at the first start: UTF-8, sorted by code point whatever the machine's
 * locale, passwords by SCRAM. The password is random and kept beside it in `password`, mode 0600.
 * A start that was interrupted half-way leaves no cluster, and the next one begins again.
 * @throws StartError `folder_unusable` when another major version of PostgreSQL made the cluster.
 */
export async function openCluster(dataDir: string, binaries: PostgresBinaries, as: RunAs): Promise<Cluster> {
  const clusterDir = join(dataDir, 'cluster')
  const passwordFile = join(dataDir, 'password')
  const version = await readOptional(join(clusterDir, 'PG_VERSION'))
  if (version === undefined) {
    await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
    if (as.user !== undefined) await chown(passwordFile, as.user.uid, as.user.gid)
    await createCluster(`${clusterDir}.new`, passwordFile, binaries, as)
    await rename(`${clusterDir}.new`, clusterDir)
  } else if (version.trim() !== MAJOR_VERSION) {
    throw new StartError(
      'folder_unusable',
      `${clusterDir} was made by PostgreSQL ${version.trim()}, this is ${MAJOR_VERSION}: move it away, or choose another folder with SLUICE_DATA_DIR.`,
    )
  }
  return { clusterDir, password: await readFile(passwordFile, 'utf8') }
}

async function createCluster(folder: string, passwordFile: string, binaries: PostgresBinaries, as: RunAs) {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { mode: 0o700 })
  if (as.user !== undefined) await chown(folder, as.user.uid, as.user.gid)
  const initdb = as.command(binaries.initdb, [
    `--pgdata=${folder}`,
    `--username=${POSTGRES_USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ])
  try {
    await promisify(execFile)(initdb.command, initdb.args, { cwd: folder, ...as.spawnAs })
  } catch (cause) {
    await rm(folder, { recursive: true, force: true })
    const text = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : ''
    const reason = text.split('\n').at(-1) || (cause instanceof Error ? cause.message : String(cause))
    throw new StartError('process_failed', `PostgreSQL could not make its data folder ${folder}: ${reason}`, { cause })
  }
}
