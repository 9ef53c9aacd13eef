import { type ProviderAdapter, providerAdapter, type WireHeaders } from '@sluice/providers'

/**
 * Returns how a request to an unknown connection expects its error, by what only one provider's clients send: without the connection,
 * its provider is unknown, and a client that cannot read the error shows its user nothing but "Not Found". Undefined where nothing tells:
 * OpenAI's format holds then.
 *
 * @param path what follows the connection's name
 */
export function expectedFormat(headers: WireHeaders, path: string): ProviderAdapter['errorAnswer'] | undefined {
  const provider = expectedProvider(headers, path)
  return provider && providerAdapter(provider)?.errorAnswer
}

function expectedProvider(headers: WireHeaders, path: string) {
  if (headers['anthropic-version'] !== undefined) return 'anthropic'
  if (headers['x-goog-api-key'] !== undefined || GOOGLE_METHOD.test(path)) return 'google'
  if (BEDROCK_OPERATION.test(path)) return 'aws-bedrock'
  return undefined
}

/** https://ai.google.dev/api/generate-content: a method stands after the model, behind a colon. */
const GOOGLE_METHOD = /\/models\/[^/]+:[a-zA-Z]+$/
/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html */
const BEDROCK_OPERATION =
  /\/model\/[^/]+\/(?:converse|converse-stream|invoke|invoke-with-response-stream|count-tokens)$/
