import type { ChatMessage, ImagePart } from '../../unified/chat-request.ts'
import { InlineImages } from '../../unified/inline-images.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import type { InlineImage, Refusal } from '../../unified-api.ts'
import type { GeminiConfig, GeminiPart } from './wire-types.ts'

/** The images of one request, as parts. */
export class Images extends InlineImages {
  /** The part that an image becomes; none while it is missing. @param param its path, for a refusal */
  parts({ image_url: { url } }: ImagePart, param: string): GeminiPart[] | Refusal {
    const image = this.find(url, `${param}.image_url.url`)
    if (image === undefined) return []
    return isRefusal(image) ? image : [inlinePart(image)]
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
