import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Log } from '../log.ts'
import { StartError } from '../start-error.ts'
import { downloadNatsServer } from './download.ts'
import { installHint } from './install-hint.ts'

/**
 * The path of a nats-server to run: the one on PATH; else the one in `binDir`; else it is taken from the
 * distribution's package into `binDir`, which needs neither root nor any change to the system.
 * @throws StartError `tool_missing`, saying how to install it on this system.
 */
export async function locateNatsServer({ binDir, log }: { binDir: string; log: Log }): Promise<string> {
  const installed = (await onPath()) ?? (await executableOrNone(resolve(binDir, 'nats-server')))
  if (installed !== undefined) return installed
  try {
    return await downloadNatsServer({ binDir, log })
  } catch (cause) {
    if (cause instanceof StartError && cause.code !== 'tool_missing') throw cause
    const reason = cause instanceof Error ? ` (${cause.message})` : ''
    throw new StartError('tool_missing', `nats-server is not installed${reason}. ${await installHint()}`, { cause })
  }
}

async function onPath(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('sh', ['-c', 'command -v nats-server'])
    return await executableOrNone(stdout.trim())
  } catch (error) {
    // The shell's "not found" is an exit code; Debian's shell says 127, others 1.
    if (error instanceof Error && 'code' in error && typeof error.code === 'number') return undefined
    throw error
  }
}

async function executableOrNone(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK)
    return join(path)
  } catch {
    return undefined
  }
}
