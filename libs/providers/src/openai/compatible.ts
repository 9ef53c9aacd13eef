import type { ProviderId } from '@sluice/contracts'
import { COUNTS_ALL } from '../limit-counting.ts'
import type { ProviderAdapter, ProviderConfig } from '../provider-adapter.ts'
import { forgivenPath } from '../wire/forgiven-path.ts'
import { revealField } from '../wire/reveal-field.ts'
import { openAiResponseReader } from './answer-reader.ts'
import { openAiErrorResponse } from './errors.ts'
import { includeUsage } from './include-usage.ts'
import { inspectOpenAiRequest } from './inspect.ts'
import { OPENAI_MODEL_MEMBERS, openAiNamedModels } from './named-models.ts'
import { openAiOperation, openAiPathLayout, usualOperations } from './operations.ts'
import { OPENAI_LONG_PROMPT_TOKENS, openAiPool } from './pool.ts'
import { openAiRateLimitHeaders, openAiRetryAfterMs, readOpenAiRateLimits } from './rate-limit-headers.ts'
import { openAiUnified } from './unified.ts'
import { refusesStreamUsage } from './usage-refusal.ts'

/** Where one provider that speaks OpenAI's API differs from the others. */
export interface OpenAiDialect {
  readonly id: ProviderId
  /** What the paths that its SDK sends begin with, as `/v1`. The base URL has it at its end already. */
  readonly root: string
  baseUrl(config: ProviderConfig): string
}

/**
 * The adapter of a provider that speaks OpenAI's API: its key goes in `Authorization: Bearer`, and all else is as OpenAI's. What
 * is different is replaced: `{ ...openAiCompatible(dialect), rateLimits }`.
 */
export function openAiCompatible({ id, root, baseUrl }: OpenAiDialect): ProviderAdapter {
  const layout = openAiPathLayout(root)
  const usual = usualOperations(root)
  return {
    id,
    connectionHeaders: new Set(),
    baseUrl,
    operation: (method, path, basePath = root) => {
      const known = method === 'POST' ? usual.get(path) : undefined
      if (known !== undefined) return known
      // Where the server's own base URL does not end with the root, a second one may lead to another API of the server.
      const isMounted = !basePath.endsWith(root) && path.startsWith(`${root}${root}/`)
      const right = isMounted ? path : forgivenPath(path, layout)
      return right.startsWith(`${root}/`) ? openAiOperation(method, right.slice(root.length)) : undefined
    },
    signing: 'headers',
    authHeaders: bearerHeaders,
    inspect: (operation, body, sizeBytes) => inspectOpenAiRequest(operation, body, sizeBytes, id),
    namedModels: openAiNamedModels,
    modelMembers: OPENAI_MODEL_MEMBERS,
    pool: openAiPool,
    longPromptTokens: OPENAI_LONG_PROMPT_TOKENS,
    outgoingBody: includeUsage,
    refusesAddition: refusesStreamUsage,
    responseReader: openAiResponseReader,
    limitCounting: COUNTS_ALL,
    rateLimits: readOpenAiRateLimits,
    rateLimitsInError: () => [],
    rateLimitHeaders: openAiRateLimitHeaders,
    retryAfterMs: openAiRetryAfterMs,
    errorResponse: openAiErrorResponse,
    unified: openAiUnified(root),
  }
}

/** @throws SluiceError `credential_unavailable` when there is no key */
export function bearerHeaders(config: ProviderConfig): Record<string, string> {
  return { authorization: `Bearer ${revealField(config, 'apiKey')}` }
}
