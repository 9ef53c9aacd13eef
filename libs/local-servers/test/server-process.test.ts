import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { temporaryFolder } from '@sluice/testkit'
import { execa } from 'execa'
import { expect, it, onTestFinished, vi } from 'vitest'
import { identifyProcess } from '../src/process-identity.ts'
import { type ServerCommand, type ServerProcess, startServerProcess, stopServerProcess } from '../src/server-process.ts'

const IGNORES_SIGTERM = 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
const ENDS_IN_ORDER = 'trap "touch ended; exit 0" TERM; echo ready; while :; do sleep 0.1; done'

async function start(script: string, options: Partial<ServerCommand> = {}): Promise<ServerProcess> {
  const server = await startServerProcess({
    name: 'script',
    command: 'sh',
    args: ['-c', script],
    stopSignal: 'SIGTERM',
    readyLine: /^ready$/,
    readyTimeoutMs: 10_000,
    log: () => undefined,
    ...options,
  })
  onTestFinished(() => server.kill())
  return server
}

/** Starts a server from a process that can be killed. */
async function startApart(script: string, cwd: string) {
  const starter = spawn(process.execPath, [join(import.meta.dirname, 'run-server.ts'), script], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void starter.kill('SIGKILL'))
  const [line] = await once(createInterface({ input: starter.stdout }), 'line')
  return { starter, pid: Number(line) }
}

async function groupOf(pid: number): Promise<number[]> {
  const { stdout } = await execa('ps', ['-e', '-o', 'pid=,pgid='])
  const processes = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  return processes.filter(([, group]) => group === pid).map(([each = 0]) => each)
}

const isGone = (pid: number) =>
  vi.waitFor(async () => expect(await identifyProcess(pid)).toBeUndefined(), { timeout: 20_000 })

it('ends the server in order when the process that started it is killed', async () => {
  const folder = await temporaryFolder()
  const { starter, pid } = await startApart(ENDS_IN_ORDER, folder)
  starter.kill('SIGKILL')
  await isGone(pid)
  expect(await readdir(folder)).toEqual(['ended'])
  await vi.waitFor(async () => expect(await groupOf(pid)).toEqual([]), { timeout: 5_000 })
})

it('kills a server that does not end in order when the process that started it is killed', async () => {
  const { starter, pid } = await startApart(IGNORES_SIGTERM, await temporaryFolder())
  starter.kill('SIGKILL')
  await isGone(pid)
  await vi.waitFor(async () => expect(await groupOf(pid)).toEqual([]), { timeout: 5_000 })
})

it('leaves no guard behind when the server ends of itself', async () => {
  const server = await start('echo ready; sleep 0.2; exit 3')
  expect(await server.exited).toBe('exit 3')
  await vi.waitFor(async () => expect(await groupOf(server.pid)).toEqual([]), { timeout: 5_000 })
})

it('reports the death of the guard, which the server survives', async () => {
  const server = await start(IGNORES_SIGTERM)
  const guard = (await groupOf(server.pid)).find((pid) => pid !== server.pid)
  process.kill(guard ?? expect.unreachable(), 'SIGKILL')
  await server.unguarded
  expect(await identifyProcess(server.pid)).toBeDefined()
})

it('the guard is not a child of the server, which would not expect one', async () => {
  const server = await start('echo ready; exec sleep 60')
  const { stdout } = await execa('ps', ['-e', '-o', 'ppid='])
  expect(stdout.split('\n').map(Number)).not.toContain(server.pid)
})

it('reports a server that ends before it is ready, with its last line', async () => {
  await expect(start('echo "no space left"; exit 1')).rejects.toMatchObject({
    code: 'process_failed',
    message: 'script ended (exit 1): no space left',
    output: ['no space left'],
  })
})

it('kills a server that is not ready in time', async () => {
  await expect(start('exec sleep 60', { readyTimeoutMs: 200 })).rejects.toThrow(
    'script was not ready within 0.2 s: it wrote nothing',
  )
})

it('sends one signal after the other, and kills the server last', async () => {
  const server = await start(IGNORES_SIGTERM)
  await stopServerProcess(server, ['SIGTERM'], 100)
  expect(await server.exited).toBe('SIGKILL')
})

it('reports a program that cannot be run', async () => {
  const program = join(await temporaryFolder(), 'program')
  await writeFile(program, '', { mode: 0o600 })
  await expect(start('', { command: program })).rejects.toMatchObject({ code: 'tool_missing' })
  await expect(start('', { command: `${program}-missing` })).rejects.toMatchObject({ code: 'tool_missing' })
})
