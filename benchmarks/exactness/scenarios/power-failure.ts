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

/** After the second burst of a minute limit, which is not yet on the disk. */
const FAILS_AT_MS = 75_000
/** The server's own default, which Sluice's embedded start changes. */
const SYNC_MS = 120_000
const READY_WITHIN_MS = 60_000
const AFTER_MS = 100_000
/** The time until a minute limit must admit again: lost charges count as used until they leave the window. */
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

export const powerFailure: Scenario = {
  name: 'power-failure',
  about:
    'One NATS server syncs its files to disk every two minutes. Everything on its machine is killed (`kill -9`), what its file system had not written is lost, and everything starts again with another ' +
    'boot id (`BOOT_ID_FILE`). The demand of twenty requests a second continues.',
  run: async (print) => {
    const disk = await createVolatileDisk(print)
    try {
      return await acrossFailure(disk, print)
    } finally {
      await disk.stop()
    }
  },
}

function acrossFailure(disk: VolatileDisk, print: (line: string) => void) {
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
        await sleep(FAILS_AT_MS)
        await Promise.all(everyProcess(plane).map((each) => each.kill()))
        print('The power fails')
        await disk.failPower()
        await writeFile(bootIdFile, `${randomUUID()}\n`)
        await plane.nats.start()
        const start = Promise.all([...plane.capacity, ...plane.gateways].map((each) => each.start()))
        const outcome = await Promise.race([start, sleep(READY_WITHIN_MS, 'timeout' as const)])
        resumedAtMs = Date.now()
        isBack = outcome !== 'timeout'
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
  if (first === undefined) return { text: `${MINUTE.name}: no request after the power failure`, isAsPromised: false }
  const afterMs = first.headAtMs - resumedAtMs
  const text = `${MINUTE.name}: the first request was sent ${(afterMs / 1_000).toFixed(0)} s after everything ran again`
  return { text, isAsPromised: afterMs <= RESUMED_WITHIN_MS }
}
