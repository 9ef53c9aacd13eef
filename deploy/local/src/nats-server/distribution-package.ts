import { execFile } from 'node:child_process'
import { access, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Log } from '../log.ts'
import { StartError } from '../start-error.ts'
import { APT_FOLDERS, aptConfig } from './apt-config.ts'
import { placeNatsServer } from './download-folder.ts'

const run = promisify(execFile)
const TIMEOUT_MS = 180_000

/**
 * Takes nats-server out of Debian's or Ubuntu's package, from the sources this system is set up with, into `binDir`.
 * apt keeps its lists and caches in a temporary folder there, so nothing else is touched and no root is needed.
 * @throws StartError `tool_missing` when this system has no apt, or the package cannot be had.
 * @throws StartError `folder_unusable` when `binDir` cannot be written.
 */
export async function downloadPackage({ binDir, log }: { binDir: string; log: Log }): Promise<string> {
  for (const tool of ['apt-get', 'dpkg-deb']) await assertTool(tool)
  return placeNatsServer(binDir, async (folder) => {
    log('Downloading nats-server from the distribution’s package (about 10 MB, once)')
    return unpack(await fetchPackage(folder), folder)
  })
}

async function assertTool(tool: string): Promise<void> {
  try {
    await run(tool, ['--version'])
  } catch (cause) {
    throw new StartError('tool_missing', `this system has no ${tool}`, { cause })
  }
}

async function fetchPackage(folder: string): Promise<string> {
  for (const subfolder of APT_FOLDERS) await mkdir(join(folder, subfolder), { recursive: true })
  const configFile = join(folder, 'apt.conf')
  await writeFile(configFile, aptConfig(folder))
  await writeFile(join(folder, 'state/status'), '')
  // One source of many that fails makes the update fail, though the package may well be in another.
  const updateError = await apt(folder, ['update'])
  const downloadError = await apt(folder, ['download', 'nats-server'])
  const file = (await readdir(folder)).find((name) => name.endsWith('.deb'))
  if (file !== undefined) return join(folder, file)
  throw new StartError('tool_missing', updateError ?? downloadError ?? 'apt-get downloaded nothing')
}

/** What went wrong, in one line; undefined when nothing did. */
async function apt(folder: string, args: readonly string[]): Promise<string | undefined> {
  try {
    await run('apt-get', ['-c', join(folder, 'apt.conf'), '-qq', ...args], { cwd: folder, timeout: TIMEOUT_MS })
    return undefined
  } catch (error) {
    const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    const line = text.split('\n').find((candidate) => candidate.startsWith('E:')) ?? text.split('\n')[0]
    return `apt-get ${args[0]}: ${(line ?? '').replace(/^E:\s*/, '').trim()}`
  }
}

async function unpack(packageFile: string, folder: string): Promise<string> {
  const content = join(folder, 'content')
  await run('dpkg-deb', ['-x', packageFile, content])
  for (const path of ['usr/sbin/nats-server', 'usr/bin/nats-server']) {
    const binary = join(content, path)
    if (await exists(binary)) return binary
  }
  throw new StartError('tool_missing', 'the package holds no nats-server')
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
