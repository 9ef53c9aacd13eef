import { execFile } from 'node:child_process'
import { platform } from 'node:os'
import { promisify } from 'node:util'

const PACKAGE_MANAGERS = [
  { tool: 'brew', hint: 'Install it with: brew install nats-server' },
  { tool: 'apt-get', hint: 'Install it with: sudo apt-get install nats-server' },
  { tool: 'dnf', hint: 'Install it with: sudo dnf install nats-server' },
  { tool: 'apk', hint: 'Install it with: sudo apk add nats-server' },
] as const

const DOWNLOAD_PAGE = 'the NATS download page (nats.io/download)'

/** One sentence: how to get nats-server on this system. */
export async function installHint(): Promise<string> {
  for (const { tool, hint } of PACKAGE_MANAGERS) {
    if (await isInstalled(tool)) return `${hint}; or take it from ${DOWNLOAD_PAGE} and put it on PATH.`
  }
  const system = platform() === 'darwin' ? ' (with Homebrew: brew install nats-server)' : ''
  return `Take it from ${DOWNLOAD_PAGE}${system} and put it on PATH, or set NATS_URL to a server that is there already.`
}

async function isInstalled(tool: string): Promise<boolean> {
  return promisify(execFile)(tool, ['--version']).then(
    () => true,
    () => false,
  )
}
