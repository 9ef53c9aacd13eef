import { isAdministration } from '../administration.ts'
import type { Operation } from '../provider-adapter.ts'
import { correctedPath, decodedPath, isPlainPath, isRead, type PathLayout } from '../wire/request-path.ts'

/** The kinds of operation whose requests or answers are read; everything else is `other`. */
export type AnthropicKind = 'messages' | 'complete' | 'count-tokens' | 'batch' | 'other'

/**
 * What a call of the Anthropic API does. Everything under `/v1` is served; a write that is not known here is `unlisted`, as it may
 * run a model.
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
  if (isPlain && LATER.test(understood)) return { ...other, runsModel: 'named' }
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

/** Writes that run nothing. */
const WITHOUT_MODEL =
  /^\/v1\/(?:(?:environments|files|memory_stores|skills|vaults)(?:\/|$)|(?:messages\/batches\/[^/]+\/cancel|sessions\/[^/]+\/archive)$)/

/** An agent runs when a session of it does. */
const LATER = /^\/v1\/agents(?:\/|$)/

/** @see https://docs.claude.com/en/api/administration-api */
const ADMINISTRATION: ReadonlySet<string> = new Set(['admin', 'oauth', 'organization', 'organizations'])

const MODEL_OPERATIONS: Readonly<Record<string, AnthropicKind>> = {
  '/v1/messages': 'messages',
  '/v1/complete': 'complete',
  '/v1/messages/count_tokens': 'count-tokens',
  '/v1/messages/batches': 'batch',
}
