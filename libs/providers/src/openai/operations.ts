import { isAdministration } from '../administration.ts'
import type { Operation } from '../provider-adapter.ts'
import { decodedPath, isPlainPath, isRead, type PathLayout } from '../wire/request-path.ts'
import { openAiBackgroundId } from './response-reader.ts'

/** Kinds of operations whose requests or responses are read; everything else is `other`. */
type OpenAiKind =
  | 'chat'
  | 'completions'
  | 'responses'
  | 'count-tokens'
  | 'embeddings'
  | 'moderations'
  | 'speech'
  | 'transcriptions'
  | 'images'
  | 'videos'
  | 'other'

/**
 * Returns what a call of OpenAI's API does. Every path is allowed. An unknown write is `unlisted`: most of OpenAI's API
 * runs a model, and so may additions to it, and other spellings that a compatible server accepts.
 * @param path relative to the base URL, so without `/v1`
 * @see https://platform.openai.com/docs/api-reference
 */
export function openAiOperation(method: string, path: string): Operation {
  const understood = decodedPath(path)
  const model = method === 'POST' ? MODEL_OPERATIONS[understood ?? ''] : undefined
  if (model !== undefined) return { kind: model.kind, usesModel: true, body: model.body, path }
  if (isAdministration(path, ADMINISTRATION)) {
    const runs = isRead(method) ? {} : ({ runsModel: 'unknown' } as const)
    return { kind: 'other', usesModel: false, body: 'any', path, administers: true, ...runs }
  }
  const backgroundId = openAiBackgroundId(method, understood)
  const of = backgroundId === undefined ? {} : { backgroundId }
  return { kind: 'other', body: 'any', path, ...openAiModelRuns(method, understood), ...of }
}

const MODEL_OPERATIONS: Readonly<Record<string, { readonly kind: OpenAiKind; readonly body: Operation['body'] }>> = {
  '/chat/completions': { kind: 'chat', body: 'json' },
  '/completions': { kind: 'completions', body: 'json' },
  '/responses': { kind: 'responses', body: 'json' },
  '/responses/compact': { kind: 'responses', body: 'json' },
  '/responses/input_tokens': { kind: 'count-tokens', body: 'json' },
  '/embeddings': { kind: 'embeddings', body: 'json' },
  '/moderations': { kind: 'moderations', body: 'json' },
  '/audio/speech': { kind: 'speech', body: 'json' },
  '/audio/transcriptions': { kind: 'transcriptions', body: 'any' },
  '/audio/translations': { kind: 'transcriptions', body: 'any' },
  '/images/generations': { kind: 'images', body: 'json' },
  '/images/edits': { kind: 'images', body: 'any' },
  '/images/variations': { kind: 'images', body: 'any' },
  '/videos': { kind: 'videos', body: 'any' },
}

/**
 * Returns the operations that run a model, by the path of their POST as SDKs write it: one lookup is enough for most
 * requests.
 */
export function usualOperations(root: string): ReadonlyMap<string, Operation> {
  return new Map(
    Object.keys(MODEL_OPERATIONS).map((path) => [root + path, Object.freeze(openAiOperation('POST', path))] as const),
  )
}

/** @param root the provider's path prefix, such as `/v1` */
export function openAiPathLayout(root: string): PathLayout {
  return { root, resources: RESOURCES, isWithoutSlash: (rest) => rest in MODEL_OPERATIONS || rest === '/models' }
}

/**
 * First segments of paths that are not administration. Other servers that speak OpenAI's API have further ones, and may
 * distinguish a trailing slash.
 */
const RESOURCES: ReadonlySet<string> = new Set([
  ...Object.keys(MODEL_OPERATIONS).map((path) => path.split('/')[1] ?? ''),
  'assistants',
  'batches',
  'containers',
  'conversations',
  'evals',
  'files',
  'fine_tuning',
  'models',
  'threads',
  'uploads',
  'vector_stores',
])

/**
 * OpenAI's administration, and realtime, all of whose paths open a session that bypasses the gateway. The others belong
 * to servers that speak OpenAI's API: keys, users and models of OpenRouter and LiteLLM, vLLM's adapters.
 * @see https://platform.openai.com/docs/api-reference/administration
 * @see https://platform.openai.com/docs/api-reference/realtime-sessions
 * @see https://openrouter.ai/docs/features/provisioning-api-keys
 * @see https://docs.litellm.ai/docs/proxy/virtual_keys
 */
const ADMINISTRATION: ReadonlySet<string> = new Set([
  'organization',
  'organizations',
  'projects',
  'realtime',
  'admin',
  'auth',
  'budget',
  'chatkit/sessions',
  'config',
  'credentials',
  'customer',
  'invites',
  'key',
  'keys',
  'loadloraadapter',
  'model/delete',
  'model/new',
  'model/update',
  'oauth',
  'sso',
  'team',
  'unloadloraadapter',
  'user',
  'users',
])

/**
 * Returns whether a call outside OpenAI's usual ones runs a model, and whether it does so now, so that tokens are
 * reserved. Unknown calls do, by the `model` of their body.
 * @param path decoded, relative to the base URL; undefined where it cannot be decoded
 * @see https://platform.openai.com/docs/api-reference
 */
function openAiModelRuns(method: string, path = ''): Pick<Operation, 'usesModel' | 'unlisted' | 'runsModel'> {
  if (isRead(method)) return { usesModel: false }
  const isOneOf = (patterns: readonly RegExp[]) => isPlainPath(path) && patterns.some((pattern) => pattern.test(path))
  if (isOneOf(WITHOUT_MODEL)) return { usesModel: false }
  const runsModel = UNKNOWN_MODEL.some((pattern) => pattern.test(path)) ? 'unknown' : 'named'
  return isOneOf(LATER) ? { usesModel: false, runsModel } : { usesModel: true, unlisted: true, runsModel }
}

/** They store, change and cancel, and run nothing. */
const WITHOUT_MODEL: readonly RegExp[] = [
  /^\/files$/,
  /^\/(?:uploads|vector_stores|containers|conversations)(?:\/|$)/,
  /^\/chat\/completions\/[^/]+$/,
  /^\/threads(?:\/(?!runs$)[^/]+)?$/,
  /^\/threads\/[^/]+\/messages(?:\/[^/]+)?$/,
  /^\/threads\/[^/]+\/runs\/[^/]+$/,
  /^\/(?:batches|responses|fine_tuning\/jobs|threads\/[^/]+\/runs)\/[^/]+\/cancel$/,
]

/** They have a model run some time, on limits of its own (batches, tuning), or by a later call (assistants). */
const LATER: readonly RegExp[] = [/^\/(?:assistants|batches|fine_tunings)(?:\/|$)/, /^\/fine_tuning\/jobs(?:\/|$)/]

/**
 * They run what is kept elsewhere (a batch's file, a run, a workflow, another video), whatever `model` their body has.
 */
const UNKNOWN_MODEL: readonly RegExp[] = [
  /^\/(?:batches|fine_tunings)(?:\/|$)/,
  /^\/threads\/[^/]+\/runs\/[^/]+\/submit_tool_outputs$/,
  /^\/(?:evals|chatkit)(?:\/|$)/,
  /^\/fine_tuning\/(?!jobs$)/,
  /^\/videos\/[^/]+\/remix$/,
]
