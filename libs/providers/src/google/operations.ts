import type { Operation } from '../provider-adapter.ts'
import { decodedPath } from '../wire/decoded-path.ts'

/** The kinds of operation whose requests or answers are read; everything else is `other`. */
export type GoogleKind = 'generate' | 'stream' | 'embed' | 'count-tokens' | 'batch' | 'model-action' | 'other'

/**
 * What a call of the Gemini API does. A path's `models/{model}:{action}` names the model. Of the rest, only what runs no model
 * is served: not, then, the OpenAI-compatible paths, whose model would be in the body.
 * @see https://ai.google.dev/api
 */
export function googleOperation(method: string, path: string): Operation | undefined {
  const [, resource, rest = ''] = RESOURCE_PATH.exec(decodedPath(path) ?? '') ?? []
  if (resource === undefined) return undefined
  const [, name, action] = (MODEL_RESOURCES.has(resource) && MODEL_ACTION.exec(rest)) || []
  if (method !== 'POST' || name === undefined || action === undefined) {
    return RESOURCES.has(resource) ? { kind: 'other', usesModel: false, body: 'any', path } : undefined
  }
  return {
    kind: ACTIONS.get(action) ?? 'model-action',
    usesModel: true,
    body: 'json',
    path,
    model: resource === 'models' ? name : `${resource}/${name}`,
  }
}

const RESOURCE_PATH = /^\/(?:(?:upload|download)\/)?v1(?:alpha|beta)?\/([^/]+)(\/.*)?$/
const MODEL_ACTION = /^\/([^/:]+):([^/:]+)$/
const MODEL_RESOURCES: ReadonlySet<string> = new Set(['models', 'tunedModels'])
const RESOURCES: ReadonlySet<string> = new Set([
  ...MODEL_RESOURCES,
  'batches',
  'cachedContents',
  'fileSearchStores',
  'files',
  'operations',
])

const ACTIONS: ReadonlyMap<string, GoogleKind> = new Map([
  ['generateContent', 'generate'],
  ['streamGenerateContent', 'stream'],
  ['embedContent', 'embed'],
  ['batchEmbedContents', 'embed'],
  ['countTokens', 'count-tokens'],
  ['batchGenerateContent', 'batch'],
  ['asyncBatchEmbedContent', 'batch'],
])
