import { describe, expect, it } from 'vitest'
import type { LostSpan } from '../record/lost-charges.ts'
import { keepsIndexApart, type StartFindings, startOfClock, suspectedLoss } from './clock-start.ts'

const T0 = Date.UTC(2026, 0, 1)
const mark = { clockMs: T0, monotonicMs: 50_000, stopped: false }
const found: StartFindings = {
  bootId: 'this',
  monotonicMs: 60_000,
  serverMs: T0 + 3_600_000,
  marks: new Map(),
  marksBucket: { createdAtMs: T0 - 86_400_000, lastStoredAtMs: T0, wasCleared: false },
  buckets: { recordsMadeAtMs: T0 - 86_400_000, marksMadeAtMs: T0 - 86_400_000, lastHeartbeatAtMs: T0 },
  losesWholeRecords: false,
  liveClocksMs: [],
  syncIntervalMs: 120_000,
}
const marked = (boot: string, more: Partial<typeof mark> & { lost?: LostSpan } = {}) =>
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

  it('with whole records where the server can lose them', () => {
    const findings = { ...found, marks: marked('other'), losesWholeRecords: true }
    expect(suspectedLoss(findings, startMs)).toMatchObject({ untilMs: T0 + 121_000, vanished: true })
  })

  const everything = { fromMs: startMs - 241_000, untilMs: startMs, vanished: true }

  it.each<[string, Partial<StartFindings>]>([
    ['no mark is left', {}],
    [
      'the server knows of none any more, though the bucket is older',
      { marksBucket: { createdAtMs: T0, wasCleared: false } },
    ],
    ['the marks could not be read', { marks: marked('this'), marksBucket: { ...found.marksBucket, wasCleared: true } }],
  ])('with whole records until now where %s', (_, more) => {
    expect(suspectedLoss({ ...found, ...more }, startMs)).toEqual(everything)
  })

  const made = { recordsMadeAtMs: T0, marksMadeAtMs: T0 + 40, lastHeartbeatAtMs: T0 + 9_000 }

  it.each<[string, Partial<StartFindings['buckets']>]>([
    ['the records', { recordsMadeAtMs: found.serverMs - 50_000 }],
    [
      'the records, while an instance went on announcing itself',
      { recordsMadeAtMs: T0 + 3_550_000, lastHeartbeatAtMs: found.serverMs },
    ],
    ['the marks', { marksMadeAtMs: found.serverMs - 50_000 }],
    ['both', { recordsMadeAtMs: found.serverMs - 50_001, marksMadeAtMs: found.serverMs - 50_000 }],
  ])('until their bucket was made again, where that is the one of %s', (_, again) => {
    for (const more of [
      {},
      { liveClocksMs: [T0] },
      { syncIntervalMs: 0 },
      { marks: marked('this', { stopped: true }) },
    ]) {
      const findings = { ...found, marks: marked('this'), ...more, buckets: { ...made, ...again } }
      const untilMs = startMs - 50_000 + 1_000
      expect(suspectedLoss(findings, startMs)).toMatchObject({ untilMs, vanished: true })
    }
  })

  it('as it is marked and as it is found, together', () => {
    const lost = { fromMs: T0 - 900_000, untilMs: T0 - 800_000, vanished: true as const }
    expect(suspectedLoss({ ...found, marks: marked('other', { lost }) }, startMs)).toEqual({
      fromMs: T0 - 900_000,
      untilMs: T0 + 121_000,
      vanished: true,
    })
  })

  it('by every later instance of the same boot, until it is over', () => {
    const lost = { fromMs: T0 - 1, untilMs: T0 + 1 }
    expect(suspectedLoss({ ...found, marks: marked('this', { lost }) }, startMs)).toEqual(lost)
  })

  it.each<[string, Partial<StartFindings>]>([
    ['where no instance has ever been', { marksBucket: { createdAtMs: found.serverMs - 1_000, wasCleared: false } }],
    [
      'where the last mark expired by itself',
      { marksBucket: { createdAtMs: T0 - 9e8, lastStoredAtMs: found.serverMs - 604_800_000, wasCleared: false } },
    ],
    ['where a marked one is over', { marks: marked('this', { lost: { fromMs: T0 - 9e8, untilMs: T0 - 8e8 } }) }],
    ['where no mark is left while another instance is alive', { liveClocksMs: [T0] }],
    ['where no mark is left and the server syncs every write', { syncIntervalMs: 0 }],
    ['after a start on the same boot', { marks: marked('this') }],
    ['after the instances stopped in order', { marks: marked('other', { stopped: true }) }],
    ['while another instance is alive', { marks: marked('other'), liveClocksMs: [T0] }],
    ['where the server syncs every write', { marks: marked('other'), syncIntervalMs: 0 }],
    [
      'where the buckets were made by the first instance, and the heartbeats’ by a gateway before',
      { marks: marked('this'), buckets: { recordsMadeAtMs: found.serverMs, marksMadeAtMs: found.serverMs } },
    ],
    [
      'where the buckets are being made by several instances at once',
      {
        marks: marked('this'),
        buckets: { recordsMadeAtMs: T0, marksMadeAtMs: T0 + 5, lastHeartbeatAtMs: T0 + 5 },
      },
    ],
    [
      'where a bucket was made again days ago',
      { marks: marked('this'), buckets: { recordsMadeAtMs: T0 - 9e8, marksMadeAtMs: T0 - 1e9 } },
    ],
  ])('not %s', (_, more) => {
    expect(suspectedLoss({ ...found, ...more }, startMs)).toBeUndefined()
  })
})

it.each([
  ['2.9.10', true],
  ['1.4.1', true],
  ['0', true],
  ['2.10.0', false],
  ['2.15.1-RC.1', false],
  ['3.0.0', false],
])('knows whether nats-server %s keeps its index apart: %s', (version, expected) => {
  expect(keepsIndexApart(version)).toBe(expected)
})
