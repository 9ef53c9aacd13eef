import { lookup as systemLookup } from 'node:dns'
import { type ConnectionTest, type ProviderId, SluiceError } from '@sluice/contracts'
import { createEgressPolicy, type Lookup } from '@sluice/providers'
import { Secret } from '@sluice/service-kit'
import type { StsAccess } from '../adapters/provider-probes/assume-role.ts'
import { type Concealment, createConcealment } from '../adapters/provider-probes/concealment.ts'
import { gatedAgent } from '../adapters/provider-probes/gated-agent.ts'
import { withDispatcher } from '../adapters/provider-probes/scoped-fetch.ts'
import { bedrockProbe } from './aws-bedrock.ts'
import { probeGoogle } from './google.ts'
import { probeAnthropic, probeGroq, probeOpenAi } from './model-lists.ts'
import type { Probe, ProbeMeans, ProbeTarget, ProviderProbe } from './probe.ts'
import { describeFailure } from './probe-failure.ts'

export interface ProviderProbeOptions {
  /** Whether http is allowed to this machine itself. */
  readonly allowInsecureLoopback: boolean
  readonly sts: StsAccess
  /** For a whole test; 10,000 when absent. */
  readonly timeLimitMs?: number
  /** How many tests may be under way at a time; 8 when absent. */
  readonly maxConcurrent?: number
  /** Finds a name's addresses; the system's way unless told. */
  readonly lookup?: Lookup
}

export interface RunningProviderProbe extends ProviderProbe {
  /** Ends the tests that are under way. */
  stop(): Promise<void>
}

/** Tests connections through the providers' own SDKs. Each provider is tried once: what fails is told. */
export function createProviderProbe({
  allowInsecureLoopback,
  sts,
  timeLimitMs = 10_000,
  maxConcurrent = 8,
  lookup = systemLookup,
}: ProviderProbeOptions): RunningProviderProbe {
  const probes: Readonly<Record<ProviderId, Probe>> = {
    openai: probeOpenAi,
    anthropic: probeAnthropic,
    google: probeGoogle,
    groq: probeGroq,
    'aws-bedrock': bedrockProbe(sts),
  }
  const gate = createEgressPolicy({ allowInsecureLoopback }, lookup)
  const agent = gatedAgent(gate, MAX_ANSWER_BYTES)
  const inGate: ProbeMeans['inGate'] = (work) => withDispatcher(agent, work)
  const gatedFetch: ProbeMeans['fetch'] = (input, init) => inGate(() => fetch(input, { ...init, redirect: 'error' }))
  const stopping = new AbortController()
  let underWay = 0

  const run = async (target: ProbeTarget): Promise<ConnectionTest> => {
    const concealment = createConcealment()
    for (const field of Object.values(target.config)) if (field instanceof Secret) concealment.add(field.reveal())
    const signal = AbortSignal.any([AbortSignal.timeout(timeLimitMs), stopping.signal])
    const means: ProbeMeans = { fetch: gatedFetch, inGate, gate, signal, conceal: concealment.add }
    const startedMs = performance.now()
    const latencyMs = () => Math.round(performance.now() - startedMs)
    try {
      const models = await Promise.race([probes[target.provider](target, means), abortOf(signal)])
      return {
        ok: true,
        latencyMs: latencyMs(),
        ...(models === undefined ? {} : { models: shown(models, concealment) }),
      }
    } catch (error) {
      if (stopping.signal.aborted) throw new SluiceError('unavailable', 'The service is stopping.')
      if (error instanceof SluiceError) throw error
      if (signal.aborted) return { ok: false, latencyMs: latencyMs(), error: timeout(timeLimitMs) }
      const { message, ...failure } = describeFailure(error)
      const words = concealment.apply(message.slice(0, MAX_MESSAGE_CHARS * 2)).slice(0, MAX_MESSAGE_CHARS)
      return { ok: false, latencyMs: latencyMs(), error: { ...failure, message: words } }
    }
  }

  return {
    test: async (target) => {
      if (underWay >= maxConcurrent) {
        throw new SluiceError('rate_limited', `There are ${maxConcurrent} connection tests under way. Try again.`)
      }
      underWay++
      try {
        return await run(target)
      } finally {
        underWay--
      }
    },
    stop: async () => {
      stopping.abort()
      await agent.destroy()
    },
  }
}

const MAX_MODELS = 1_000
const MAX_MODEL_CHARS = 256
const MAX_MESSAGE_CHARS = 1_000
/** A list of a thousand models, with room to spare. */
const MAX_ANSWER_BYTES = 8 * 1_024 * 1_024

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function shown(models: readonly string[], concealment: Concealment): string[] {
  return models.slice(0, MAX_MODELS).map((model) => concealment.apply(model.slice(0, MAX_MODEL_CHARS)))
}

function timeout(timeLimitMs: number): NonNullable<ConnectionTest['error']> {
  return { code: 'timeout', message: `The provider has not answered within ${timeLimitMs / 1_000} seconds.` }
}
