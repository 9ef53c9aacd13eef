import { redactorOf } from '@sluice/egress'
import type { ListedModel, ModelPage } from '@sluice/providers'
import type { ApiKey } from '../domain/api-key.ts'
import type { UsableConnection } from '../domain/connection.ts'
import { credentialVersionOf } from '../domain/credential-version.ts'
import { parseJsonObject } from '../domain/parse-json-object.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import type { Call } from './call.ts'
import { collectResponse } from './collect-answer.ts'
import { obtainPermit } from './obtain-permit.ts'
import { prepareCall } from './prepare-call.ts'
import { credentialReady, readyToSend } from './ready-to-send.ts'

/** Who asks, for the permits and the events of the calls that it takes. */
export interface ModelListAsker {
  readonly apiKey: ApiKey
  readonly requestId: string
}

/**
 * The models of connections, as their providers list them. A list is asked for when it is needed, by one for all who need it at the
 * time, and holds for {@link LIST_HOLDS_MS} or until the connection changes.
 */
export class ModelLists {
  readonly #lists = new WeakMap<UsableConnection, HeldList>()

  /** Undefined where the provider has no such list, or it cannot be had now. */
  of(
    plane: DataPlane,
    connection: UsableConnection,
    asker: ModelListAsker,
  ): Promise<readonly ListedModel[] | undefined> {
    const nowMs = plane.clock.elapsedMs()
    const held = this.#lists.get(connection)
    if (held !== undefined && held.untilMs > nowMs) return held.models
    const models = askForModels(plane, connection, asker)
    const list: HeldList = { models, untilMs: nowMs + LIST_HOLDS_MS }
    this.#lists.set(connection, list)
    const retry = (): void => {
      list.untilMs = plane.clock.elapsedMs() + RETRY_MS
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

export const LIST_HOLDS_MS = 300_000
/** A provider that does not answer is not asked again with every request. */
const RETRY_MS = 5_000
/** For each page. */
const DEADLINE_MS = 5_000
const MAX_PAGES = 20
/** Where a connection takes longer to make than a permit holds, the next try finds it made. */
const MAX_DEPARTURES = 3

async function askForModels(
  plane: DataPlane,
  connection: UsableConnection,
  asker: ModelListAsker,
): Promise<readonly ListedModel[] | undefined> {
  const list = connection.adapter.unified.models
  if (list === undefined) return undefined
  const models: ListedModel[] = []
  let query: string | undefined = list.query
  for (let pages = 0; query !== undefined && pages < MAX_PAGES; pages++) {
    const page = await askForPage(plane, connection, asker, query)
    if (page === undefined) return undefined
    for (const model of page.models) models.push(model)
    query = page.nextQuery
  }
  return models
}

async function askForPage(
  plane: DataPlane,
  connection: UsableConnection,
  { apiKey, requestId }: ModelListAsker,
  query: string,
): Promise<ModelPage | undefined> {
  const list = connection.adapter.unified.models
  const operation = list && connection.adapter.operation('GET', list.path)
  if (list === undefined || operation === undefined) return undefined
  const call: Call = {
    requestId,
    startedAtMs: plane.clock.nowMs(),
    apiKey,
    connection,
    method: 'GET',
    operation,
    query,
    headers: list.headers,
  }
  const preparation = await prepareCall(plane, call, undefined, { mayWait: false, isGone: () => false })
  if (preparation.status === 'refused') return undefined
  await credentialReady(plane, connection)
  for (let departures = 1; departures <= MAX_DEPARTURES; departures++) {
    const permission = await obtainPermit(plane, preparation.call, NO_WAIT)
    if (permission.status !== 'permitted') return undefined
    const ready = await readyToSend(plane, permission.call, () => null)
    if ('code' in ready) return undefined
    const answer = await collectResponse(
      plane,
      ready.call,
      ready.request,
      redactorOf(ready.secrets),
      DEADLINE_MS,
      credentialVersionOf(ready.secrets),
    )
    if (answer !== 'too-late') return answer?.status === 200 ? list.read(parseJsonObject(answer.body)) : undefined
    plane.permits.expired(connection.settings.id)
  }
  return undefined
}

const NO_WAIT = { maxWaitMs: 0, gone: () => new AbortController().signal }
