import type { ModelRuns, Operation } from '../provider-adapter.ts'
import { decodedPath } from '../wire/decoded-path.ts'
import { isRead } from '../wire/is-read.ts'

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
  // Whatever the method: what else would be at such a path runs the model, too.
  if (name === undefined || action === undefined) {
    if (!RESOURCES.has(resource)) return undefined
    const runsModel = isRead(method) ? undefined : modelRuns(resource, rest)
    return { kind: 'other', usesModel: false, body: 'any', path, ...(runsModel && { runsModel }) }
  }
  return {
    kind: ACTIONS.get(action) ?? 'model-action',
    usesModel: true,
    body: 'json',
    path,
    model: resource === 'models' ? name : `${resource}/${name}`,
  }
}

/** Of a write: a cache is made for the model that its body names; tuning, and what changes a batch, are for one that cannot be told. */
function modelRuns(resource: string, rest: string): ModelRuns | undefined {
  if (resource === 'cachedContents') return rest === '' ? 'named' : undefined
  return WITHOUT_MODEL.has(resource) || rest.endsWith(':cancel') ? undefined : 'untold'
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

/** Their writes store and call off, and run nothing. */
const WITHOUT_MODEL: ReadonlySet<string> = new Set(['fileSearchStores', 'files', 'operations'])

const ACTIONS: ReadonlyMap<string, GoogleKind> = new Map([
  ['generateContent', 'generate'],
  ['streamGenerateContent', 'stream'],
  ['embedContent', 'embed'],
  ['batchEmbedContents', 'embed'],
  ['countTokens', 'count-tokens'],
  ['batchGenerateContent', 'batch'],
  ['asyncBatchEmbedContent', 'batch'],
])
