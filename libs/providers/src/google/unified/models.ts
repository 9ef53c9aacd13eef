import { listedModel } from '../../unified/listed-model.ts'
import type { ListedModel, ModelList, ModelPage } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'

/** The models that this API can call: those that generate content or embed it. @see https://ai.google.dev/api/models */
export const googleModels: ModelList = {
  path: '/v1beta/models',
  query: 'pageSize=1000',
  headers: {},
  read: readPage,
}

function readPage(page: unknown): ModelPage | undefined {
  if (!isRecord(page) || (page.models !== undefined && !Array.isArray(page.models))) return undefined
  const models = (page.models ?? []).flatMap(readModel)
  const { nextPageToken } = page
  return typeof nextPageToken === 'string' && nextPageToken !== ''
    ? { models, nextQuery: `pageSize=1000&pageToken=${encodeURIComponent(nextPageToken)}` }
    : { models }
}

function readModel(model: unknown): ListedModel[] {
  if (!isRecord(model) || typeof model.name !== 'string') return []
  const { supportedGenerationMethods: methods } = model
  const isServed = Array.isArray(methods) && methods.some((method: unknown) => SERVED.has(method))
  return isServed ? [listedModel(model.name.replace(/^models\//, ''), undefined)] : []
}

const SERVED: ReadonlySet<unknown> = new Set(['generateContent', 'embedContent'])
