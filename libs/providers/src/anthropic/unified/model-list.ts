import { listedModel } from '../../unified/listed-model.ts'
import type { ModelList } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { parseRfc3339 } from '../../wire/rfc3339.ts'
import { VERSION_HEADER } from './api-version.ts'

/** @see https://platform.claude.com/docs/en/api/models-list */
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

/** Of a model whose release date is not known, the API tells an epoch. */
function createdAtS(createdAt: unknown): number | undefined {
  const atMs = typeof createdAt === 'string' ? parseRfc3339(createdAt) : undefined
  return atMs === undefined || atMs <= 0 ? undefined : Math.floor(atMs / 1_000)
}
