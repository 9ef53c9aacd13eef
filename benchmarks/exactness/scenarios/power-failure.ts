import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProofAccount } from '../accounts.ts'
import type { DataPlane } from '../data-plane.ts'
import type { Fact, Scenario } from '../scenario.ts'
import { underDemand } from '../under-demand.ts'
import type { ProofSimulator } from '../upstreams.ts'
import { createVolatileDisk, type VolatileDisk } from '../volatile-disk.ts'

/** The second burst of a minute's limit is over, and not yet on the disk. */
const CUT_AT_MS = 75_000
/** A server's own default, which Sluice's embedded start does not leave it at. */
const SYNC_MS = 120_000
const READY_WITHIN_MS = 60_000
const AFTER_MS = 100_000
/** Within which a minute's limit has to be used again: what the cut took was taken as used until it had slid out. */
const RESUMED_WITHIN_MS = 75_000

const MINUTE: ProofAccount = {
  name: 'cut-minute',
  upstreamKey: 'sk-cut-minute',
  capacity: [{ period: 'minute', requests: 300 }],
}
const HOUR: ProofAccount = {
  name: 'cut-hour',
  upstreamKey: 'sk-cut-hour',
  capacity: [
    { period: 'minute', requests: 3_000 },
    { period: 'hour', requests: 1_800 },
  ],
}

export const powerCut: Scenario = {
  name: 'power-cut',
  about:
    'One NATS server, which forces its files to the disk every two minutes; everything on its machine ends (`kill -9`), what its file system had not written is gone, and everything starts again with another ' +
    'boot id (`BOOT_ID_FILE`). Demand of twenty requests a second goes on.',
  run: async (print) => {
    const disk = await createVolatileDisk(print)
    try {
      return await acrossCut(disk, print)
    } finally {
      await disk.stop()
    }
  },
}

function acrossCut(disk: VolatileDisk, print: (line: string) => void) {
  const bootIdFile = join(disk.folder, 'boot-id')
  let resumedAtMs = 0
  let isBack = false
  return underDemand(
    {
      accounts: [MINUTE, HOUR],
      perSecond: 20,
      demandBinds: false,
      plane: {
        capacityInstances: 2,
        gateways: 2,
        natsDataDir: join(disk.folder, 'nats'),
        natsSyncMs: SYNC_MS,
        environment: { BOOT_ID_FILE: bootIdFile },
        whenPrepared: () => writeFile(bootIdFile, `${randomUUID()}\n`),
      },
      during: async (plane) => {
        await disk.sync()
        await sleep(CUT_AT_MS)
        await Promise.all(everyProcess(plane).map((each) => each.kill()))
        print('The power is cut')
        await disk.cutPower()
        await writeFile(bootIdFile, `${randomUUID()}\n`)
        await plane.nats.start()
        const start = Promise.all([...plane.capacity, ...plane.gateways].map((each) => each.start()))
        const outcome = await Promise.race([start, sleep(READY_WITHIN_MS, 'too late' as const)])
        resumedAtMs = Date.now()
        isBack = outcome !== 'too late'
        print(isBack ? 'Everything runs again' : 'Not everything is ready again')
        await sleep(AFTER_MS)
      },
      afterwards: async (_plane, simulator) => [
        { text: `The disk: ${disk.about}.`, isAsPromised: true },
        { text: `Everything is ready again within ${READY_WITHIN_MS / 1_000} s: ${isBack}`, isAsPromised: isBack },
        await resumption(simulator, resumedAtMs),
      ],
    },
    print,
  )
}

function everyProcess({ nats, capacity, gateways }: DataPlane) {
  return [...gateways, ...capacity, nats]
}

async function resumption(simulator: ProofSimulator, resumedAtMs: number): Promise<Fact> {
  const recorded = await simulator.recorded()
  const first = recorded.find(({ key, headAtMs }) => key === MINUTE.upstreamKey && headAtMs >= resumedAtMs)
  if (first === undefined) return { text: `${MINUTE.name}: no request after the cut`, isAsPromised: false }
  const afterMs = first.headAtMs - resumedAtMs
  const text = `${MINUTE.name}: the first request left ${(afterMs / 1_000).toFixed(0)} s after everything ran again`
  return { text, isAsPromised: afterMs <= RESUMED_WITHIN_MS }
}
