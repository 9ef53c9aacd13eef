import { describe, expect, it } from 'vitest'
import { type StartFindings, startOfClock, suspectedLoss } from './clock-start.ts'

const T0 = Date.UTC(2026, 0, 1)
const mark = { clockMs: T0, monotonicMs: 50_000, stopped: false }
const found: StartFindings = {
  bootId: 'this',
  monotonicMs: 60_000,
  serverMs: T0 + 3_600_000,
  marks: new Map(),
  liveClocksMs: [],
  syncIntervalMs: 120_000,
}
const marked = (boot: string, more: Partial<typeof mark> & { lost?: { fromMs: number; untilMs: number } } = {}) =>
  new Map([[boot, { mark: { ...mark, ...more }, storedAtMs: T0 + 5_000 }]])

describe('the start of the clock', () => {
  it('is the server’s time where no instance has ever been', () => {
    expect(startOfClock(found)).toBe(T0 + 3_600_000)
  })

  it('is where the last instance of this boot was, and what has passed since, whatever the server says', () => {
    for (const serverMs of [T0 - 3_600_000, T0 + 20_000, T0 + 3_600_000]) {
      expect(startOfClock({ ...found, marks: marked('this'), serverMs })).toBe(T0 + 10_000)
    }
  })

  it('is what live instances say where this boot has written nothing', () => {
    const liveClocksMs = [T0 + 8_000, T0 + 8_100]
    expect(startOfClock({ ...found, marks: marked('other'), liveClocksMs })).toBe(T0 + 8_100)
  })

  it('adds what has passed by the server’s clock after another boot, if no instance is alive', () => {
    expect(startOfClock({ ...found, marks: marked('other'), serverMs: T0 + 35_000 })).toBe(T0 + 30_000)
  })

  it('goes on from the last mark where the server’s clock was set back meanwhile', () => {
    expect(startOfClock({ ...found, marks: marked('other'), serverMs: T0 - 3_600_000 })).toBe(T0)
  })
})

describe('a loss is suspected', () => {
  const startMs = T0 + 600_000

  it('of what may not have been on the disk when the machine lost power', () => {
    expect(suspectedLoss({ ...found, marks: marked('other') }, startMs)).toEqual({
      fromMs: T0 - 120_000,
      untilMs: T0 + 121_000,
    })
  })

  it('until now at most', () => {
    expect(suspectedLoss({ ...found, marks: marked('other') }, T0 + 5_000)).toMatchObject({ untilMs: T0 + 5_000 })
  })

  it('by every later instance of the same boot, until it is over', () => {
    const lost = { fromMs: T0 - 1, untilMs: T0 + 1 }
    expect(suspectedLoss({ ...found, marks: marked('this', { lost }) }, startMs)).toEqual(lost)
  })

  it.each<[string, Partial<StartFindings>]>([
    ['where no instance has ever been', {}],
    ['after a start on the same boot', { marks: marked('this') }],
    ['after the instances stopped in order', { marks: marked('other', { stopped: true }) }],
    ['while another instance is alive', { marks: marked('other'), liveClocksMs: [T0] }],
    ['where the server syncs every write', { marks: marked('other'), syncIntervalMs: 0 }],
  ])('not %s', (_, more) => {
    expect(suspectedLoss({ ...found, ...more }, startMs)).toBeUndefined()
  })
})
