import { refuse } from '../unified/refusal.ts'
import { type ListedModel, listedModel, type ModelList, type ModelPage, type Refusal } from '../unified-api.ts'
import { isRecord } from '../wire/json.ts'

/**
 * The list of models that this API can call: those that generate or embed content.
 * @see https://ai.google.dev/api/models
 */
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

/** Returns the model's name in Google's paths; refuses names that would not make a path to one model. */
export function resourceName(model: string): string | Refusal {
  if (!MODEL_NAME.test(model)) return refuse('model', `Google has no model named ${JSON.stringify(model)}.`)
  return model.includes('/') ? model : `models/${model}`
}

/** With or without the collection before it, which Google's lists and SDKs include. */
const MODEL_NAME = /^(?:(?:tunedModels|models)\/)?[A-Za-z0-9._-]{1,128}$/

interface Generation {
  readonly major: number
  readonly minor: number
}

/**
 * Returns the generation in a model's name, such as `gemini-2.5-flash`; undefined where the name has none, such as
 * `gemini-flash-latest` and tuned models. Those count as newer than all known ones, because aliases move to newer
 * models.
 */
export function generationOf(name: string): Generation | undefined {
  const model = name.replace(/^models\//, '')
  const known = NUMBERLESS.get(model)
  if (known !== undefined) return known
  const [, major, minor = 0] = NUMBERED.exec(model) ?? []
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) }
}

const NUMBERED = /^(?:gemini(?:-live)?|learnlm)-(\d{1,3})(?:\.(\d{1,3}))?(?:-|$)/

/** Older models whose names have no generation, or another series' number. */
const NUMBERLESS: ReadonlyMap<string, Generation> = new Map([
  ['gemini-pro', { major: 1, minor: 0 }],
  ['gemini-pro-vision', { major: 1, minor: 0 }],
  ['gemini-robotics-er-1.5-preview', { major: 2, minor: 5 }],
])

/** Returns whether a model is a Gemma that does not think and whose calls have no signatures. */
export function isEarlyGemma(name: string): boolean {
  return /^(?:models\/)?gemma-[1-3](?:[.n-]|$)/.test(name)
}

/**
 * Returns whether a model is Gemini 3 or later, which refuses calls without a thought signature and accepts images in
 * tool results. A model of unknown generation counts as one: older models accept the placeholder signature, too.
 */
export function isNewGeneration(name: string): boolean {
  return !isEarlyGemma(name) && (generationOf(name)?.major ?? Number.POSITIVE_INFINITY) >= 3
}
