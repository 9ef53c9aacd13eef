import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@sluice/local'
import { NoReplyError } from '@sluice/messaging'
import { createStarted } from '../../shared/processes.ts'
import type { ProofAccount } from '../accounts.ts'
import { type DataPlane, type PlaneProcess, startDataPlane } from '../data-plane.ts'
import { createCaller, describeStatuses, startDemand } from '../demand.ts'
import { judge } from '../judge.ts'
import { watchUpstreams } from '../observe.ts'
import type { Scenario } from '../scenario.ts'
import { createCertificate, startTlsFront } from '../tls-front.ts'
import { windowOf } from '../under-demand.ts'
import { startProofSimulator } from '../upstreams.ts'

const LIMIT = 500
const SERVED = 300
/** Requests that get permits but never reach the provider: their refunds are in the batch that is applied late. */
const UNREACHED = LIMIT - SERVED
/** After this time, gateways no longer consider a killed instance alive. */
const EXPIRY_MS = 5_000
const CONNECT_TIMEOUT_MS = 4_000
/**
 * From when the other instance has the batch until the stopped one resumes: longer than capacity keeps a session (two
 * minutes).
 */
const FORGOTTEN_MS = 130_000

const ACCOUNT: ProofAccount = {
  name: 'stopped-instance',
  upstreamKey: 'sk-stopped-instance',
  capacity: [
    { period: 'minute', requests: 6_000 },
    { period: 'hour', requests: LIMIT },
  ],
}

export const stoppedInstance: Scenario = {
  name: 'stopped-instance',
  about:
    `A capacity instance is stopped (\`SIGSTOP\`) for more than ${FORGOTTEN_MS / 1_000} s with a batch in its socket, which refunds ${UNREACHED} of ${LIMIT} requests an ` +
    'hour, and another instance processes that batch instead. The stopped instance resumes, and the limit is requested again.',
  run: async (print) => {
    const started = createStarted()
    const folder = await mkdtemp(join(tmpdir(), 'sluice-exactness-'))
    try {
      const { upstreamKey } = ACCOUNT
      const certificate = createCertificate(folder)
      const simulator = await started.add(startProofSimulator([upstreamKey]))
      let isReachable = true
      const handshakeDelayMs = () => (isReachable ? 0 : Number.POSITIVE_INFINITY)
      const front = await started.add(startTlsFront({ certificate, simulator, upstreamKey, handshakeDelayMs }))
      const plane = await started.add(
        startDataPlane({
          connections: [{ ...ACCOUNT, capacity: [...ACCOUNT.capacity], upstreamBaseUrl: front.baseUrl }],
          capacityInstances: 2,
          environment: {
            NODE_EXTRA_CA_CERTS: certificate.certFile,
            UPSTREAM_CONNECT_TIMEOUT_MS: String(CONNECT_TIMEOUT_MS),
          },
        }),
      )
      const watch = await watchUpstreams([front], print)
      const setReachable = (reachable: boolean) => {
        isReachable = reachable
        // A client without any connection to a provider tries one at a time.
        if (!reachable) front.endConnections()
      }
      await stopWithBatch(plane, setReachable, print)
      const demand = startDemand({ ...plane, connection: ACCOUNT.name, perSecond: 40 })
      await sleep(20_000)
      await demand.stop()
      print(`Responses afterwards: ${describeStatuses([demand])}`)
      const observed = await watch.stop()
      return { judgedBy: observed.by, verdicts: judge(ACCOUNT, observed.departuresOf(upstreamKey), {}) }
    } finally {
      await started.stop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** Resolves when the stopped instance has resumed. */
async function stopWithBatch(
  plane: DataPlane,
  setReachable: (reachable: boolean) => void,
  print: (line: string) => void,
): Promise<void> {
  const [stopped, other] = plane.capacity as [PlaneProcess, PlaneProcess]
  // The first instance gets every batch until it is stopped.
  await other.kill()
  await sleep(EXPIRY_MS)
  await untilEarlyInMinute()
  const caller = createCaller({ ...plane, connection: ACCOUNT.name })
  const served = () => caller.byStatus.get(200) ?? 0
  // A machine that is busy right after startup may not serve all of them at once.
  for (let attempt = 0; attempt < 10 && served() < SERVED; attempt++) {
    await Promise.all(Array.from({ length: SERVED - served() }, caller.send))
  }
  print(`Reachable: ${describeStatuses([caller])}`)
  setReachable(false)
  // Give the gateway time to see its connections end.
  await sleep(500)
  const unreached = Array.from({ length: UNREACHED }, caller.send)
  await sleep(CONNECT_TIMEOUT_MS / 2)
  stopped.signal('SIGSTOP')
  print('The instance is stopped')
  await Promise.all(unreached)
  await sleep(1_000)
  await other.start()
  print(`Unreachable: ${describeStatuses([caller])}`)
  await caller.close()
  setReachable(true)
  await until(
    'the batch',
    () => reservedBy(plane),
    (reserved) => reserved === 0,
    30_000,
  )
  print('The other instance has the batch')
  await sleep(FORGOTTEN_MS)
  stopped.signal('SIGCONT')
  print('The instance resumes')
  await sleep(5_000)
}

/** Returns undefined if the stopped instance got the request, as it does not reply. */
async function reservedBy(plane: DataPlane): Promise<number | undefined> {
  try {
    return (await windowOf(plane, ACCOUNT)).reserved
  } catch (error) {
    if (error instanceof NoReplyError) return undefined
    throw error
  }
}

/** The refunds must belong to the slot that the served requests were charged to; a slot of an hour is a minute long. */
async function untilEarlyInMinute(): Promise<void> {
  const intoMinuteMs = Date.now() % 60_000
  if (intoMinuteMs > 30_000) await sleep(60_000 - intoMinuteMs)
}
