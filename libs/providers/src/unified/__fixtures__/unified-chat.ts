import { providerAdapter } from '../../adapters.ts'
import type { Translation, UnifiedApi, UnifiedRequest } from '../../unified-api.ts'
import { askedChat } from '../asked-answer.ts'

/** The providers whose requests and responses are translated, each with one of its models. */
export const TRANSLATED = [
  ['anthropic', 'claude-sonnet-4-6'],
  ['google', 'gemini-2.5-flash'],
  ['aws-bedrock', 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0'],
] as const

export type TranslatedProvider = (typeof TRANSLATED)[number][0]

/** A chat completion's translation. @param text the request's body, or what it is the JSON of */
export function translationOf(provider: TranslatedProvider, model: string, body: string | object): Translation {
  return unifiedOf(provider).chat.request(requestOf(model, body))
}

/** The body that is sent for a chat completion. @throws where it is refused, with the reason */
export function sentText(provider: TranslatedProvider, model: string, body: string | object): string {
  const translation = translationOf(provider, model, body)
  if (translation.status === 'translated') return translation.body.toString()
  throw new Error(JSON.stringify(translation))
}

/** What the application gets of a provider's response, which comes a byte at a time. */
export function translatedResponse(
  provider: TranslatedProvider,
  model: string,
  { stream, body, contentType }: { readonly stream: boolean; readonly body: Buffer; readonly contentType: string },
): string {
  const asked = askedChat(requestOf(model, {}), { stream })
  const translator = unifiedOf(provider).chat.answer(asked).translator(contentType)
  const pieces = [...body].map((_, at) => translator.push(body.subarray(at, at + 1)))
  return Buffer.concat([...pieces, translator.end() ?? Buffer.alloc(0)]).toString()
}

function unifiedOf(provider: TranslatedProvider): UnifiedApi {
  const adapter = providerAdapter(provider)
  if (adapter === undefined) throw new Error(`there is no adapter for ${provider}`)
  return adapter.unified
}

function requestOf(model: string, body: string | object): UnifiedRequest {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return {
    body: JSON.parse(text),
    bytes: Buffer.from(text),
    model,
    defaultMaxOutputTokens: 4_096,
    images: new Map(),
    responseId: 'a1',
    receivedAtMs: 1_700_000_000_900,
  }
}
