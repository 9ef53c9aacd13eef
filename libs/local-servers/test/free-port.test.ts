import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../src/free-port.ts'

const PORTS = 250

it('no two processes are given the same port', async () => {
  const program = `
    const { freePort } = await import(${JSON.stringify(import.meta.resolve('../src/free-port.ts'))})
    const ports = []
    for (let i = 0; i < ${PORTS}; i++) ports.push(await freePort())
    process.send(ports)
    setInterval(() => undefined, 1_000)`
  // Each lives until all have theirs: without the reservation, some ten of these would be given twice.
  const others = [0, 1].map(() =>
    spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
  )
  onTestFinished(() => {
    for (const other of others) other.kill('SIGKILL')
  })
  const received = others.map(async (other) => ((await once(other, 'message')) as [number[]])[0])
  const own: number[] = []
  for (let i = 0; i < PORTS; i++) own.push(await freePort())
  const ports = [...own, ...(await Promise.all(received)).flat()]
  expect(ports).toHaveLength(3 * PORTS)
  expect(new Set(ports).size).toBe(ports.length)
})
