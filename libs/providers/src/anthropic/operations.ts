import type { Operation } from '../provider-adapter.ts'
import { decodedPath } from '../wire/decoded-path.ts'
import { isRead } from '../wire/is-read.ts'

/** The kinds of operation whose requests or answers are read; everything else is `other`. */
export type AnthropicKind = 'messages' | 'complete' | 'count-tokens' | 'batch' | 'other'

/**
 * What a call of the Anthropic API does. Everything under `/v1` is served: what is not known here costs no tokens.
 * @see https://docs.claude.com/en/api/overview
 */
export function anthropicOperation(method: string, path: string): Operation | undefined {
  const understood = decodedPath(path)
  if (understood === undefined || !understood.startsWith('/v1/')) return undefined
  const kind = method === 'POST' ? MODEL_OPERATIONS[understood] : undefined
  if (kind !== undefined) return { kind, usesModel: true, body: 'json', path }
  const runsModel = !isRead(method) && !WITHOUT_MODEL.test(understood)
  return { kind: 'other', usesModel: false, body: 'any', path, ...(runsModel && { runsModel: 'named' }) }
}

/** Writes that run nothing. What is not known here may run the model of its body, as agents do. */
const WITHOUT_MODEL = /^\/v1\/(?:(?:files|skills)(?:\/|$)|messages\/batches\/[^/]+\/cancel$)/

const MODEL_OPERATIONS: Readonly<Record<string, AnthropicKind>> = {
  '/v1/messages': 'messages',
  '/v1/complete': 'complete',
  '/v1/messages/count_tokens': 'count-tokens',
  '/v1/messages/batches': 'batch',
}
