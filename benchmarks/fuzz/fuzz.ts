import { capacityStatus } from '@sluice/contracts'
import { until } from '@sluice/local'
import { freePort } from '@sluice/local-servers'
import { request } from '@sluice/messaging'
import { type MemorySample, memoryOf, PROBE_NODE_OPTIONS } from '../shared/memory.ts'
import { benchmarkNats } from '../shared/nats.ts'
import { createStarted, pidOf } from '../shared/processes.ts'
import { startSimulatorProcess } from '../shared/simulator-process.ts'
import { type Sluice, startSluice } from '../shared/sluice.ts'
import { openSockets } from '../shared/sockets.ts'
import { type Canaries, startCanaries } from './canaries.ts'
import { converse, outcomeOf } from './conversation.ts'
import { http1Conversation } from './http1.ts'
import { http2Conversation } from './http2.ts'
import type { Target } from './odd-input.ts'
import { createRandom } from './random.ts'

export interface FuzzResult {
  /** The number of conversations by protocol and first response. */
  readonly outcomes: ReadonlyMap<string, number>
  readonly canaries: Pick<Canaries, 'succeeded' | 'failures' | 'slowestMs'>
  /** Memory of the gateway after each round, when the input has stopped and no bodies are in memory. */
  readonly memory: readonly MemorySample[]
  /** Uncaught exceptions, by the gateway's own count. */
  readonly unforeseenFaults: number
  /** Requests and tokens that are still reserved at the end. */
  readonly reserved: number
  /** True if the gateway process did not restart. */
  readonly isAlive: boolean
  /** Connections that the gateway still had open a while after the end, and not before the run. */
  readonly openConnections: number
}

/**
 * Starts a local Sluice and sends malformed input to its gateway in rounds of `roundMs`, concurrently with valid
 * requests.
 */
export async function fuzz(seed: number, rounds: number, roundMs: number): Promise<FuzzResult> {
  const started = createStarted()
  try {
    const nats = await started.add(benchmarkNats())
    const simulator = await started.add(startSimulatorProcess([{ apiKey: UPSTREAM_KEY }]))
    const metricsPort = await freePort()
    const sluice = await started.add(
      startSluice({
        natsUrl: nats.url,
        upstreamBaseUrl: simulator.openaiBaseUrl,
        upstreamKey: UPSTREAM_KEY,
        capacity: [{ period: 'day', requests: 1_000_000_000, tokens: 1_000_000_000_000 }],
        gatewaySettings: { METRICS_PORT: String(metricsPort), REQUEST_TIMEOUT_MS: '5000', LOG_LEVEL: 'error' },
        gatewayNodeOptions: PROBE_NODE_OPTIONS,
      }),
    )
    const target = { url: sluice.gatewayUrl, chatPath: new URL(sluice.chatUrl).pathname, apiKey: sluice.apiKey }
    const openBefore = connectionsOf(sluice)
    const canaries = startCanaries(target)
    const outcomes = new Map<string, number>()
    const memory: MemorySample[] = []
    for (let round = 0; round < rounds; round++) {
      await talk(seed + round * TALKERS, roundMs, { target, outcomes, quietMs: () => quietMs(canaries) })
      // If the gateway has ended, that is detected below.
      if (sluice.gateway.connected) memory.push(await memoryAtRest(sluice, openBefore))
    }
    await canaries.stop()
    const isAlive = sluice.gateway.exitCode === null && sluice.gateway.signalCode === null
    if (!isAlive) return { ...NOTHING_KNOWN, outcomes, canaries, memory, isAlive }
    // Idle connections from the startup of Sluice may have been closed by now.
    const open = async (): Promise<number> => Math.max(0, connectionsOf(sluice) - openBefore)
    const openConnections = await until('the connections', open, (count) => count === 0).catch(open)
    return {
      outcomes,
      canaries,
      memory,
      unforeseenFaults: await faultsCounted(metricsPort),
      reserved: await stillReserved(sluice),
      isAlive,
      openConnections,
    }
  } finally {
    await started.stop()
  }
}

const UPSTREAM_KEY = 'sk-fuzz'
const NOTHING_KNOWN = { unforeseenFaults: Number.NaN, reserved: Number.NaN, openConnections: Number.NaN }
/** Concurrent conversations. */
const TALKERS = 16
/** How many conversations each holds in a round, however slow the machine is. */
const LEAST_TURNS = 6

interface TalkOptions {
  readonly target: Target
  readonly outcomes: Map<string, number>
  /** How long a conversation may be quiet before its client leaves. */
  readonly quietMs: () => number
}

async function talk(seed: number, durationMs: number, { target, outcomes, quietMs }: TalkOptions): Promise<void> {
  const endsAtMs = performance.now() + durationMs
  const talker = async (index: number): Promise<void> => {
    const random = createRandom(seed + index)
    for (let turns = 0; turns < LEAST_TURNS || performance.now() < endsAtMs; turns++) {
      const conversation = random.isTrue(0.5) ? http1Conversation(random, target) : http2Conversation(random, target)
      const outcome = outcomeOf(conversation.protocol, await converse(target.url, conversation, quietMs()))
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: TALKERS }, (_, index) => talker(index)))
}

/** A busy machine takes longer to respond. */
function quietMs({ slowestMs }: Pick<Canaries, 'slowestMs'>): number {
  return Math.min(Math.max(LEAST_QUIET_MS, 2 * slowestMs), MOST_QUIET_MS)
}

const LEAST_QUIET_MS = 150
const MOST_QUIET_MS = 600

/** Waits until aborted connections are closed; a leaked connection shows at the end. */
async function memoryAtRest(sluice: Sluice, openBefore: number): Promise<MemorySample> {
  const open = async (): Promise<number> => connectionsOf(sluice) - openBefore
  await until('the connections', open, (count) => count <= CANARY_CONNECTIONS).catch(open)
  return memoryOf(sluice.gateway)
}

const CANARY_CONNECTIONS = 3

async function faultsCounted(metricsPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  return Number(/^sluice_unforeseen_faults_total\b.* (\d+)$/m.exec(text)?.[1] ?? Number.NaN)
}

/** Settlements take a moment to arrive. */
async function stillReserved({ bus, connectionId }: Sluice): Promise<number> {
  const reserved = async (): Promise<number> => {
    const { windows } = await request(bus, capacityStatus, [connectionId], {})
    return windows.reduce((sum, window) => sum + window.reserved, 0)
  }
  return until('the settlements', reserved, (count) => count === 0).catch(reserved)
}

function connectionsOf({ gateway, gatewayUrl }: Sluice): number {
  const port = Number(new URL(gatewayUrl).port)
  return openSockets(pidOf(gateway)).filter(({ localPort }) => localPort === port).length
}
