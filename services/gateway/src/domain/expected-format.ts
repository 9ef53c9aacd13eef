import type { ProviderId } from '@sluice/contracts'
import { type ProviderAdapter, providerAdapter, type WireHeaders } from '@sluice/providers'
import { providerOfPath } from './path-hints.ts'

/**
 * Returns how a request to an unknown connection expects its error, by what only one provider's clients send: without the connection,
 * its provider is unknown, and a client that cannot read the error shows its user nothing but "Not Found". Undefined where nothing tells:
 * OpenAI's format holds then.
 *
 * @param path what follows the connection's name
 */
export function expectedFormat(headers: WireHeaders, path: string): ProviderAdapter['errorResponse'] | undefined {
  const provider = expectedProvider(headers, path)
  return provider && providerAdapter(provider)?.errorResponse
}

function expectedProvider(headers: WireHeaders, path: string): ProviderId | undefined {
  if (headers['anthropic-version'] !== undefined) return 'anthropic'
  if (headers['x-goog-api-key'] !== undefined) return 'google'
  const meant = providerOfPath(path)
  if (meant === 'openai' || meant === 'groq') return undefined
  return meant ?? (headers['x-api-key'] === undefined ? undefined : 'anthropic')
}
