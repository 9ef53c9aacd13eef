import type { InlineImage, Refusal } from '../unified-api.ts'
import { refuse } from './refusal.ts'

export type ImageSource = { readonly inline: InlineImage } | { readonly url: string }

/** Where an `image_url` has its image: in itself, or at an https URL. @param param the parameter's path, for the refusal */
export function imageSource(url: string, param: string): ImageSource | Refusal {
  const [, mediaType, base64] = DATA_URL.exec(url) ?? []
  if (mediaType !== undefined && base64 !== undefined) return { inline: { mediaType: mediaType.toLowerCase(), base64 } }
  if (URL.parse(url)?.protocol === 'https:') return { url }
  return refuse(param, 'An image must be a data URL in base64, such as "data:image/png;base64,…", or an https URL.')
}

/** @see RFC 2397 */
const DATA_URL = /^data:(image\/[a-z0-9.+-]+)(?:;[^;,]*)*;base64,([A-Za-z0-9+/]+={0,2})$/i
