import { setTimeout as delay } from 'node:timers/promises'
import type { ProjectedConnection, SluiceError } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'
import type { Connections } from '../ports.ts'
import type { CredentialCache } from './credentials.ts'

interface Wanted {
  readonly id: string
  readonly version: number
}

/**
 * Fetches the credential of every enabled connection, and resolves when each is in memory or known to be unavailable: a gateway that served
 * before would refuse all requests. While the connections service is unavailable, it waits for as long as it takes. A refused credential
 * leaves only its own connection unavailable. A credential whose key service is unavailable is waited for up to `keyPatienceMs` once others
 * have arrived, and for as long as it takes while none has.
 *
 * The projection is read again in each round, so connections that are changed, disabled or deleted meanwhile are no longer waited for.
 */
export async function fetchFirstCredentials(
  connections: Pick<Connections, 'all'>,
  credentials: Pick<CredentialCache, 'fetch'>,
  logger: Pick<Logger, 'warn' | 'info'>,
  { keyPatienceMs = KEY_PATIENCE_MS, retryAfterMs = RETRY_AFTER_MS }: FirstCredentialsOptions = {},
): Promise<void> {
  const settled = new Map<string, Settled>()
  /** The ids of connections to try again. */
  const failing = new Set<string>()
  const beganAtMs = performance.now()
  let isWaiting = false

  const missing = () =>
    [...connections.all()].flatMap(({ settings }) => {
      const wanted = wantedBy(settings)
      return wanted === undefined || settled.get(wanted.id)?.version === wanted.version ? [] : [wanted]
    })
  const fetch = async ({ id, version }: Wanted): Promise<FailedFetch | undefined> => {
    const fetched = await credentials.fetch(id, version)
    if (fetched.status === 'fetched' || fetched.status === 'refused') {
      settled.set(id, { version, status: fetched.status })
      return undefined
    }
    failing.add(id)
    return { id, status: fetched.status, fault: fetched.fault }
  }
  /** Returns whether everything that is available has arrived, and each missing credential has a fault of its own. */
  const onlyKeyServicesFail = ({ status }: FailedFetch) =>
    status === 'key_service_unavailable' &&
    [...settled.values()].some((each) => each.status === 'fetched') &&
    missing().every(({ id }) => failing.has(id))

  for (let round = 0; ; round++) {
    const wanted = missing()
    if (wanted.length === 0) break
    const before = settled.size
    const failure = await fetchInTurn(inOrder(wanted, failing, round), fetch)
    if (failure === undefined) continue
    if (onlyKeyServicesFail(failure) && performance.now() - beganAtMs > keyPatienceMs) break
    if (failure.status === 'key_service_unavailable' && settled.size > before) continue
    if (!isWaiting) {
      const fields = { err: failure.fault, connectionId: failure.id, credentials: missing().length }
      logger.warn(fields, 'waiting for credentials before serving requests')
    }
    isWaiting = true
    await delay(retryAfterMs)
  }

  const refused = [...settled].flatMap(([id, { status }]) => (status === 'refused' ? [id] : []))
  const unavailable = [...refused, ...missing().map(({ id }) => id)]
  if (unavailable.length > 0) {
    const fields = { connections: unavailable.length, first: unavailable.slice(0, SHOWN) }
    logger.warn(fields, 'some connections have no usable credential and refuse their requests until they have one')
  }
  if (isWaiting) logger.info('the credentials have arrived')
}

export interface FirstCredentialsOptions {
  /** How long a key service may be unavailable from the start; the default outlasts throttling or a failover. */
  readonly keyPatienceMs?: number
  /** How long to wait before a service that is unavailable is tried again. */
  readonly retryAfterMs?: number
}

interface Settled {
  readonly version: number
  readonly status: 'fetched' | 'refused'
}

interface FailedFetch {
  readonly id: string
  readonly status: 'key_service_unavailable' | 'service_unavailable'
  readonly fault: SluiceError
}

/** Puts connections without a fault first; of the others, another one leads in each round, so that none blocks the rest. */
function inOrder(wanted: readonly Wanted[], failing: ReadonlySet<string>, round: number): readonly Wanted[] {
  const again = wanted.filter(({ id }) => failing.has(id))
  const first = again.length === 0 ? 0 : round % again.length
  return [...wanted.filter(({ id }) => !failing.has(id)), ...again.slice(first), ...again.slice(0, first)]
}

/**
 * Fetches the first alone, and then the rest several at a time. Returns the first fault, after which no more fetches begin: a service that
 * is unavailable is tried once in a round, or a few times if it fails in the middle of one.
 */
async function fetchInTurn(
  wanted: readonly Wanted[],
  fetch: (wanted: Wanted) => Promise<FailedFetch | undefined>,
): Promise<FailedFetch | undefined> {
  const queue = wanted.values()
  let failure: FailedFetch | undefined
  const fetchNext = async (): Promise<boolean> => {
    const { value, done } = queue.next()
    if (done === true) return false
    const found = await fetch(value)
    failure ??= found
    return failure === undefined
  }
  const fetchRest = async (): Promise<void> => {
    while (failure === undefined && (await fetchNext()));
  }
  if (await fetchNext()) await Promise.all(Array.from({ length: CONCURRENT_FETCHES }, fetchRest))
  return failure
}

function wantedBy({ id, enabled, credentialVersion }: ProjectedConnection): Wanted | undefined {
  return enabled && credentialVersion !== undefined ? { id, version: credentialVersion } : undefined
}

const CONCURRENT_FETCHES = 32
const RETRY_AFTER_MS = 1_000
const KEY_PATIENCE_MS = 15_000
/** How many ids a log line shows. */
const SHOWN = 20
