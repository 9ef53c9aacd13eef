import { isRecord } from '../wire/is-record.ts'

export interface PromptMedia {
  /** Images, audio clips and files, inlined or referred to. */
  readonly parts: number
  /** How much of the body is their base64, which is no text to the model. */
  readonly inlinedBytes: number
}

/** The media in a chat's `messages` or a response's `input`. Never throws, whatever the shape. */
export function promptMedia(messages: unknown): PromptMedia {
  if (!Array.isArray(messages)) return NONE
  let parts = 0
  let inlinedBytes = 0
  for (const message of messages) {
    const content: unknown = isRecord(message) ? message.content : undefined
    if (!Array.isArray(content)) continue
    for (const part of content) {
      if (!isRecord(part) || typeof part.type !== 'string' || !MEDIA_TYPES.has(part.type)) continue
      parts++
      inlinedBytes += inlinedIn(part) + inlinedIn(part[part.type])
    }
  }
  return { parts, inlinedBytes }
}

const NONE: PromptMedia = { parts: 0, inlinedBytes: 0 }

/** Chat: `image_url`, `input_audio`, `file`; responses: `input_image`, `input_file`, `input_audio`. */
const MEDIA_TYPES: ReadonlySet<string> = new Set(['image_url', 'input_audio', 'file', 'input_image', 'input_file'])

/** The members that hold base64, of a part itself or of the object that it holds. */
const INLINED_MEMBERS = ['url', 'image_url', 'data', 'file_data'] as const

function inlinedIn(holder: unknown): number {
  if (!isRecord(holder)) return 0
  let bytes = 0
  for (const name of INLINED_MEMBERS) {
    const value = holder[name]
    if (typeof value === 'string' && !value.startsWith('http')) bytes += value.length
  }
  return bytes
}
