import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@sluice/testkit'
import { beforeEach, expect, it } from 'vitest'
import { acquireLock } from './lock.ts'
import { identifyProcess } from './process-identity.ts'

let dataDir: string
let lines: string[]
const log = (line: string) => void lines.push(line)

beforeEach(async () => {
  dataDir = await temporaryFolder()
  lines = []
})

const writeLock = (content: unknown) => writeFile(join(dataDir, 'lock'), JSON.stringify(content))

it('lets one start at a time use a folder', async () => {
  const lock = await acquireLock(dataDir, log)
  await expect(acquireLock(dataDir, log)).rejects.toMatchObject({
    code: 'already_running',
    message: expect.stringMatching(`already running on ${dataDir} \\(process ${process.pid}\\)`),
  })
  await lock.release()
  await (await acquireLock(dataDir, log)).release()
  expect(lines).toEqual([])
  expect(await readdir(dataDir)).toEqual([])
})

it('takes over the lock of a process that is gone, and says so', async () => {
  const child = spawn('sleep', ['60'])
  const holder = await identifyProcess(child.pid ?? 0)
  await writeLock(holder)
  await expect(acquireLock(dataDir, log)).rejects.toMatchObject({ code: 'already_running' })
  child.kill('SIGKILL')
  await once(child, 'exit')
  await acquireLock(dataDir, log)
  expect(lines).toEqual([`The last run did not end in order (process ${holder?.pid}): recovering`])
})

it('takes over a lock whose pid is another process’s by now', async () => {
  const me = await identifyProcess(process.pid)
  await writeLock({ pid: process.pid, startedAt: `${me?.startedAt}0` })
  await acquireLock(dataDir, log)
  expect(lines).toHaveLength(1)
})

it('takes over a lock that cannot be read', async () => {
  await writeFile(join(dataDir, 'lock'), '{"pid"')
  await acquireLock(dataDir, log)
  expect(lines).toEqual(['The last run did not end in order (process unknown): recovering'])
})

it('lets one of many take a stale lock over', async () => {
  await writeLock({ pid: process.pid, startedAt: 'long ago' })
  const attempts = await Promise.allSettled(Array.from({ length: 30 }, () => acquireLock(dataDir, log)))
  expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

it('says which folder cannot be written', async () => {
  const file = join(dataDir, 'file')
  await writeFile(file, '')
  await expect(acquireLock(join(file, 'data'), log)).rejects.toMatchObject({
    code: 'folder_unusable',
    message: expect.stringContaining('SLUICE_DATA_DIR'),
  })
})
