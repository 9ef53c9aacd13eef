import type { Base64ImageSource, ImageBlockParam } from '@anthropic-ai/sdk/resources/messages'
import type { ImagePart } from '../../unified/chat-request.ts'
import { imageSource } from '../../unified/image-source.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import type { InlineImage, Refusal } from '../../unified-api.ts'

/**
 * An image as Anthropic takes it, which fetches those at URLs itself. It reads all in full detail, up to a size.
 * @param path the part's
 * @see https://platform.claude.com/docs/en/build-with-claude/vision
 */
export function toImageBlock({ image_url: { url, detail } }: ImagePart, path: string): ImageBlockParam | Refusal {
  if (detail === 'low') return refuse(`${path}.image_url.detail`, 'Anthropic reads images in high detail only.')
  const source = imageSource(url, `${path}.image_url.url`)
  if (isRefusal(source)) return source
  if ('url' in source) return { type: 'image', source: { type: 'url', url: source.url } }
  const image = inlineImage(source.inline)
  if (image !== undefined) return image
  return refuse(
    `${path}.image_url.url`,
    `Anthropic takes images of the types ${MEDIA_TYPES.join(', ')}; this one is ${source.inline.mediaType}.`,
  )
}

/** Undefined where it is of a type that Anthropic does not take. */
export function inlineImage({ mediaType, base64 }: InlineImage): ImageBlockParam | undefined {
  if (!isTaken(mediaType)) return undefined
  return { type: 'image', source: { type: 'base64', media_type: mediaType, data: base64 } }
}

type MediaType = Base64ImageSource['media_type']

const MEDIA_TYPES: readonly MediaType[] = ['image/jpeg', 'image/png', 'image/gif', 'image/webp']

function isTaken(mediaType: string): mediaType is MediaType {
  return MEDIA_TYPES.some((taken) => taken === mediaType)
}
