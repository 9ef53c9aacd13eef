import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { commandLine, endProcess, identifyProcess } from '@sluice/local'

/** Ends every server that still runs on a folder below `runDir`, then removes `runDir`. */
export async function sweep(runDir: string): Promise<void> {
  for (const pidFile of await pidFiles(runDir)) {
    const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10)
    const isOurs = !Number.isNaN(pid) && ((await commandLine(pid))?.includes(runDir) ?? false)
    const identity = isOurs ? await identifyProcess(pid) : undefined
    if (identity !== undefined) await endProcess(identity, { signal: 'SIGKILL', graceMs: 0 })
  }
  // The children of a killed PostgreSQL may write a last file while the folder is being removed.
  await rm(runDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

async function pidFiles(runDir: string): Promise<string[]> {
  const entries = await readdir(runDir, { recursive: true }).catch(() => [])
  return entries.filter((path) => path.endsWith('.pid')).map((path) => join(runDir, path))
}
