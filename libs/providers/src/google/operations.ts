import { isAdministration } from '../administration.ts'
import type { Operation } from '../provider-adapter.ts'
import { decodedPath, isPlainPath, isRead } from '../wire/request-path.ts'

/** Kinds of operations whose requests or responses are read; all others are `other`. */
type GoogleKind = 'generate' | 'stream' | 'embed' | 'count-tokens' | 'batch' | 'model-action' | 'other'

/**
 * Returns what a call to the Gemini API does. The path's `models/{model}:{action}` contains the model. Only known
 * resources are served, which excludes the OpenAI-compatible paths, whose model is in the body.
 * @see https://ai.google.dev/api
 */
export function googleOperation(method: string, given: string): Operation | undefined {
  const path = correctedGooglePath(given)
  const [, resource, rest = ''] = RESOURCE_PATH.exec(decodedPath(path) ?? '') ?? []
  if (resource === undefined) return undefined
  const [, name, action = ''] = (MODEL_RESOURCES.has(resource) && MODEL_ACTION.exec(rest)) || []
  const kind = ACTIONS.get(action)
  if (!RESOURCES.has(resource)) return undefined
  const other = { kind: 'other', usesModel: false, body: 'any', path } as const
  if (kind === undefined && isAdministration(path, NO_AREAS)) {
    return { ...other, administers: true, ...(isRead(method) ? {} : { runsModel: 'unknown' }) }
  }
  // Regardless of the method: any operation at such a path runs the model.
  if (name === undefined) return isRead(method) ? other : { ...other, ...modelRuns(resource, rest) }
  return {
    kind: kind ?? 'model-action',
    usesModel: true,
    body: 'json',
    path,
    model: resource === 'models' ? name : `${resource}/${name}`,
  }
}

/**
 * Returns which model a write runs: that in the body for a new cache; an unknown one for tuning and changes of a
 * batch.
 */
function modelRuns(resource: string, rest: string): Partial<Operation> {
  const isKnown = isPlainPath(rest)
  if (isKnown && (WITHOUT_MODEL.has(resource) || rest.endsWith(':cancel'))) return {}
  if (resource === 'cachedContents') {
    return isKnown && rest !== '' ? {} : { usesModel: true, unlisted: true, runsModel: 'named' }
  }
  return isKnown && RUNS_LATER.has(resource)
    ? { runsModel: 'unknown' }
    : { usesModel: true, unlisted: true, runsModel: 'unknown' }
}

/**
 * Corrects a path without a version, or with several, of which the last counts. `correctedPath` does not fit here:
 * Google has several versions, each with its own paths, and uploads have a prefix before the version.
 */
function correctedGooglePath(path: string): string {
  if (hasRoot(path)) return path
  const segments = path.split('/').filter((segment) => segment !== '')
  let version = 'v1beta'
  let transfer = ''
  let first = 0
  for (const segment of segments) {
    if (VERSION.test(segment)) version = segment
    else if (transfer === '' && TRANSFERS.has(segment)) transfer = `/${segment}`
    else break
    if (++first > MAX_ROOT_SEGMENTS) return path
  }
  if (!CORRECTED_RESOURCES.has(segments[first] ?? '')) return path
  return `${transfer}/${version}/${segments.slice(first).join('/')}`
}

function hasRoot(path: string): boolean {
  return !path.endsWith('/') && !path.includes('//') && RESOURCES.has(RESOURCE_PATH.exec(path)?.[1] ?? '')
}

const VERSION = /^v1(?:alpha|beta)?$/
const TRANSFERS: ReadonlySet<string> = new Set(['download', 'upload'])
const MAX_ROOT_SEGMENTS = 8

const RESOURCE_PATH = /^\/(?:(?:upload|download)\/)?v1(?:alpha|beta)?\/([^/]+)(\/.*)?$/
const MODEL_ACTION = /^\/([^/:]+):([^/:]+)$/
const MODEL_RESOURCES: ReadonlySet<string> = new Set(['models', 'tunedModels'])
const RESOURCES: ReadonlySet<string> = new Set([
  ...MODEL_RESOURCES,
  'auth_tokens',
  'authTokens',
  'batches',
  'cachedContents',
  'fileSearchStores',
  'files',
  'operations',
])

/** Excludes the resources that issue credentials. */
const CORRECTED_RESOURCES: ReadonlySet<string> = new Set([...RESOURCES].filter((name) => !/^auth/.test(name)))

/** Administrative paths are recognized by their resources' names alone. */
const NO_AREAS: ReadonlySet<string> = new Set()

/** Writes that run a model later, on limits of its own. */
const RUNS_LATER: ReadonlySet<string> = new Set(['batches', 'tunedModels'])

/** Resources whose writes only store or cancel, and run no model. */
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
