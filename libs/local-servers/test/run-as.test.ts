import { execFile } from 'node:child_process'
import { chmod, chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { itWhere, temporaryFolder } from '@sluice/testkit'
import { beforeEach, expect } from 'vitest'
import { runAs } from '../src/postgres/run-as.ts'

const isRoot = process.getuid?.() === 0
const STRANGER = 4711

let parent: string
let dataDir: string

beforeEach(async () => {
  parent = await temporaryFolder()
  dataDir = join(parent, 'data')
  await mkdir(dataDir)
})

itWhere(!isRoot, 'root asks here', 'runs as whoever asks', async () => {
  expect(await runAs(dataDir, [process.execPath])).not.toHaveProperty('user')
})

itWhere(isRoot, 'only root may', 'runs as the owner of the folder where root asks, who can write there', async () => {
  await chown(dataDir, STRANGER, STRANGER)
  const as = await runAs(dataDir, ['/bin/sh'])
  expect(as.user).toEqual({ uid: STRANGER, gid: STRANGER })
  const { command, args } = as.command('/bin/sh', ['-c', `touch ${join(dataDir, 'file')} && id -u`])
  expect((await promisify(execFile)(command, args, { ...as.spawnAs })).stdout).toBe(`${STRANGER}\n`)
})

itWhere(isRoot, 'only root may', 'never runs as root, nor with more rights than it takes', async () => {
  const open = await runAs('/tmp', ['/bin/sh'])
  expect(open.user?.uid).toBeGreaterThan(0)
  expect(open.command('postgres', ['-D', 'x'])).toEqual({ command: 'postgres', args: ['-D', 'x'] })
  await chmod(parent, 0o700)
  const closed = await runAs(dataDir, ['/bin/sh'])
  expect(closed.command('postgres', []).command).toBe('setpriv')
  expect(closed).not.toHaveProperty('spawnAs')
})
