import { callerByApiKey } from '../caller.ts'
import type { SimulatedProvider } from '../simulated-provider.ts'
import { countTokens } from './count-tokens.ts'
import { batchEmbedContents, embedContent } from './embed-content.ts'
import { failure } from './failures.ts'
import { generateContent, streamGenerateContent } from './generate-content.ts'
import { headers } from './headers.ts'
import { methodRoutes } from './model-method.ts'
import { modelRoutes } from './models.ts'

/** The Gemini API of Google AI: https://ai.google.dev/api. */
export const google: SimulatedProvider = {
  routes: [
    ...modelRoutes,
    ...methodRoutes(
      new Map([
        ['generateContent', generateContent],
        ['streamGenerateContent', streamGenerateContent],
        ['embedContent', embedContent],
        ['batchEmbedContents', batchEmbedContents],
        ['countTokens', countTokens],
      ]),
    ),
  ],
  identify({ headers, query }, accounts) {
    const apiKey = headers['x-goog-api-key'] ?? new URLSearchParams(query).get('key')
    return callerByApiKey(typeof apiKey === 'string' ? apiKey : undefined, accounts)
  },
  headers,
  failure,
}
