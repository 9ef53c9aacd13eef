import { type ProjectedConnection, SPLIT_METRICS } from '@sluice/contracts'
import { type BaseUrlRules, baseUrlFault } from '@sluice/egress'
import { type ProviderAdapter, providerAdapter } from '@sluice/providers'
import type { CachedShares } from '../estimate/cached-share.ts'
import type { LearnedModels } from '../estimate/learned-models.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'

/** A connection with everything that can be computed before a request arrives. */
export type Connection = UsableConnection | UnusableConnection

export interface UsableConnection {
  readonly settings: ProjectedConnection
  readonly adapter: ProviderAdapter
  /** `https://host:port` of the provider. */
  readonly origin: string
  /** The prefix of an operation's path, without a slash at its end. */
  readonly basePath: string
  readonly allowsModel: (model: string) => boolean
  /** The versions that may be sent to `origin`: never one that was stored for another host. Absent if the provider needs no credential. */
  readonly credentialVersions?: CredentialVersions
  /** The smallest limit in force on all tokens together; absent if there is none. */
  readonly smallestTokenLimit?: number
  /** The smallest limit in force on output by itself; absent if there is none. */
  readonly smallestOutputLimit?: number
  /** Tokens are limited: input, output, or both together. */
  readonly limitsTokens: boolean
  /** Input or output is limited by itself, so that costs distinguish them. */
  readonly countsParts: boolean
  /** The learned share of prompts that the provider's cache holds. Kept like `learned`. */
  readonly cachedShares: CachedShares
  /** The estimates that responses taught for each model. Kept through all changes of the connection's settings. */
  readonly learned: LearnedModels
}

/** The versions of a credential that may be sent to where a connection leads. */
export interface CredentialVersions {
  readonly oldest: number
  readonly newest: number
}

/** A connection that can take no request, and the error that every request gets. */
interface UnusableConnection {
  readonly settings: ProjectedConnection
  readonly adapter: ProviderAdapter
  readonly fault: GatewayError
}

/** Prepares a connection for requests. @param before the connection as it was before this change, if it is known */
export function prepareConnection(
  settings: ProjectedConnection,
  rules: BaseUrlRules,
  learned: LearnedModels,
  before?: Connection,
): Connection {
  const adapter = providerAdapter(settings.provider)
  const baseUrl = adapter.baseUrl(settings.config)
  const baseUrlProblem = baseUrlFault(baseUrl, rules)
  if (baseUrlProblem !== undefined) {
    const message = `The base URL of connection "${settings.name}" ${baseUrlProblem}.`
    return { settings, adapter, fault: gatewayError('upstream_unreachable', message) }
  }
  const { origin, pathname } = new URL(baseUrl)
  const inForce = settings.capacity.filter(({ enabled }) => enabled !== false)
  const smallest = (metric: 'tokens' | 'outputTokens'): number | undefined => {
    const limits = inForce.flatMap((entry) => entry[metric] ?? [])
    return limits.length === 0 ? undefined : Math.min(...limits)
  }
  const countsParts = inForce.some((entry) => SPLIT_METRICS.some((metric) => entry[metric] !== undefined))
  const smallestTokenLimit = smallest('tokens')
  const smallestOutputLimit = smallest('outputTokens')
  return {
    settings,
    adapter,
    origin,
    basePath: pathname.replace(/\/+$/, ''),
    allowsModel: modelMatcher(settings.allowedModels),
    learned,
    ...credentialVersionsOf(settings, origin, before),
    cachedShares: learned.cachedShares,
    limitsTokens: countsParts || smallestTokenLimit !== undefined,
    countsParts,
    ...(smallestTokenLimit === undefined ? {} : { smallestTokenLimit }),
    ...(smallestOutputLimit === undefined ? {} : { smallestOutputLimit }),
  }
}

/** After a change of the host, a request never goes to the new one with a credential from before. */
function credentialVersionsOf(
  { credentialVersion: newest }: ProjectedConnection,
  origin: string,
  before: Connection | undefined,
): Pick<UsableConnection, 'credentialVersions'> {
  if (newest === undefined) return {}
  const known = before !== undefined && 'origin' in before && before.origin === origin ? before : undefined
  return { credentialVersions: { oldest: Math.min(newest, known?.credentialVersions?.oldest ?? newest), newest } }
}

/**
 * Returns a function that says whether a model is among `allowed`, names in which `*` stands for any run of characters. Undefined allows every
 * model. A request that names no model is not allowed where models are restricted.
 */
export function modelMatcher(allowed: readonly string[] | undefined): (model: string) => boolean {
  if (allowed === undefined) return () => true
  const names = new Set(allowed.filter((pattern) => !pattern.includes('*')))
  const patterns = allowed.filter((pattern) => pattern.includes('*')).map((pattern) => pattern.split('*'))
  return (model) => model !== '' && (names.has(model) || patterns.some((parts) => matches(parts, model)))
}

/** Returns whether `text` is the parts in their order with anything between them. No regular expression: linear for any pattern. */
function matches(parts: readonly string[], text: string): boolean {
  const first = parts[0] ?? ''
  const last = parts[parts.length - 1] ?? ''
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  const end = text.length - last.length
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
