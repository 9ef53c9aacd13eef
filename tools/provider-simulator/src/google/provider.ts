import type { OutgoingHttpHeaders } from 'node:http'
import { callerByApiKey, type HeaderContext, type SimulatedProvider } from '../core/simulated-provider.ts'
import { batchEmbedContents, countTokens, embedContent } from './embed-content.ts'
import { failure } from './errors.ts'
import { generateContent, streamGenerateContent } from './generate-content.ts'
import { methodRoutes, modelRoutes } from './models.ts'

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

/** Google reports no limits in headers. */
function headers({ processingMs }: HeaderContext): OutgoingHttpHeaders {
  return { 'server-timing': `gfet4t7; dur=${Math.round(processingMs)}`, vary: 'Origin, X-Origin, Referer' }
}
