import { memberWatch } from '../naming/ambiguous-member.ts'
import { namedModel } from '../naming/named-models.ts'
import type { ProviderAdapter, ProviderConfig } from '../provider-adapter.ts'
import { configuredBaseUrl } from '../provider-config.ts'
import type { UnifiedApi } from '../unified-api.ts'
import { readRetryAfterMs } from '../wire/headers.ts'
import { keepRateLimitHeaders } from '../wire/rate-limit-headers.ts'
import { embeddingsResponse, toEmbeddingsCall } from './embeddings.ts'
import { bedrockErrorResponse } from './errors.ts'
import { inspectBedrockRequest } from './inspection.ts'
import { BEDROCK_LONG_PROMPT_TOKENS, bedrockLimitCounting, bedrockPool } from './limits.ts'
import { bedrockOperation } from './operations.ts'
import { toConverseCall } from './request.ts'
import { bedrockResponseReader } from './response-reader.ts'
import { converseResponse } from './stream.ts'

/** OpenAI's API in front of the runtime API of AWS Bedrock, which cannot tell which models there are. */
export const awsBedrockUnified: UnifiedApi = {
  chat: { request: toConverseCall, response: converseResponse, opensStrings: true },
  embeddings: { request: toEmbeddingsCall, response: embeddingsResponse },
}

/** The runtime API of AWS Bedrock. It tells its limits in no header. */
export const awsBedrock: ProviderAdapter = {
  id: 'aws-bedrock',
  // A caller that signs what it sends signs for the gateway, not for AWS.
  connectionHeaders: new Set(['x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token']),
  baseUrl,
  operation: bedrockOperation,
  signing: 'sigv4',
  authHeaders: () => ({}),
  inspect: inspectBedrockRequest,
  // The path names it; the bodies of some makers' models do, too.
  namedModels: ({ model = '' }, body) => [model, ...[namedModel(body)].filter((name) => name !== '')],
  modelMembers: memberWatch(['model']),
  pool: bedrockPool,
  longPromptTokens: BEDROCK_LONG_PROMPT_TOKENS,
  outgoingBody: (_inspection, _body, bytes) => ({ bytes }),
  responseReader: bedrockResponseReader,
  limitCounting: bedrockLimitCounting,
  rateLimits: () => [],
  rateLimitsInError: () => [],
  rateLimitHeaders: (headers) => keepRateLimitHeaders(headers, () => false),
  retryAfterMs: readRetryAfterMs,
  errorResponse: bedrockErrorResponse,
  unified: awsBedrockUnified,
}

/** @see https://docs.aws.amazon.com/general/latest/gr/bedrock.html */
function baseUrl(config: ProviderConfig): string {
  const region = String(config.region)
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return configuredBaseUrl(config, `https://bedrock-runtime.${region}.${domain}`)
}
