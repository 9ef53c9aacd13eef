import type { Operation } from '../provider-adapter.ts'
import { isRead } from '../wire/is-read.ts'
import { isPlainPath } from '../wire/plain-path.ts'

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
