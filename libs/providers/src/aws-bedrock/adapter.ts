import { memberWatch } from '../naming/ambiguous-member.ts'
import { namedModel } from '../naming/named-models.ts'
import type { ProviderAdapter, ProviderConfig } from '../provider-adapter.ts'
import { configuredBaseUrl } from '../provider-config.ts'
import { chatResponse } from '../unified/response-translators.ts'
import type { UnifiedApi } from '../unified-api.ts'
import { readRetryAfterMs } from '../wire/headers.ts'
import { keepRateLimitHeaders } from '../wire/rate-limit-headers.ts'
import { embeddingsResponse, toEmbeddingsCall } from './embeddings.ts'
import { bedrockErrorResponse, readErrorResponse } from './errors.ts'
import { inspectBedrockRequest } from './inspection.ts'
import { BEDROCK_LONG_PROMPT_TOKENS, bedrockLimitCounting, bedrockPool } from './limits.ts'
import { bedrockOperation } from './operations.ts'
import { toConverseCall } from './request.ts'
import { wholeConverseResponse } from './response.ts'
import { bedrockResponseReader } from './response-reader.ts'
import { converseStream } from './stream.ts'

/** OpenAI's API, translated to the AWS Bedrock runtime API, which has no list of models. */
export const awsBedrockUnified: UnifiedApi = {
  chat: {
    request: toConverseCall,
    response: chatResponse({ whole: wholeConverseResponse, streamed: converseStream, error: readErrorResponse }),
    opensStrings: true,
  },
  embeddings: { request: toEmbeddingsCall, response: embeddingsResponse },
}

/** The AWS Bedrock runtime API. It reports limits in no header. */
export const awsBedrock: ProviderAdapter = {
  id: 'aws-bedrock',
  // A caller's signature is for the gateway, not for AWS.
  connectionHeaders: new Set(['x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token']),
  baseUrl,
  operation: bedrockOperation,
  signing: 'sigv4',
  authHeaders: () => ({}),
  inspect: inspectBedrockRequest,
  // The path names the model; so do request bodies in some makers' formats.
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
