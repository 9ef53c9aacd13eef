import { type ConnectionTest, type ProviderId, SluiceError } from '@sluice/contracts'
import { createEgressFetch, createEgressPolicy, type Lookup, SecretRedactor } from '@sluice/egress'
import { Secret } from '@sluice/service-kit'
import type { ProbeTarget, ProviderProbe } from '../../ports/provider-probe.ts'
import { probeAnthropic } from './anthropic.ts'
import type { StsAccess } from './assume-role.ts'
import { bedrockProbe } from './aws-bedrock.ts'
import { probeGoogle } from './google.ts'
import { probeGroq } from './groq.ts'
import { probeOpenAi } from './openai.ts'
import type { Probe, ProbeMeans } from './probe.ts'
import { describeFailure } from './probe-failure.ts'

export interface ProviderProbeOptions {
  /** Whether http is allowed to this machine itself. */
  readonly allowInsecureLoopback: boolean
  readonly sts: StsAccess
  /** For a whole test; 10,000 when absent. */
  readonly timeLimitMs?: number
  /** How many tests may be under way at a time; 8 when absent. */
  readonly maxConcurrent?: number
  /** Finds a name's addresses; the system's lookup when absent. */
  readonly lookup?: Lookup
}

export interface RunningProviderProbe extends ProviderProbe {
  /** Ends the tests that are under way. */
  stop(): Promise<void>
}

/** Tests connections through the providers' own SDKs (Google's API directly). Each provider is tried once, without retries. */
export function createProviderProbe({
  allowInsecureLoopback,
  sts,
  timeLimitMs = 10_000,
  maxConcurrent = 8,
  lookup,
}: ProviderProbeOptions): RunningProviderProbe {
  const probes: Readonly<Record<ProviderId, Probe>> = {
    openai: probeOpenAi,
    anthropic: probeAnthropic,
    google: probeGoogle,
    groq: probeGroq,
    'aws-bedrock': bedrockProbe(sts),
  }
  const egressPolicy = createEgressPolicy({ allowInsecureLoopback, lookup })
  const { fetch, destroy } = createEgressFetch(egressPolicy, MAX_RESPONSE_BYTES)
  const stopping = new AbortController()
  let underWay = 0

  const run = async (target: ProbeTarget): Promise<ConnectionTest> => {
    const secrets = Object.values(target.config).flatMap((field) => (field instanceof Secret ? [field.reveal()] : []))
    const signal = AbortSignal.any([AbortSignal.timeout(timeLimitMs), stopping.signal])
    const addSecret = (secret: string) => void secrets.push(secret)
    const means: ProbeMeans = { fetch, egressPolicy, signal, addSecret }
    const startedMs = performance.now()
    const latencyMs = () => Math.round(performance.now() - startedMs)
    try {
      const models = await Promise.race([probes[target.provider](target, means), abortOf(signal)])
      return {
        ok: true,
        latencyMs: latencyMs(),
        ...(models === undefined ? {} : { models: shown(models, new SecretRedactor(secrets)) }),
      }
    } catch (error) {
      if (stopping.signal.aborted) throw new SluiceError('unavailable', 'The service is stopping.')
      if (error instanceof SluiceError) throw error
      if (signal.aborted) return { ok: false, latencyMs: latencyMs(), error: timeout(timeLimitMs) }
      const { message, ...failure } = describeFailure(error)
      const redacted = new SecretRedactor(secrets).errorText(message.slice(0, MAX_MESSAGE_CHARS * 2))
      return { ok: false, latencyMs: latencyMs(), error: { ...failure, message: redacted.slice(0, MAX_MESSAGE_CHARS) } }
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
      await destroy()
    },
  }
}

const MAX_MODELS = 1_000
const MAX_MODEL_CHARS = 256
const MAX_MESSAGE_CHARS = 1_000
/** A list of a thousand models, with room to spare. */
const MAX_RESPONSE_BYTES = 8 * 1_024 * 1_024

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function shown(models: readonly string[], redactor: SecretRedactor): string[] {
  return models.slice(0, MAX_MODELS).map((model) => redactor.errorText(model.slice(0, MAX_MODEL_CHARS)))
}

function timeout(timeLimitMs: number): NonNullable<ConnectionTest['error']> {
  return { code: 'timeout', message: `The provider has not answered within ${timeLimitMs / 1_000} seconds.` }
}
