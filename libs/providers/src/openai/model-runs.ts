import type { ModelRuns } from '../provider-adapter.ts'
import { isRead } from '../wire/is-read.ts'

/**
 * Whether a call whose tokens are not counted may make a model run. What is not known here may, by the `model` of its body: most of
 * OpenAI's API runs one, and so may what is added to it.
 * @param path as OpenAI understands it, relative to the base URL; undefined where that cannot be told
 * @see https://platform.openai.com/docs/api-reference
 */
export function openAiModelRuns(method: string, path = ''): ModelRuns | undefined {
  if (isRead(method) || WITHOUT_MODEL.some((pattern) => pattern.test(path))) return undefined
  return UNTOLD.some((pattern) => pattern.test(path)) ? 'untold' : 'named'
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

/**
 * They run what is kept elsewhere (a batch's file, a run, a workflow, another video), or hand out a key with which to go past the gateway,
 * whatever `model` their body has.
 */
const UNTOLD: readonly RegExp[] = [
  /^\/(?:batches|fine_tunings)(?:\/|$)/,
  /^\/threads\/[^/]+\/runs\/[^/]+\/submit_tool_outputs$/,
  /^\/(?:evals|chatkit)(?:\/|$)/,
  /^\/fine_tuning\/(?!jobs$)/,
  /^\/videos\/[^/]+\/remix$/,
  /^\/realtime\/(?:client_secrets|calls)(?:\/|$)/,
]
