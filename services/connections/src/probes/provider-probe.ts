import { type ConnectionTest, type ProviderId, SluiceError } from '@sluice/contracts'
import { createEgressFetch, createEgressPolicy, type Lookup, SecretRedactor } from '@sluice/egress'
import { Secret } from '@sluice/service-kit'
import type { StsAccess } from '../aws-credentials.ts'
import { probeGoogle } from './google.ts'
import type { Probe, ProbeMeans, ProbeTarget } from './probe.ts'
import { describeFailure } from './probe-failure.ts'

export interface ProviderProbeOptions {
  /** Allows http to loopback addresses. */
  readonly allowInsecureLoopback: boolean
  readonly sts: StsAccess
  /** For a whole test; 10,000 by default. */
  readonly timeLimitMs?: number
  /** How many tests may run at a time; 8 by default. */
  readonly maxConcurrent?: number
  /** Resolves a name; the system's lookup by default. */
  readonly lookup?: Lookup
}

/** Calls providers to find out whether they accept a connection. */
export type ProviderProbe = ReturnType<typeof createProviderProbe>

/**
 * Tests connections through the providers' own SDKs (Google's API directly). Each provider is tried once, without
 * retries.
 */
export function createProviderProbe({
  allowInsecureLoopback,
  sts,
  timeLimitMs = 10_000,
  maxConcurrent = 8,
  lookup,
}: ProviderProbeOptions) {
  // Their SDKs are loaded with the first test: they would add half a second and 70 MiB to the start.
  const modelLists = () => import('./model-lists.ts')
  const probes: Readonly<Record<ProviderId, Probe>> = {
    openai: async (...test) => (await modelLists()).probeOpenAi(...test),
    anthropic: async (...test) => (await modelLists()).probeAnthropic(...test),
    google: probeGoogle,
    groq: async (...test) => (await modelLists()).probeGroq(...test),
    'aws-bedrock': async (...test) => (await import('./aws-bedrock.ts')).bedrockProbe(sts)(...test),
  }
  const egressPolicy = createEgressPolicy({ allowInsecureLoopback, lookup })
  const { fetch, destroy } = createEgressFetch(egressPolicy, MAX_RESPONSE_BYTES)
  const stopping = new AbortController()
  let running = 0

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
    /**
     * Returns the provider's response, also a rejection, with every credential redacted.
     * @throws SluiceError `rate_limited` while too many tests are running, `unavailable` when the service stops
     */
    test: async (target: ProbeTarget): Promise<ConnectionTest> => {
      if (running >= maxConcurrent) {
        throw new SluiceError('rate_limited', `There are already ${maxConcurrent} connection tests running. Try again.`)
      }
      running++
      try {
        return await run(target)
      } finally {
        running--
      }
    },
    /** Ends the tests that are running. */
    stop: async (): Promise<void> => {
      stopping.abort()
      await destroy()
    },
  }
}

const MAX_MODELS = 1_000
const MAX_MODEL_CHARS = 256
const MAX_MESSAGE_CHARS = 1_000
/** Ample for a list of a thousand models. */
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
  return { code: 'timeout', message: `The provider did not respond within ${timeLimitMs / 1_000} seconds.` }
}
