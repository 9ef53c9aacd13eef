import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { platform } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { identifyProcess } from '@sluice/local-servers'
import { itWhere, temporaryFolder } from '@sluice/testkit'
import { beforeEach, expect, it } from 'vitest'
import { acquireLock, type Lock } from '../src/lock.ts'

let dataDir: string
let lines: string[]
const log = (line: string) => void lines.push(line)

beforeEach(async () => {
  dataDir = await temporaryFolder()
  lines = []
})

const writeLock = (content: unknown) => writeFile(join(dataDir, 'lock'), JSON.stringify(content))

async function acquireAfter(delayMs: number): Promise<Lock> {
  await delay(delayMs)
  return acquireLock(dataDir, log)
}

it('only one start at a time can use a folder', async () => {
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

it('takes over the lock of a process that has ended, and says so', async () => {
  const child = spawn('sleep', ['60'])
  const holder = await identifyProcess(child.pid ?? 0)
  await writeLock(holder)
  await expect(acquireLock(dataDir, log)).rejects.toMatchObject({ code: 'already_running' })
  child.kill('SIGKILL')
  await once(child, 'exit')
  await acquireLock(dataDir, log)
  expect(lines).toEqual([`The last run (process ${holder?.pid}) did not stop in order: recovering`])
})

it('takes over a lock whose process id belongs to another process by now', async () => {
  const me = await identifyProcess(process.pid)
  await writeLock({ pid: process.pid, startedAt: `${me?.startedAt}0` })
  await acquireLock(dataDir, log)
  expect(lines).toHaveLength(1)
})

it('takes over a lock that cannot be read', async () => {
  await writeFile(join(dataDir, 'lock'), '{"pid"')
  await acquireLock(dataDir, log)
  expect(lines).toEqual(['The last run (process unknown) did not stop in order: recovering'])
})

it('only one of many concurrent starts takes over a stale lock', async () => {
  for (let round = 0; round < 30; round++) {
    await writeLock({ pid: process.pid, startedAt: 'long ago' })
    const attempts = await Promise.allSettled(Array.from({ length: 30 }, (_, index) => acquireAfter((index % 10) / 3)))
    const taken = attempts.filter((attempt) => attempt.status === 'fulfilled')
    expect(taken).toHaveLength(1)
    await taken[0]?.value.release()
    expect(await readdir(dataDir)).toEqual([])
  }
})

it('takes over the claim of a start that was killed while it took over the lock', async () => {
  const stale = { pid: process.pid, startedAt: 'long ago' }
  await writeLock(stale)
  const claim = createHash('sha256').update(JSON.stringify(stale)).digest('hex').slice(0, 16)
  await writeFile(join(dataDir, `lock.${claim}`), JSON.stringify({ pid: process.pid, startedAt: 'a while ago' }))
  const attempts = await Promise.allSettled(Array.from({ length: 30 }, () => acquireLock(dataDir, log)))
  expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(await readdir(dataDir)).toEqual(['lock'])
})

it('makes the missing parents of the folder', async () => {
  const folder = join(dataDir, 'a/b/c')
  await acquireLock(folder, log)
  expect(await readdir(folder)).toEqual(['lock'])
})

itWhere(platform() === 'linux', 'there is no /proc', 'says which folder cannot be made below /proc', async () => {
  await expect(acquireLock('/proc/sluice/data', log)).rejects.toMatchObject({
    code: 'folder_unusable',
    message: expect.stringContaining("mkdir '/proc/sluice'"),
  })
})

it('says which folder cannot be written', async () => {
  const file = join(dataDir, 'file')
  await writeFile(file, '')
  await expect(acquireLock(join(file, 'data'), log)).rejects.toMatchObject({
    code: 'folder_unusable',
    message: expect.stringContaining('SLUICE_DATA_DIR'),
  })
})
