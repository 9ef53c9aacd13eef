import { redactorOf } from '@sluice/egress'
import type { ListedModel, ModelPage } from '@sluice/providers'
import type { Logger } from '@sluice/service-kit'
import type { ApiKey } from '../admission/api-key.ts'
import type { UsableConnection } from '../admission/connection.ts'
import { estimateCall } from '../estimate/estimate-call.ts'
import { parseJsonObject } from '../estimate/json-body.ts'
import type { Call } from '../relay/call.ts'
import { collectResponse } from '../relay/collect-response.ts'
import { inspectedCall, inspectionWithoutBody } from '../relay/inspect-call.ts'
import { obtainPermit } from '../relay/obtain-permit.ts'
import { credentialReady, readyToSend } from '../relay/outgoing-request.ts'
import type { SendDeps } from '../relay/send-call.ts'
import { credentialVersionOf } from '../upstream/credentials.ts'
import { unifiedModelName } from './named-model.ts'

/** A list of models in OpenAI's format; `unavailable_connections` is Sluice's addition. */
export interface UnifiedModelList {
  readonly object: 'list'
  readonly data: readonly {
    readonly id: string
    readonly object: 'model'
    readonly created: number
    readonly owned_by: string
  }[]
  /** Connections whose providers could not list their models in time: only models that the connection itself names are listed for them. */
  readonly unavailable_connections?: readonly string[]
}

/**
 * Lists the models that a key may call at the unified endpoint: those of every connection that it may use, as far as that allows them. Lists
 * that providers have not returned after {@link LISTED_WITHIN_MS} are left out, but will be known a little later.
 */
export async function listModels(
  deps: SendDeps,
  lists: ModelLists,
  request: ModelListRequest,
  logger: Logger,
): Promise<UnifiedModelList> {
  const deadline = AbortSignal.timeout(LISTED_WITHIN_MS)
  const connections = Array.from(deps.connections.all())
    .filter((connection): connection is UsableConnection => !('fault' in connection))
    .filter(({ settings }) => settings.enabled && request.apiKey.allows(settings.id))
    .sort((a, b) => (a.settings.name < b.settings.name ? -1 : 1))
  const unavailable: string[] = []
  const data = await atMost(AT_A_TIME, connections, async (connection) => {
    const { name, provider } = connection.settings
    const listing = deadline.aborted
      ? undefined
      : lists.of(deps, connection, request).catch((err: unknown) => {
          logger.warn({ err, connection: name }, 'models could not be listed')
          return undefined
        })
    const listed = await Promise.race([listing, aborted(deadline)])
    if (listed === undefined && connection.adapter.unified.models !== undefined) unavailable.push(name)
    return modelsOf(connection, listed).map(({ id, createdAtS = 0 }) => {
      return { id: unifiedModelName(name, id), object: 'model' as const, created: createdAtS, owned_by: provider }
    })
  })
  const list = { object: 'list' as const, data: data.flat() }
  return unavailable.length === 0 ? list : { ...list, unavailable_connections: unavailable }
}

/** Returns the allowed models; if the provider lists none, those that the connection's settings name in full. */
function modelsOf(
  { settings, allowsModel }: UsableConnection,
  listed: readonly ListedModel[] | undefined,
): readonly ListedModel[] {
  const known = listed ?? settings.allowedModels?.filter((name) => !name.includes('*')).map((id) => ({ id })) ?? []
  return known.filter(({ id }) => allowsModel(id))
}

const LISTED_WITHIN_MS = 10_000
/** The most providers that are called at the same time for one list, however many connections there are. */
const AT_A_TIME = 16

/** Does the work for every item, for `count` at a time; returns the results in the items' order. */
async function atMost<T, R>(count: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length)
  const remaining = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of remaining) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: count }, worker))
  return results
}

/** Resolves when the signal is aborted. */
function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}

/** The request that needs a list: its key gets the permits and events of the calls for it. */
export interface ModelListRequest {
  readonly apiKey: ApiKey
  readonly requestId: string
}

/**
 * Caches the models of connections, as their providers list them. A list is fetched when it is needed, once for all requests that need it at
 * the time, and is kept for {@link LIST_HOLDS_MS} or until the connection changes.
 */
export class ModelLists {
  readonly #lists = new WeakMap<UsableConnection, HeldList>()

  /** Returns a connection's list; undefined if its provider has none, or it cannot be fetched now. */
  of(
    deps: SendDeps,
    connection: UsableConnection,
    request: ModelListRequest,
  ): Promise<readonly ListedModel[] | undefined> {
    const nowMs = deps.clock.elapsedMs()
    const held = this.#lists.get(connection)
    if (held !== undefined && held.untilMs > nowMs) return held.models
    const models = fetchModels(deps, connection, request)
    const list: HeldList = { models, untilMs: nowMs + LIST_HOLDS_MS }
    this.#lists.set(connection, list)
    const retry = (): void => {
      list.untilMs = deps.clock.elapsedMs() + RETRY_MS
    }
    models.then((found) => {
      if (found === undefined) retry()
    }, retry)
    return models
  }
}

interface HeldList {
  readonly models: Promise<readonly ListedModel[] | undefined>
  /** By the monotonic clock. */
  untilMs: number
}

const LIST_HOLDS_MS = 300_000
/** A provider that does not respond is not called again with every request. */
const RETRY_MS = 5_000
/** The deadline of each page. */
const DEADLINE_MS = 5_000
const MAX_PAGES = 20
/** If connecting takes longer than a permit holds, the next attempt finds the connection made. */
const MAX_DEPARTURES = 3

async function fetchModels(
  deps: SendDeps,
  connection: UsableConnection,
  request: ModelListRequest,
): Promise<readonly ListedModel[] | undefined> {
  const list = connection.adapter.unified.models
  if (list === undefined) return undefined
  const models: ListedModel[] = []
  let query: string | undefined = list.query
  for (let pages = 0; query !== undefined && pages < MAX_PAGES; pages++) {
    const page = await fetchPage(deps, connection, request, query)
    if (page === undefined) return undefined
    for (const model of page.models) models.push(model)
    query = page.nextQuery
  }
  return models
}

async function fetchPage(
  deps: SendDeps,
  connection: UsableConnection,
  { apiKey, requestId }: ModelListRequest,
  query: string,
): Promise<ModelPage | undefined> {
  const list = connection.adapter.unified.models
  const operation = list && connection.adapter.operation('GET', list.path)
  if (list === undefined || operation === undefined) return undefined
  const call: Call = {
    requestId,
    startedAtMs: deps.clock.nowMs(),
    apiKey,
    connection,
    method: 'GET',
    operation,
    query,
    headers: list.headers,
  }
  const inspected = inspectedCall(call, inspectionWithoutBody(call))
  if (inspected.status !== 'ok') return undefined
  await credentialReady(deps, connection)
  const estimated = estimateCall(inspected.value.call)
  for (let departures = 1; departures <= MAX_DEPARTURES; departures++) {
    const permission = await obtainPermit(deps, estimated, NO_WAIT)
    if (permission.status !== 'ok') return undefined
    const ready = await readyToSend(deps, permission.value, () => null)
    if (ready.status !== 'ok') return undefined
    const { request, secrets } = ready.value
    const response = await collectResponse(deps, ready.value.call, request, {
      redaction: redactorOf(secrets),
      deadlineMs: DEADLINE_MS,
      credentialVersion: credentialVersionOf(secrets),
    })
    if (response !== 'too-late') return response?.status === 200 ? list.read(parseJsonObject(response.body)) : undefined
    deps.permits.countExpired(connection.settings.id)
  }
  return undefined
}

const NO_WAIT = { maxWaitMs: 0, disconnected: () => new AbortController().signal }
