import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { endProcess, processOfPidFile } from '@sluice/local-servers'

/** Ends every server that still runs on a folder below `runDir`, then removes `runDir`. */
export async function sweep(runDir: string): Promise<void> {
  for (const pidFile of await pidFiles(runDir)) {
    const server = await processOfPidFile(pidFile, runDir)
    if (server !== undefined) await endProcess(server, { signal: 'SIGKILL', graceMs: 0 })
  }
  // The children of a killed PostgreSQL may write a last file while the folder is being removed.
  await rm(runDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

async function pidFiles(runDir: string): Promise<string[]> {
  const entries = await readdir(runDir, { recursive: true }).catch(() => [])
  return entries.filter((path) => path.endsWith('.pid')).map((path) => join(runDir, path))
}

// As a program, it waits for the end of the test run: its channel closes even when the run is killed.
if (import.meta.main) {
  const [runDir] = process.argv.slice(2)
  process.once('disconnect', () => {
    if (runDir !== undefined) void sweep(runDir)
  })
}
