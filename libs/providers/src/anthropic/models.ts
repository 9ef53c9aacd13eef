import { listedModel, type ModelList } from '../unified-api.ts'
import { isRecord } from '../wire/json.ts'
import { parseRfc3339 } from '../wire/rate-limit-headers.ts'

/**
 * The API version of translated requests. The next one, 2026-10-21, refuses every sampling parameter.
 * @see https://platform.claude.com/docs/en/api/migration-2026-10-21
 */
export const VERSION_HEADER = { 'anthropic-version': '2023-06-01' } as const

/** The list of models. @see https://platform.claude.com/docs/en/api/models-list */
export const modelList: ModelList = {
  path: '/v1/models',
  query: 'limit=1000',
  headers: VERSION_HEADER,
  read(page) {
    if (!isRecord(page) || !Array.isArray(page.data)) return undefined
    const models = page.data.flatMap((model: unknown) =>
      isRecord(model) && typeof model.id === 'string' ? [listedModel(model.id, createdAtS(model.created_at))] : [],
    )
    const { has_more: hasMore, last_id: lastId } = page
    if (hasMore !== true || typeof lastId !== 'string') return { models }
    return { models, nextQuery: new URLSearchParams({ limit: '1000', after_id: lastId }).toString() }
  },
}

/** Returns Unix seconds. The API reports the epoch for a model whose release date is unknown. */
function createdAtS(createdAt: unknown): number | undefined {
  const atMs = typeof createdAt === 'string' ? parseRfc3339(createdAt) : undefined
  return atMs === undefined || atMs <= 0 ? undefined : Math.floor(atMs / 1_000)
}
