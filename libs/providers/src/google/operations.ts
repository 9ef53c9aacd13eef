import { isAdministration } from '../administration.ts'
import type { Operation } from '../provider-adapter.ts'
import { decodedPath, isPlainPath, isRead } from '../wire/request-path.ts'

/** The kinds of operation whose requests or answers are read; everything else is `other`. */
export type GoogleKind = 'generate' | 'stream' | 'embed' | 'count-tokens' | 'batch' | 'model-action' | 'other'

/**
 * What a call of the Gemini API does. A path's `models/{model}:{action}` names the model. Of the rest, only what is known here is
 * served: not, then, the OpenAI-compatible paths, whose model would be in the body.
 * @see https://ai.google.dev/api
 */
export function googleOperation(method: string, given: string): Operation | undefined {
  const path = forgivenGooglePath(given)
  const [, resource, rest = ''] = RESOURCE_PATH.exec(decodedPath(path) ?? '') ?? []
  if (resource === undefined) return undefined
  const [, name, action = ''] = (MODEL_RESOURCES.has(resource) && MODEL_ACTION.exec(rest)) || []
  const kind = ACTIONS.get(action)
  if (!RESOURCES.has(resource)) return undefined
  const other = { kind: 'other', usesModel: false, body: 'any', path } as const
  if (kind === undefined && isAdministration(path, NO_AREAS)) {
    return { ...other, administers: true, ...(isRead(method) ? {} : { runsModel: 'unknown' }) }
  }
  // Whatever the method: what else would be at such a path runs the model, too.
  if (name === undefined) return isRead(method) ? other : { ...other, ...modelRuns(resource, rest) }
  return {
    kind: kind ?? 'model-action',
    usesModel: true,
    body: 'json',
    path,
    model: resource === 'models' ? name : `${resource}/${name}`,
  }
}

/** Of a write: a cache is made for the model that its body names; tuning, and what changes a batch, are for one that cannot be told. */
function modelRuns(resource: string, rest: string): Partial<Operation> {
  const isKnown = isPlainPath(rest)
  if (isKnown && (WITHOUT_MODEL.has(resource) || rest.endsWith(':cancel'))) return {}
  if (resource === 'cachedContents') {
    return isKnown && rest !== '' ? {} : { usesModel: true, unlisted: true, runsModel: 'named' }
  }
  return isKnown && LATER.has(resource)
    ? { runsModel: 'unknown' }
    : { usesModel: true, unlisted: true, runsModel: 'unknown' }
}

/**
 * Puts right a path whose version is there twice, where the last one counts, or not at all. Google has several versions, each with paths of
 * its own, and names an upload before the version, so that it is not what `forgivenPath` does for the others.
 */
function forgivenGooglePath(path: string): string {
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
  if (!FORGIVEN_RESOURCES.has(segments[first] ?? '')) return path
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

/** Not those by which credentials are handed out. */
const FORGIVEN_RESOURCES: ReadonlySet<string> = new Set([...RESOURCES].filter((name) => !/^auth/.test(name)))

/** Tokens and permissions are told by their names alone. */
const NO_AREAS: ReadonlySet<string> = new Set()

/** They have a model run on limits of its own. */
const LATER: ReadonlySet<string> = new Set(['batches', 'tunedModels'])

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
