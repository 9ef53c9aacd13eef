import type { InlineImage } from '@sluice/providers'

/** Images that requests refer to by URL, for providers that do not fetch them. */
export interface Images {
  /**
   * The images at these https URLs; or the first that could not be had, and why, in words fit for the application.
   * @param gone aborted when the application goes away
   */
  fetch(urls: readonly string[], gone: AbortSignal): Promise<ReadonlyMap<string, InlineImage> | ImageFault>
}

export interface ImageFault {
  readonly url: string
  readonly reason: string
}
