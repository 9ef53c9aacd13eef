import { fileTokens, MEDIUM_TOKENS, type MediaTally } from '../prompt/media.ts'
import { isRecord } from '../wire/json.ts'

/**
 * Tallies the media in a chat's `messages`, or in the `input` of a response or moderation. Never throws, whatever the
 * shape.
 */
export function promptMedia(prompt: unknown, model: string): MediaTally {
  const media = { parts: 0, tokens: 0, inlinedBytes: 0 }
  addMedia(prompt, model, MAX_LEVELS, media)
  return media
}

/**
 * OpenAI's deepest nesting: messages, a message, its content, a part, a tool's output in it, and that output's parts.
 */
const MAX_LEVELS = 8

function addMedia(value: unknown, model: string, levels: number, media: Writable<MediaTally>): void {
  if (levels === 0) return
  if (Array.isArray(value)) {
    for (const element of value) addMedia(element, model, levels - 1, media)
    return
  }
  if (!isRecord(value)) return
  const tokensOf = typeof value.type === 'string' ? MEDIA_TYPES.get(value.type) : undefined
  if (tokensOf === undefined) {
    addMedia(value.content, model, levels - 1, media)
    addMedia(value.output, model, levels - 1, media)
    return
  }
  const member = value[String(value.type)]
  const held = isRecord(member) ? member : undefined
  media.parts++
  const inlinedBytes = inlinedIn(value) + inlinedIn(held)
  media.tokens +=
    tokensOf === 'file'
      ? fileTokens(fileKind(held ?? value), inlinedBytes, PAGE)
      : tokensOf(model, detailOf(value) ?? detailOf(held))
  media.inlinedBytes += inlinedBytes
}

/** About a minute of speech, or two pages. */
const otherTokens = (): number => MEDIUM_TOKENS

/** A page costs its text and its picture; with graphics it is about 60 KB. */
const PAGE = { unitBytes: 60_000, unitTokens: 1_000 }

/** Returns the media type of a data URL, else the file's name; '' where there is neither. */
function fileKind(holder: Readonly<Record<string, unknown>>): string {
  const { file_data: data, filename } = holder
  const type = typeof data === 'string' ? /^data:([^;,]+)/.exec(data.slice(0, 200))?.[1] : undefined
  if (type !== undefined && type !== 'application/octet-stream') return type
  return typeof filename === 'string' ? filename : ''
}

/** `file`: the cost depends on kind and size. */
type MediumCost = 'file' | ((model: string, detail: string | undefined) => number)

/** Chat: `image_url`, `input_audio`, `file`; responses: the others. */
const MEDIA_TYPES: ReadonlyMap<string, MediumCost> = new Map<string, MediumCost>([
  ['image_url', imageTokens],
  ['input_image', imageTokens],
  ['computer_screenshot', imageTokens],
  ['image_generation_call', imageTokens],
  ['input_audio', otherTokens],
  ['file', 'file'],
  ['input_file', 'file'],
  // Parts that servers of other models accept.
  ['audio_url', otherTokens],
  ['video_url', otherTokens],
  ['input_video', otherTokens],
  ['document_url', 'file'],
  ['file_url', 'file'],
])

/** Members that contain base64, of a part or of the object inside it. */
const INLINED_MEMBERS = [
  'url',
  'image_url',
  'audio_url',
  'video_url',
  'document_url',
  'file_url',
  'data',
  'file_data',
  'result',
] as const

function inlinedIn(holder: unknown): number {
  if (!isRecord(holder)) return 0
  let bytes = 0
  for (const name of INLINED_MEMBERS) {
    const value = holder[name]
    if (typeof value === 'string' && !value.startsWith('http')) bytes += value.length
  }
  return bytes
}

function detailOf(holder: unknown): string | undefined {
  return isRecord(holder) && typeof holder.detail === 'string' ? holder.detail : undefined
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

/**
 * Returns the tokens of an image of 1,024 by 1,024 pixels. The real size is inside the image, which is not decoded; no
 * image costs more than 2.4 times as much.
 * @param model may end with a version
 * @param detail `low`, or any other value of the request; undefined where it has none
 * @see https://platform.openai.com/docs/guides/images-vision, "Calculating costs"
 */
function imageTokens(model: string, detail: string | undefined): number {
  const [, low, other] = COSTS.find(([prefix]) => model.startsWith(prefix)) ?? COMMON
  return detail === 'low' ? low : other
}

/** A base cost plus a cost per tile of 512 pixels: 85 and 170 for most models that count tiles. */
const COMMON = ['', 85, 765] as const

/** Models that count patches of 32 pixels (1,024 of them times a factor) ignore the detail. */
const COSTS = [
  ['gpt-4o-mini', 2_833, 25_501],
  ['gpt-4.1-mini', 1_659, 1_659],
  ['gpt-4.1-nano', 2_520, 2_520],
  ['o4-mini', 1_762, 1_762],
  ['gpt-5', 1_229, 1_229],
] as const satisfies readonly (readonly [prefix: string, low: number, other: number])[]
