import { isAdministration } from '../administration.ts'
import type { Operation } from '../provider-adapter.ts'
import { decodedPath, isPlainPath, isRead, type PathLayout } from '../wire/request-path.ts'
import { openAiBackgroundId } from './response-reader.ts'

/** The kinds of operation whose requests or answers are read; everything else is `other`. */
export type OpenAiKind =
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
 * What a call of the OpenAI API does; `path` is relative to the base URL, so without `/v1`. Every path is served. A write that is
 * not known here is `unlisted`: most of OpenAI's API runs a model, and so may what is added to it, or what a server that only
 * speaks OpenAI's API makes of another spelling.
 * @see https://platform.openai.com/docs/api-reference
 */
export function openAiOperation(method: string, path: string): Operation {
  const understood = decodedPath(path)
  const model = method === 'POST' ? MODEL_OPERATIONS[understood ?? ''] : undefined
  if (model !== undefined) return { kind: model.kind, usesModel: true, body: model.body, path }
  if (isAdministration(path, ADMINISTRATION)) {
    const runs = isRead(method) ? {} : ({ runsModel: 'untold' } as const)
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

/** Returns the operations that run a model by the path of their POST as SDKs write it: most requests need no more than this look. */
export function usualOperations(root: string): ReadonlyMap<string, Operation> {
  return new Map(
    Object.keys(MODEL_OPERATIONS).map((path) => [root + path, Object.freeze(openAiOperation('POST', path))] as const),
  )
}

/** @param root what the provider's paths begin with, as `/v1` */
export function openAiPathLayout(root: string): PathLayout {
  return { root, resources: RESOURCES, isWithoutSlash: (rest) => rest in MODEL_OPERATIONS || rest === '/models' }
}

/**
 * What paths begin with that are no administration. Other servers that speak OpenAI's API have further ones, and tell a path with a slash
 * at its end from one without.
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
 * OpenAI's own: administration, and realtime, all of whose paths open a session that then goes on past the gateway. The others are
 * those of servers that speak OpenAI's API: OpenRouter's and LiteLLM's keys, users and models, vLLM's adapters.
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
 * Whether a call that is none of OpenAI's usual ones makes a model run, and whether it does so now, so that tokens are reserved.
 * What is not known here does, by the `model` of its body.
 * @param path as OpenAI understands it, relative to the base URL; undefined where that cannot be told
 * @see https://platform.openai.com/docs/api-reference
 */
export function openAiModelRuns(method: string, path = ''): Pick<Operation, 'usesModel' | 'unlisted' | 'runsModel'> {
  if (isRead(method)) return { usesModel: false }
  const isOneOf = (patterns: readonly RegExp[]) => isPlainPath(path) && patterns.some((pattern) => pattern.test(path))
  if (isOneOf(WITHOUT_MODEL)) return { usesModel: false }
  const runsModel = UNTOLD.some((pattern) => pattern.test(path)) ? 'untold' : 'named'
  return isOneOf(LATER) ? { usesModel: false, runsModel } : { usesModel: true, unlisted: true, runsModel }
}

/** They store, change and call off, and run nothing. */
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

/** They run what is kept elsewhere (a batch's file, a run, a workflow, another video), whatever `model` their body has. */
const UNTOLD: readonly RegExp[] = [
  /^\/(?:batches|fine_tunings)(?:\/|$)/,
  /^\/threads\/[^/]+\/runs\/[^/]+\/submit_tool_outputs$/,
  /^\/(?:evals|chatkit)(?:\/|$)/,
  /^\/fine_tuning\/(?!jobs$)/,
  /^\/videos\/[^/]+\/remix$/,
]
