import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type System, startSystem } from './start-system.ts'

let system: System
let apiKey: string

beforeAll(async () => {
  system = await startSystem()
  ;({ apiKey } = await system.connect('steady', [{ period: 'minute', requests: 100_000 }]))
})

afterAll(() => system.stop())

const chat = () =>
  system
    .client('steady', apiKey)
    .chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'still there?' }] })

const pidOf = (name: string) => system.stack.processes().find((process) => process.name === name)?.pid

it.each(['gateway-1', 'capacity-1', 'control-plane', 'nats', 'postgres'])(
  '%s restarts after a kill -9 under traffic, which is logged, and later requests succeed',
  async (name) => {
    const pid = pidOf(name)
    if (pid === undefined) throw new Error(`${name} is not running`)
    let isOver = false
    const traffic = (async () => {
      while (!isOver) await chat().catch(() => undefined)
    })()
    const linesBefore = system.logs().length
    process.kill(pid, 'SIGKILL')
    await vi.waitFor(() => expect(pidOf(name)).not.toBe(pid), { timeout: 20_000 })
    await vi.waitFor(() => expect(pidOf(name)).toBeGreaterThan(0), { timeout: 30_000 })
    expect(system.logs().slice(linesBefore)).toMatch(new RegExp(`start \\| .*${name}.*(ended|killed|SIGKILL)`))
    await vi.waitFor(chat, { timeout: 20_000 })
    isOver = true
    await traffic
    for (let i = 0; i < 5; i++) expect((await chat()).choices).toHaveLength(1)
  },
  60_000,
)
