import type { Operation } from '../provider-adapter.ts'
import { decodedPath } from '../wire/decoded-path.ts'
import { openAiModelRuns } from './model-runs.ts'

/** The kinds of operation whose requests or answers are read; everything else is `other`. */
export type OpenAiKind =
  | 'chat'
  | 'completions'
  | 'responses'
  | 'embeddings'
  | 'moderations'
  | 'speech'
  | 'transcriptions'
  | 'images'
  | 'videos'
  | 'other'

/**
 * What a call of the OpenAI API does; `path` is relative to the base URL, so without `/v1`. Every path is served: one that
 * is not known here costs no tokens.
 * @see https://platform.openai.com/docs/api-reference
 */
export function openAiOperation(method: string, path: string): Operation {
  const understood = decodedPath(path)
  const model = method === 'POST' ? MODEL_OPERATIONS[understood ?? ''] : undefined
  if (model !== undefined) return { kind: model.kind, usesModel: true, body: model.body, path }
  const runsModel = openAiModelRuns(method, understood)
  return { kind: 'other', usesModel: false, body: 'any', path, ...(runsModel && { runsModel }) }
}

const MODEL_OPERATIONS: Readonly<Record<string, { readonly kind: OpenAiKind; readonly body: Operation['body'] }>> = {
  '/chat/completions': { kind: 'chat', body: 'json' },
  '/completions': { kind: 'completions', body: 'json' },
  '/responses': { kind: 'responses', body: 'json' },
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
