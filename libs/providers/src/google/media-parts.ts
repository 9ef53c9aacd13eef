import type { AudioPart, ChatMessage, FilePart, ImagePart } from '../unified/chat-request.ts'
import { readBareBase64, readDataUrl } from '../unified/data-url.ts'
import { inlineFile, isText } from '../unified/file-source.ts'
import type { InlineImages } from '../unified/images.ts'
import { isRefusal, refuse } from '../unified/refusal.ts'
import type { InlineImage, Refusal } from '../unified-api.ts'
import type { GeminiConfig, GeminiPart } from './wire-types.ts'

/**
 * Translates an image, file or audio part; empty while an image is not fetched yet.
 * @param param the part's path, for a refusal
 */
export function mediaParts(
  part: ImagePart | FilePart | AudioPart,
  param: string,
  images: InlineImages,
): GeminiPart[] | Refusal {
  if (part.type === 'image_url') return imageParts(part, param, images)
  const media = part.type === 'file' ? filePart(part, param) : audioPart(part, param)
  return isRefusal(media) ? media : [inlinePart(media)]
}

function imageParts({ image_url: { url } }: ImagePart, param: string, images: InlineImages): GeminiPart[] | Refusal {
  const image = images.find(url, `${param}.image_url.url`)
  if (image === undefined) return []
  return isRefusal(image) ? image : [inlinePart(image)]
}

/** @see https://ai.google.dev/gemini-api/docs/document-processing */
function filePart(part: FilePart, param: string): InlineImage | Refusal {
  const file = inlineFile(part, param, 'Google')
  if (isRefusal(file)) return file
  const { mediaType, base64 } = file
  if (isText(mediaType)) return { mediaType: TEXT_TYPES.has(mediaType) ? mediaType : 'text/plain', base64 }
  if (mediaType === 'application/pdf' || /^(?:image|audio|video)\//.test(mediaType)) {
    return { mediaType: GOOGLE_NAMES.get(mediaType) ?? mediaType, base64 }
  }
  return refuse(
    `${param}.file.file_data`,
    `Google accepts PDFs, text, images, audio and video; this file is ${mediaType}.`,
  )
}

/** @see https://ai.google.dev/gemini-api/docs/audio#supported-formats */
function audioPart({ input_audio: { data, format } }: AudioPart, param: string): InlineImage | Refusal {
  const mediaType = AUDIO_TYPES.get(format.toLowerCase())
  if (mediaType === undefined) {
    const formats = [...AUDIO_TYPES.keys()].join(', ')
    return refuse(`${param}.input_audio.format`, `Google accepts audio of the formats ${formats}.`)
  }
  const audio = readDataUrl(data) ?? readBareBase64(data)
  return audio === undefined
    ? refuse(`${param}.input_audio.data`, 'The audio must be base64.')
    : { mediaType, base64: audio.base64 }
}

/** Text types that Google lists; all other text is sent as plain text. */
const TEXT_TYPES: ReadonlySet<string> = new Set([
  'text/html',
  'text/css',
  'text/csv',
  'text/xml',
  'text/rtf',
  'text/javascript',
])

/**
 * Google's names for types that have another name elsewhere.
 * @see https://ai.google.dev/gemini-api/docs/video-understanding#supported-formats
 */
const GOOGLE_NAMES: ReadonlyMap<string, string> = new Map([
  ['audio/mpeg', 'audio/mp3'],
  ['video/quicktime', 'video/mov'],
  ['video/x-msvideo', 'video/avi'],
  ['video/x-ms-wmv', 'video/wmv'],
])

const AUDIO_TYPES: ReadonlyMap<string, string> = new Map([
  ['wav', 'audio/wav'],
  ['mp3', 'audio/mp3'],
  ['aiff', 'audio/aiff'],
  ['aac', 'audio/aac'],
  ['ogg', 'audio/ogg'],
  ['flac', 'audio/flac'],
])

function inlinePart({ mediaType, base64 }: InlineImage): GeminiPart {
  return { inlineData: { mimeType: mediaType, data: base64 } }
}

/** Returns the detail for all images: models before Gemini 3 have it only for the whole request. */
export function mediaResolution(messages: readonly ChatMessage[]): GeminiConfig['mediaResolution'] | Refusal {
  let requested: 'low' | 'high' | undefined
  for (const [index, message] of messages.entries()) {
    if ((message.role !== 'user' && message.role !== 'tool') || typeof message.content === 'string') continue
    for (const [at, part] of message.content.entries()) {
      const detail = part.type === 'image_url' ? part.image_url.detail : undefined
      if (detail === undefined || detail === 'auto') continue
      if (requested !== undefined && requested !== detail) {
        return refuse(
          `messages.${index}.content.${at}.image_url.detail`,
          'Google applies one detail to all images of a request.',
        )
      }
      requested = detail
    }
  }
  return requested === undefined ? undefined : RESOLUTIONS[requested]
}

const RESOLUTIONS = { low: 'MEDIA_RESOLUTION_LOW', high: 'MEDIA_RESOLUTION_HIGH' } as const
