import type { InlineImage } from '@sluice/providers'

/** Images that requests refer to by URL, for providers that do not fetch them. */
export interface Images {
  /**
   * The images at these https URLs; or the first that could not be had, and why, in words fit for the application.
   */
  fetch(urls: readonly string[], request: ImagesRequest): Promise<ReadonlyMap<string, InlineImage> | ImageFault>
}

export interface ImagesRequest {
  /** The API key's id. */
  readonly owner: string
  /** Aborted when the application goes away. */
  readonly gone: AbortSignal
  /** Called before so many bytes more are kept; false where there is no room for them. */
  readonly hold: (bytes: number) => boolean
}

export interface ImageFault {
  readonly url: string
  readonly reason: string
}
