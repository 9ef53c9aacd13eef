import type { ChatMessage, ImagePart } from '../../unified/chat-request.ts'
import { imageSource } from '../../unified/image-source.ts'
import { refuse } from '../../unified/refusal.ts'
import type { InlineImage, Refusal, UnifiedRequest } from '../../unified-api.ts'
import type { GeminiConfig, GeminiPart } from './wire-types.ts'

/** Google takes images only with the request: here are those at URLs, and which are still missing. */
export class Images {
  readonly missing = new Set<string>()
  readonly #fetched: UnifiedRequest['images']

  constructor(fetched: UnifiedRequest['images']) {
    this.#fetched = fetched
  }

  /** The part that an image becomes; none while it is missing. @param param its path, for a refusal */
  parts({ image_url: { url } }: ImagePart, param: string): GeminiPart[] | Refusal {
    const source = imageSource(url, `${param}.image_url.url`)
    if ('status' in source) return source
    if ('inline' in source) return [inlinePart(source.inline)]
    const image = this.#fetched.get(source.url)
    if (image !== undefined) return [inlinePart(image)]
    this.missing.add(source.url)
    return []
  }
}

function inlinePart({ mediaType, base64 }: InlineImage): GeminiPart {
  return { inlineData: { mimeType: mediaType, data: base64 } }
}

/** The detail to look at all images in, which models before Gemini 3 know only for the whole request. */
export function mediaResolution(messages: readonly ChatMessage[]): GeminiConfig['mediaResolution'] | Refusal {
  let asked: 'low' | 'high' | undefined
  for (const [index, message] of messages.entries()) {
    if (message.role !== 'user' || typeof message.content === 'string') continue
    for (const [at, part] of message.content.entries()) {
      const detail = part.type === 'image_url' ? part.image_url.detail : undefined
      if (detail === undefined || detail === 'auto') continue
      if (asked !== undefined && asked !== detail) {
        return refuse(`messages.${index}.content.${at}.image_url.detail`, 'Google looks at all images in one detail.')
      }
      asked = detail
    }
  }
  return asked === undefined ? undefined : RESOLUTIONS[asked]
}

const RESOLUTIONS = { low: 'MEDIA_RESOLUTION_LOW', high: 'MEDIA_RESOLUTION_HIGH' } as const
