import { isAdministration } from '../administration.ts'
import type { Operation } from '../provider-adapter.ts'
import { correctedPath, decodedPath, isPlainPath, isRead, type PathLayout } from '../wire/request-path.ts'

/** Kinds of operations whose requests or responses are read; all others are `other`. */
type AnthropicKind = 'messages' | 'complete' | 'count-tokens' | 'batch' | 'other'

/**
 * Returns what a call to Anthropic's API does. Everything under `/v1` is served; an unknown write is `unlisted`,
 * because it may run a model.
 * @see https://docs.claude.com/en/api/overview
 */
export function anthropicOperation(method: string, given: string): Operation | undefined {
  const path = correctedPath(given, LAYOUT)
  const understood = decodedPath(path)
  if (understood === undefined || !understood.startsWith('/v1/')) return undefined
  const kind = method === 'POST' ? MODEL_OPERATIONS[understood] : undefined
  if (kind !== undefined) return { kind, usesModel: true, body: 'json', path }
  const other = { kind: 'other', usesModel: false, body: 'any', path } as const
  if (isAdministration(path, ADMINISTRATION)) {
    return { ...other, administers: true, ...(isRead(method) ? {} : { runsModel: 'unknown' }) }
  }
  const isPlain = isPlainPath(understood)
  if (isRead(method) || (isPlain && WITHOUT_MODEL.test(understood))) return other
  if (isPlain && RUNS_LATER.test(understood)) return { ...other, runsModel: 'named' }
  return { ...other, usesModel: true, unlisted: true, runsModel: 'named' }
}

const LAYOUT: PathLayout = {
  root: '/v1',
  resources: new Set([
    'agents',
    'complete',
    'environments',
    'files',
    'memory_stores',
    'messages',
    'models',
    'sessions',
    'skills',
    'vaults',
  ]),
}

/** Writes that run no model. */
const WITHOUT_MODEL =
  /^\/v1\/(?:(?:environments|files|memory_stores|skills|vaults)(?:\/|$)|(?:messages\/batches\/[^/]+\/cancel|sessions\/[^/]+\/archive)$)/

/** An agent runs only in a session. */
const RUNS_LATER = /^\/v1\/agents(?:\/|$)/

/** @see https://docs.claude.com/en/api/administration-api */
const ADMINISTRATION: ReadonlySet<string> = new Set(['admin', 'oauth', 'organization', 'organizations'])

const MODEL_OPERATIONS: Readonly<Record<string, AnthropicKind>> = {
  '/v1/messages': 'messages',
  '/v1/complete': 'complete',
  '/v1/messages/count_tokens': 'count-tokens',
  '/v1/messages/batches': 'batch',
}
