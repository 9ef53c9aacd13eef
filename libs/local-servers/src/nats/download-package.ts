import { access, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ExecaError, execa } from 'execa'
import type { Log } from '../server-process.ts'
import { reasonOf, StartError } from '../start-error.ts'
import { placeNatsServer } from './download-wheel.ts'

const TIMEOUT_MS = 180_000

/**
 * Takes nats-server out of Debian's or Ubuntu's package, from the sources this system is set up with, into `binDir`.
 * apt keeps its lists and caches in a temporary folder there: nothing else is touched, and no root is needed.
 * @throws StartError `tool_missing` when this system has no apt, or the package cannot be downloaded
 * @throws StartError `folder_unusable` when `binDir` cannot be written
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
    await execa(tool, ['--version'])
  } catch (cause) {
    throw new StartError('tool_missing', `this system has no ${tool}`, { cause })
  }
}

async function fetchPackage(folder: string): Promise<string> {
  for (const subfolder of APT_FOLDERS) await mkdir(join(folder, subfolder), { recursive: true })
  await writeFile(join(folder, 'apt.conf'), aptConfig(folder))
  await writeFile(join(folder, 'state/status'), '')
  // One source of many that fails makes the update fail, though the package may well be in another.
  const updateFault = await apt(folder, ['update'])
  const downloadFault = await apt(folder, ['download', 'nats-server'])
  const file = (await readdir(folder)).find((name) => name.endsWith('.deb'))
  if (file !== undefined) return join(folder, file)
  throw new StartError('tool_missing', updateFault ?? downloadFault ?? 'apt-get downloaded nothing')
}

/** Runs apt-get. Returns what went wrong, on one line; undefined when nothing did. */
async function apt(folder: string, args: readonly string[]): Promise<string | undefined> {
  try {
    await execa('apt-get', ['-c', join(folder, 'apt.conf'), '-qq', ...args], { cwd: folder, timeout: TIMEOUT_MS })
    return undefined
  } catch (error) {
    const lines = (error instanceof ExecaError ? String(error.stderr) : reasonOf(error)).split('\n')
    const line = lines.find((candidate) => candidate.startsWith('E:')) ?? lines[0] ?? ''
    return `apt-get ${args[0]}: ${line.replace(/^E:\s*/, '').trim()}`
  }
}

async function unpack(packageFile: string, folder: string): Promise<string> {
  const content = join(folder, 'content')
  await execa('dpkg-deb', ['-x', packageFile, content])
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

/** The folders that `aptConfig` names, to be made below the same folder. */
const APT_FOLDERS = ['state/lists/partial', 'cache/archives/partial', 'log'] as const

/**
 * Returns an apt configuration (apt.conf(5)) that reads the system's sources and keys, writes only below `folder`, and
 * runs none of the hooks that some systems attach to an update.
 */
function aptConfig(folder: string): string {
  const path = (name: string) => JSON.stringify(join(folder, name))
  return `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State ${path('state')};
Dir::State::lists ${path('state/lists')};
Dir::State::status ${path('state/status')};
Dir::Cache ${path('cache')};
Dir::Cache::archives ${path('cache/archives')};
Dir::Log ${path('log')};
// root's apt would download as the user _apt, who may not enter this folder.
APT::Sandbox::User "root";
Acquire::Languages "none";
// Without it an update that reached no source counts as a success.
APT::Update::Error-Mode "any";
`
}
