import type { InlineImage, Refusal } from '../unified-api.ts'
import { refuse } from './refusal.ts'

export type ImageSource = { readonly inline: InlineImage } | { readonly url: string }

/** Where an `image_url` has its image: in itself, or at an https URL. @param param the parameter's path, for the refusal */
export function imageSource(url: string, param: string): ImageSource | Refusal {
  const comma = url.indexOf(',')
  const [, mediaType] = DATA_URL_HEAD.exec(url.slice(0, Math.min(comma + 1, MAX_HEAD_LENGTH))) ?? []
  const base64 = mediaType === undefined ? '' : url.slice(comma + 1)
  if (mediaType !== undefined && BASE64.test(base64)) return { inline: { mediaType: mediaType.toLowerCase(), base64 } }
  if (URL.parse(url)?.protocol === 'https:') return { url }
  return refuse(param, 'An image must be a data URL in base64, such as "data:image/png;base64,…", or an https URL.')
}

/** @see RFC 2397 */
const DATA_URL_HEAD = /^data:(image\/[a-z0-9.+-]+)(?:;[^;,]*)*;base64,$/i
/** Longer ones, which overflow the pattern's stack, are none. */
const MAX_HEAD_LENGTH = 1_024
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
