import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createStarted } from '../../shared/processes.ts'
import type { ProofAccount } from '../accounts.ts'
import { startDataPlane } from '../data-plane.ts'
import { createCaller, describeStatuses, startDemand } from '../demand.ts'
import { judge } from '../judge.ts'
import { watchUpstreams } from '../observe.ts'
import type { Scenario } from '../scenario.ts'
import { createCertificate, startTlsFront } from '../tls-front.ts'
import { startProofSimulator } from '../upstreams.ts'

const LIMIT = 60
const DEMAND_MS = 150_000
const DEMAND_PER_SECOND = 10

interface SlowAccount extends ProofAccount {
  readonly handshakeMs: number
  /** True if all handshakes are slow, not only those of the burst. */
  readonly isAlwaysSlow: boolean
}

const ACCOUNTS: readonly SlowAccount[] = [
  slowAccount(700, false),
  slowAccount(2_000, false),
  slowAccount(3_000, false),
  slowAccount(2_000, true),
]

export const slowHandshakes: Scenario = {
  name: 'slow-handshakes',
  about:
    `The provider’s first ${LIMIT} TLS handshakes take 0.7, 2 or 3 s, or all of them 2 s: a burst of ${LIMIT} requests at ${LIMIT} a minute, then ten ` +
    'requests a second for two and a half minutes. A request’s first record of application data counts as its headers. Capacity that is freed all at once is requested within ' +
    `${LIMIT / DEMAND_PER_SECOND} s, and may need a handshake: the intervals of *least* are longer by these times.`,
  run: async (print) => {
    const started = createStarted()
    const folder = await mkdtemp(join(tmpdir(), 'sluice-exactness-'))
    try {
      const certificate = createCertificate(folder)
      const simulator = await started.add(startProofSimulator(ACCOUNTS.map(({ upstreamKey }) => upstreamKey)))
      const fronts = await Promise.all(
        ACCOUNTS.map(({ upstreamKey, handshakeMs, isAlwaysSlow }) => {
          const handshakeDelayMs = (connection: number) => (isAlwaysSlow || connection < LIMIT ? handshakeMs : 0)
          return started.add(startTlsFront({ certificate, simulator, upstreamKey, handshakeDelayMs }))
        }),
      )
      const plane = await started.add(
        startDataPlane({
          connections: ACCOUNTS.map(({ name, upstreamKey, capacity }, index) => {
            return { name, upstreamKey, capacity: [...capacity], upstreamBaseUrl: fronts[index]?.baseUrl ?? '' }
          }),
          capacityInstances: 2,
          environment: { NODE_EXTRA_CA_CERTS: certificate.certFile },
        }),
      )
      const watch = await watchUpstreams(fronts, print)
      const callers = ACCOUNTS.map(({ name }) => createCaller({ ...plane, connection: name }))
      const fromMs = Date.now()
      const bursts = callers.flatMap((caller) => Array.from({ length: LIMIT }, caller.send))
      const demands = ACCOUNTS.map(({ name }) =>
        startDemand({ ...plane, connection: name, perSecond: DEMAND_PER_SECOND }),
      )
      await sleep(DEMAND_MS)
      const untilMs = Date.now()
      await Promise.all([...bursts, ...demands.map((demand) => demand.stop())])
      await Promise.all(callers.map((caller) => caller.close()))
      print(`Responses: ${describeStatuses([...callers, ...demands])}`)
      const observed = await watch.stop()
      const verdicts = ACCOUNTS.flatMap((account) => {
        const fillMs = (LIMIT / DEMAND_PER_SECOND) * 1_000 + account.handshakeMs
        return judge(account, observed.departuresOf(account.upstreamKey), { demand: { fromMs, untilMs, fillMs } })
      })
      return { judgedBy: observed.by, verdicts }
    } finally {
      await started.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

function slowAccount(handshakeMs: number, isAlwaysSlow: boolean): SlowAccount {
  const name = `${isAlwaysSlow ? 'always' : 'first'}-${handshakeMs}-ms`
  const capacity = [{ period: 'minute' as const, requests: LIMIT }]
  return { name, upstreamKey: `sk-${name}`, capacity, handshakeMs, isAlwaysSlow }
}
