import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../log.ts'
import { commandLine, endProcess, identifyProcess } from '../process-identity.ts'

const GRACE_MS = 10_000

/**
 * Clears what a crashed predecessor left in `clusterDir`. A server that still runs on it is ended; a `postmaster.pid`
 * whose process is gone, or is somebody else's by now, is removed: PostgreSQL itself refuses to start when the pid in it
 * has been given to any other process, which in a container it soon is.
 * The caller makes sure that no server that is still wanted uses the folder.
 */
export async function clearLeftover(clusterDir: string, log: Log): Promise<void> {
  const pidFile = join(clusterDir, 'postmaster.pid')
  const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10)
  if (Number.isNaN(pid)) return
  const identity = await identifyProcess(pid)
  const isOurs = (await commandLine(pid))?.includes(clusterDir) ?? false
  if (identity !== undefined && isOurs) {
    log(`Ending the PostgreSQL that was left running (process ${pid})`)
    await endProcess(identity, { signal: 'SIGINT', graceMs: GRACE_MS })
  }
  await rm(pidFile, { force: true })
}
