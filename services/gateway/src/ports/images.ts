import type { InlineImage } from '@sluice/providers'

export interface ImageRequest {
  /** The id of the API key for which they are fetched: keys take turns. */
  readonly owner: string
  /** Aborted when the application goes away. */
  readonly gone: AbortSignal
  /** Asked before each piece of an image is kept in memory; false where so many bytes more cannot be. */
  readonly hold: (bytes: number) => boolean
}

/** Images that requests refer to by URL, for providers that do not fetch them. */
export interface Images {
  /** The images at these https URLs; or why they could not be had. */
  fetch(urls: readonly string[], request: ImageRequest): Promise<ReadonlyMap<string, InlineImage> | ImageFault>
}

export interface ImageFault {
  /** `bad-image`: it is about the image, the first that could not be had. `busy`: the gateway has no room for it now. */
  readonly fault: 'bad-image' | 'busy'
  /** In words fit for the application. */
  readonly message: string
}
