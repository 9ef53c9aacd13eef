import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { identifyProcess } from '@sluice/local-servers'
import { temporaryFolder } from '@sluice/testkit'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { type ServiceSpec, serviceLaunch } from '../src/launch.ts'
import { openRunRecord } from '../src/run-record.ts'
import { superviseProcess } from '../src/supervise.ts'

let runDir: string
let lines: string[]

beforeEach(async () => {
  runDir = await temporaryFolder()
  lines = []
})

type Behavior = 'fails' | 'never-ready' | 'ignores-sigterm'

async function supervise(behavior?: Behavior, overrides: Partial<ServiceSpec> = {}) {
  const spec: ServiceSpec = {
    name: 'fixture',
    program: join(import.meta.dirname, 'service.ts'),
    args: behavior === undefined ? [] : [behavior],
    env: {},
    readyTimeoutMs: 10_000,
    stopTimeoutMs: 10_000,
    ...overrides,
  }
  const log = (name: string, line: string) => void lines.push(`${name}: ${line}`)
  const supervised = superviseProcess(serviceLaunch(spec), {
    log,
    record: await openRunRecord(runDir, () => undefined),
  })
  onTestFinished(() => supervised.kill())
  return supervised
}

async function runs(pid: number | undefined): Promise<boolean> {
  return pid !== undefined && (await identifyProcess(pid)) !== undefined
}

it('restarts a process that was killed, and says so', async () => {
  const supervised = await supervise()
  await supervised.start()
  const first = supervised.pid()
  process.kill(first ?? 0, 'SIGKILL')
  await vi.waitFor(() => expect(lines.at(-1)).toMatch(/^start: fixture is back after \d\.\d s \(process \d+\)$/), {
    timeout: 5_000,
  })
  expect(lines).toContain('start: fixture ended (SIGKILL): starting it again')
  const second = supervised.pid()
  expect(second).not.toBe(first)
  expect(await runs(second)).toBe(true)
  await supervised.stop()
  expect(await runs(second)).toBe(false)
  expect(supervised.pid()).toBeUndefined()
  expect(await readdir(runDir)).toEqual([])
})

it('shows the last lines of a process that does not start', async () => {
  const supervised = await supervise('fails')
  await expect(supervised.start()).rejects.toMatchObject({
    code: 'process_failed',
    message: 'fixture ended (exit 3). Its last lines:\n  the database said no',
  })
})

it('gives up on a process that does not become ready in time', async () => {
  const supervised = await supervise('never-ready', { readyTimeoutMs: 500 })
  await expect(supervised.start()).rejects.toThrow('fixture was not ready within 0.5 s')
  expect(await readdir(runDir)).toEqual(['fixture'])
  await supervised.stop()
  expect(await readdir(runDir)).toEqual([])
})

it('kills a process that does not stop in time', async () => {
  const supervised = await supervise('ignores-sigterm', { stopTimeoutMs: 300 })
  await supervised.start()
  const pid = supervised.pid()
  await supervised.stop()
  expect(await runs(pid)).toBe(false)
  expect(lines).toContain('start: fixture did not stop in time')
})

it('stops a process while it is starting', async () => {
  const supervised = await supervise('never-ready')
  const started = supervised.start()
  await vi.waitFor(async () => expect(await readdir(runDir)).toEqual(['fixture']), { timeout: 5_000 })
  await Promise.all([expect(started).rejects.toMatchObject({ code: 'process_failed' }), supervised.stop()])
  expect(lines.filter((line) => line.includes('again'))).toEqual([])
})

it('ends a process that the last run left running', async () => {
  const supervised = await supervise()
  await supervised.start()
  const pid = supervised.pid()
  const said: string[] = []
  await openRunRecord(runDir, (line) => said.push(line))
  expect(said).toEqual([`Ending fixture, which the last run left running (process ${pid})`])
  await vi.waitFor(() => expect(lines.at(-1)).toMatch(/is back/), { timeout: 5_000 })
})
