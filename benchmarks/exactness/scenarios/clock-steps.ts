import { setTimeout as sleep } from 'node:timers/promises'
import { shiftedNatsTime } from '../../shared/shifted-nats-time.ts'
import { startTcpProxy } from '../../shared/tcp-proxy.ts'
import type { ProofAccount } from '../accounts.ts'
import type { Scenario, ScenarioResult } from '../scenario.ts'
import { together, underDemand } from '../under-demand.ts'

const STEPS = [
  { name: 'ahead-20-s', stepMs: 20_000 },
  { name: 'ahead-1-h', stepMs: 3_600_000 },
  { name: 'back-1-h', stepMs: -3_600_000 },
] as const

/** Long enough for a limit to have a history and for its next period to begin. */
const STEP_AT_MS = 20_000
/** Two periods and their slots after the step. */
const DURATION_MS = 150_000
const LIMIT = 60

export const clockSteps: Scenario = {
  name: 'clock-steps',
  about:
    'The clock of the NATS server steps ahead by 20 s or an hour, or back by an hour, with the capacity instances running, and with both killed and ' +
    `restarted right afterwards. The limit is ${LIMIT} requests a minute, the demand ten a second. A proxy changes the server’s timestamps on their way to the capacity instances.`,
  run: async (print) => {
    const results: ScenarioResult[] = []
    for (const isRestarted of [false, true]) {
      results.push(...(await Promise.all(STEPS.map(({ name, stepMs }) => step(name, stepMs, isRestarted, print)))))
    }
    return together(results)
  },
}

async function step(
  stepName: string,
  stepMs: number,
  isRestarted: boolean,
  print: (line: string) => void,
): Promise<ScenarioResult> {
  const name = `step-${stepName}-${isRestarted ? 'restarted' : 'running'}`
  const account: ProofAccount = {
    name,
    upstreamKey: `sk-${name}`,
    capacity: [{ period: 'minute', requests: LIMIT }],
  }
  let shiftMs = 0
  return underDemand(
    {
      accounts: [account],
      perSecond: 10,
      demandBinds: true,
      plane: {
        capacityInstances: 2,
        startNatsRoute: async (natsPort) => {
          const changeReplies = () => shiftedNatsTime(() => shiftMs)
          const proxy = await startTcpProxy({ targetPort: natsPort, changeReplies })
          return { capacity: proxy.port, gateway: natsPort, stop: proxy.stop }
        },
      },
      during: async ({ capacity }) => {
        await sleep(STEP_AT_MS)
        shiftMs = stepMs
        print(`${account.name}: the clock steps`)
        if (isRestarted) {
          for (const instance of capacity) {
            await instance.kill()
            await instance.start()
          }
        }
        await sleep(DURATION_MS - STEP_AT_MS)
      },
    },
    print,
  )
}
