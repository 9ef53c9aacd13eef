import type { InlineImage, Refusal, UnifiedRequest } from '../unified-api.ts'
import { imageSource } from './image-source.ts'
import { isRefusal } from './refusal.ts'

/** The images of one request to a provider that takes them only with it: those at URLs are to be fetched. */
export class InlineImages {
  /** The URLs of those that are still to be fetched. */
  readonly missing = new Set<string>()
  readonly #fetched: UnifiedRequest['images']

  constructor(fetched: UnifiedRequest['images']) {
    this.#fetched = fetched
  }

  /** Undefined while it is missing. @param param the parameter's path, for the refusal */
  find(url: string, param: string): InlineImage | Refusal | undefined {
    const source = imageSource(url, param)
    if (isRefusal(source)) return source
    if ('inline' in source) return source.inline
    const image = this.#fetched.get(source.url)
    if (image === undefined) this.missing.add(source.url)
    return image
  }
}
