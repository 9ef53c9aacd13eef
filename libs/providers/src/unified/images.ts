import type { InlineImage, Refusal, UnifiedRequest } from '../unified-api.ts'
import { readDataUrl } from './data-url.ts'
import { isRefusal, refuse } from './refusal.ts'

export type ImageSource = { readonly inline: InlineImage } | { readonly url: string }

/**
 * Returns the image of an `image_url`: inline data, or an https URL. The media type comes from the first bytes; the
 * label counts only where those are not recognized.
 * @param param the parameter's path, for the refusal
 */
export function imageSource(url: string, param: string): ImageSource | Refusal {
  const data = readDataUrl(url)
  if (data !== undefined) {
    const mediaType = data.sniffed ?? data.label
    if (mediaType.startsWith('image/')) return { inline: { mediaType, base64: data.base64 } }
    if (mediaType === 'application/pdf') {
      return refuse(
        param,
        'The image is a PDF: send it in a part of the type "file", with the data URL in "file.file_data".',
      )
    }
    return refuse(param, `The data URL does not contain a recognizable image${labelled(data.label)}.`)
  }
  if (URL.parse(url)?.protocol === 'https:') return { url }
  return refuse(param, 'An image must be a data URL, such as "data:image/png;base64,…", or an https URL.')
}

function labelled(label: string): string {
  return label === '' ? '' : `: its label is ${label}`
}

/** The images of one request to a provider that takes them only inside it: those at URLs have to be fetched first. */
export class InlineImages {
  /** The URLs that still have to be fetched. */
  readonly missing = new Set<string>()
  readonly #fetched: UnifiedRequest['images']

  constructor(fetched: UnifiedRequest['images']) {
    this.#fetched = fetched
  }

  /**
   * Returns the image; undefined while it still has to be fetched.
   * @param param the parameter's path, for the refusal
   */
  find(url: string, param: string): InlineImage | Refusal | undefined {
    const source = imageSource(url, param)
    if (isRefusal(source)) return source
    if ('inline' in source) return source.inline
    const image = this.#fetched.get(source.url)
    if (image === undefined) this.missing.add(source.url)
    return image
  }
}
