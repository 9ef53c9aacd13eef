import type { ListedModel } from '@sluice/providers'
import type { Logger } from '@sluice/service-kit'
import type { UsableConnection } from '../domain/connection.ts'
import { unifiedModelName } from '../domain/unified-model.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import type { ModelListAsker, ModelLists } from './model-lists.ts'

/** As OpenAI lists models; `unavailable_connections` is beside its own fields. */
export interface UnifiedModelList {
  readonly object: 'list'
  readonly data: readonly {
    readonly id: string
    readonly object: 'model'
    readonly created: number
    readonly owned_by: string
  }[]
  /** Those whose providers did not tell in time, or could not be asked: of them, only the models that the connection itself names are listed. */
  readonly unavailable_connections?: readonly string[]
}

/**
 * The models that a key may call at the unified endpoint: those of every connection that it may use, as far as that allows them. What
 * providers have not told after {@link TOLD_WITHIN_MS} is left out, but will be known a little later.
 */
export async function listModels(
  plane: DataPlane,
  lists: ModelLists,
  asker: ModelListAsker,
  logger: Logger,
): Promise<UnifiedModelList> {
  const deadline = AbortSignal.timeout(TOLD_WITHIN_MS)
  const connections = Array.from(plane.connections.all())
    .filter((connection): connection is UsableConnection => !('fault' in connection))
    .filter(({ settings }) => settings.enabled && asker.apiKey.allows(settings.id))
    .sort((a, b) => (a.settings.name < b.settings.name ? -1 : 1))
  const unavailable: string[] = []
  const data = await atMost(AT_A_TIME, connections, async (connection) => {
    const { name, provider } = connection.settings
    const asked = deadline.aborted
      ? undefined
      : lists.of(plane, connection, asker).catch((err: unknown) => {
          logger.warn({ err, connection: name }, 'models could not be listed')
          return undefined
        })
    const listed = await Promise.race([asked, aborted(deadline)])
    if (listed === undefined && connection.adapter.unified.models !== undefined) unavailable.push(name)
    return modelsOf(connection, listed).map(({ id, createdAtS = 0 }) => {
      return { id: unifiedModelName(name, id), object: 'model' as const, created: createdAtS, owned_by: provider }
    })
  })
  const list = { object: 'list' as const, data: data.flat() }
  return unavailable.length === 0 ? list : { ...list, unavailable_connections: unavailable }
}

/** Where the provider does not tell, those that the connection's settings name in full. */
function modelsOf(
  { settings, allowsModel }: UsableConnection,
  listed: readonly ListedModel[] | undefined,
): readonly ListedModel[] {
  const known = listed ?? settings.allowedModels?.filter((name) => !name.includes('*')).map((id) => ({ id })) ?? []
  return known.filter(({ id }) => allowsModel(id))
}

const TOLD_WITHIN_MS = 10_000
/** How many providers are asked at the same time, however many connections there are. */
const AT_A_TIME = 16

/** Does the work for every item, for so many at a time; gives the results in the items' order. */
async function atMost<T, R>(count: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length)
  const left = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await work(item)
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
