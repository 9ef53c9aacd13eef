import type { ImageFormat } from '@aws-sdk/client-bedrock-runtime'
import type { ImagePart } from '../../unified/chat-request.ts'
import type { InlineImages } from '../../unified/inline-images.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import type { InlineImage, Refusal } from '../../unified-api.ts'
import type { ImageBlock } from './wire-types.ts'

/**
 * An image as Bedrock takes it, with its bytes; one without any stands for an image that is missing still.
 * @param path the part's
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlock.html
 */
export function toImageBlock(
  { image_url: { url, detail } }: ImagePart,
  images: InlineImages,
  path: string,
): ImageBlock | Refusal {
  if (detail === 'low') return refuse(`${path}.image_url.detail`, 'AWS Bedrock has nothing that limits the detail.')
  const image = images.find(url, `${path}.image_url.url`)
  if (image === undefined) return { image: { format: 'png', source: { bytes: '' } } }
  if (isRefusal(image)) return image
  const block = inlineImage(image)
  if (block !== undefined) return block
  const taken = [...FORMATS.keys()].join(', ')
  return refuse(
    `${path}.image_url.url`,
    `AWS Bedrock takes images of the types ${taken}; this one is ${image.mediaType}.`,
  )
}

/** Undefined where it is of a type that Bedrock does not take. */
export function inlineImage({ mediaType, base64 }: InlineImage): ImageBlock | undefined {
  const format = FORMATS.get(mediaType)
  return format === undefined ? undefined : { image: { format, source: { bytes: base64 } } }
}

const FORMATS: ReadonlyMap<string, ImageFormat> = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpeg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
])
