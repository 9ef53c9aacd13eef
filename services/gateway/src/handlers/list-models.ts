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
  /** Those whose providers could not be asked now: of them, only the models that the connection itself names are listed. */
  readonly unavailable_connections?: readonly string[]
}

/** The models that a key may call at the unified endpoint: those of every connection that it may use, as far as that allows them. */
export async function listModels(
  plane: DataPlane,
  lists: ModelLists,
  asker: ModelListAsker,
  logger: Logger,
): Promise<UnifiedModelList> {
  const connections = Array.from(plane.connections.all())
    .filter((connection): connection is UsableConnection => !('fault' in connection))
    .filter(({ settings }) => settings.enabled && asker.apiKey.allows(settings.id))
    .sort((a, b) => (a.settings.name < b.settings.name ? -1 : 1))
  const unavailable: string[] = []
  const data = await inTurns(connections, async (connection) => {
    const { name, provider } = connection.settings
    let listed: readonly ListedModel[] | undefined
    try {
      listed = await lists.of(plane, connection, asker)
    } catch (err) {
      logger.warn({ err, connection: name }, 'models could not be listed')
    }
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

/** Providers are asked a few at a time, however many connections there are. */
const AT_A_TIME = 8

async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += AT_A_TIME) {
    results.push(...(await Promise.all(items.slice(at, at + AT_A_TIME).map(work))))
  }
  return results
}
