import { setTimeout as delay } from 'node:timers/promises'
import type { ProjectedConnection, SluiceError } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'
import type { Connections } from '../ports.ts'
import type { HeldCredentials } from './credentials.ts'

interface Wanted {
  readonly id: string
  readonly version: number
}

/**
 * Fetches the credential of every enabled connection, and resolves when each is held or known not to be had: a gateway that
 * took requests before would refuse them all. It waits, for as long as it takes, while the connections service is away or
 * can hand out none. A credential that is refused leaves its own connection unavailable; one whose key service is away is
 * waited for `keyPatienceMs` once others are held, and for as long as it takes while none is.
 *
 * The projection is read again in each round, so what is changed, disabled or deleted meanwhile is waited for no longer.
 */
export async function fetchFirstCredentials(
  connections: Pick<Connections, 'all'>,
  credentials: Pick<HeldCredentials, 'fetch'>,
  logger: Pick<Logger, 'warn' | 'info'>,
  { keyPatienceMs = KEY_PATIENCE_MS, againMs = AGAIN_MS }: FirstCredentialsOptions = {},
): Promise<void> {
  const settled = new Map<string, Settled>()
  /** Ids of those that are to be tried again. */
  const troubled = new Set<string>()
  const beganAtMs = performance.now()
  let isWaiting = false

  const missing = () =>
    [...connections.all()].flatMap(({ settings }) => {
      const wanted = wantedBy(settings)
      return wanted === undefined || settled.get(wanted.id)?.version === wanted.version ? [] : [wanted]
    })
  const fetch = async ({ id, version }: Wanted): Promise<Troubled | undefined> => {
    const fetched = await credentials.fetch(id, version)
    if (fetched.status === 'held' || fetched.status === 'refused') {
      settled.set(id, { version, status: fetched.status })
      return undefined
    }
    troubled.add(id)
    return { id, status: fetched.status, fault: fetched.fault }
  }
  /** Whether all that could be had are: what is missing is each in trouble of its own. */
  const isWellOtherwise = ({ status }: Troubled) =>
    status === 'unopened' &&
    [...settled.values()].some((each) => each.status === 'held') &&
    missing().every(({ id }) => troubled.has(id))

  for (let round = 0; ; round++) {
    const wanted = missing()
    if (wanted.length === 0) break
    const before = settled.size
    const trouble = await fetchInTurn(inOrder(wanted, troubled, round), fetch)
    if (trouble === undefined) continue
    if (isWellOtherwise(trouble) && performance.now() - beganAtMs > keyPatienceMs) break
    if (trouble.status === 'unopened' && settled.size > before) continue
    if (!isWaiting) {
      const fields = { err: trouble.fault, connectionId: trouble.id, credentials: missing().length }
      logger.warn(fields, 'waiting for credentials before taking requests')
    }
    isWaiting = true
    await delay(againMs)
  }

  const refused = [...settled].flatMap(([id, { status }]) => (status === 'refused' ? [id] : []))
  const unavailable = [...refused, ...missing().map(({ id }) => id)]
  if (unavailable.length > 0) {
    const fields = { connections: unavailable.length, first: unavailable.slice(0, SHOWN) }
    logger.warn(fields, 'some connections have no usable credential and refuse their requests until they have one')
  }
  if (isWaiting) logger.info('the credentials are there, going on')
}

export interface FirstCredentialsOptions {
  /** How long a key service may be away, from the start; as long as its short troubles last (throttling, a failover) unless given. */
  readonly keyPatienceMs?: number
  /** How long to wait before a service that is away is asked again. */
  readonly againMs?: number
}

interface Settled {
  readonly version: number
  readonly status: 'held' | 'refused'
}

interface Troubled {
  readonly id: string
  readonly status: 'unopened' | 'service_away'
  readonly fault: SluiceError
}

/** Those without trouble so far come first; of the others another one in each round, so that none stands in their way. */
function inOrder(wanted: readonly Wanted[], troubled: ReadonlySet<string>, round: number): readonly Wanted[] {
  const again = wanted.filter(({ id }) => troubled.has(id))
  const first = again.length === 0 ? 0 : round % again.length
  return [...wanted.filter(({ id }) => !troubled.has(id)), ...again.slice(first), ...again.slice(0, first)]
}

/**
 * Fetches one alone, and then the rest several at a time. Returns the first trouble, after which no more are begun: a service
 * that is away is asked once in a round, or a few times when it goes away in the middle of one.
 */
async function fetchInTurn(
  wanted: readonly Wanted[],
  fetch: (wanted: Wanted) => Promise<Troubled | undefined>,
): Promise<Troubled | undefined> {
  const queue = wanted.values()
  let trouble: Troubled | undefined
  const fetchNext = async (): Promise<boolean> => {
    const { value, done } = queue.next()
    if (done === true) return false
    const found = await fetch(value)
    trouble ??= found
    return trouble === undefined
  }
  const fetchRest = async (): Promise<void> => {
    while (trouble === undefined && (await fetchNext()));
  }
  if (await fetchNext()) await Promise.all(Array.from({ length: AT_A_TIME }, fetchRest))
  return trouble
}

function wantedBy({ id, enabled, credentialVersion }: ProjectedConnection): Wanted | undefined {
  return enabled && credentialVersion !== undefined ? { id, version: credentialVersion } : undefined
}

const AT_A_TIME = 32
const AGAIN_MS = 1_000
const KEY_PATIENCE_MS = 15_000
/** How many ids one log line has. */
const SHOWN = 20
