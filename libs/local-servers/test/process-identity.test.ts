import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished, vi } from 'vitest'
import { commandLine, endProcess, identifyProcess, isRunning } from '../src/process-identity.ts'

function run(command: string, ...args: string[]) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

it('distinguishes a process from a later one with its pid', async () => {
  const child = run('sleep', '60')
  const identity = await identifyProcess(child.pid ?? 0)
  if (identity === undefined) expect.fail('sleep does not run')
  expect(await isRunning(identity)).toBe(true)
  expect(await isRunning({ ...identity, startedAt: '1' })).toBe(false)
  expect(await commandLine(identity.pid)).toMatch(/sleep 60$/)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await isRunning(identity)).toBe(false)
  expect(await commandLine(identity.pid)).toBeUndefined()
})

it('regards a process that has ended as ended, even before it is reaped', async () => {
  const parent = run('sh', '-c', 'sleep 0.01 & echo $!; exec sleep 60')
  const [line] = await once(createInterface({ input: parent.stdout }), 'line')
  await vi.waitFor(async () => expect(await identifyProcess(Number(line))).toBeUndefined(), { timeout: 5_000 })
  expect(() => process.kill(Number(line), 0)).not.toThrow()
})

it('ends a process that ignores the polite signal', async () => {
  const child = run('sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done')
  await once(createInterface({ input: child.stdout }), 'line')
  const identity = await identifyProcess(child.pid ?? 0)
  if (identity === undefined) expect.fail('sh does not run')
  await endProcess(identity, { signal: 'SIGTERM', graceMs: 100 })
  expect(await isRunning(identity)).toBe(false)
  expect(child.signalCode).toBe('SIGKILL')
})
