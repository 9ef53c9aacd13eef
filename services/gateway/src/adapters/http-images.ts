import { type InlineImage, isLoopbackAddress, isPublicAddress } from '@sluice/providers'
import { Agent, type Dispatcher, interceptors } from 'undici'
import type { ImageFault, Images } from '../ports/images.ts'
import { upstreamConnector } from './upstream-connector.ts'

export interface HttpImagesOptions {
  readonly connectTimeoutMs: number
  /** For all images of a request, from asking for them to their last byte. */
  readonly timeoutMs: number
  readonly maxImageBytes: number
  /** Whether they may be on this machine itself, over http too. */
  readonly allowInsecureLoopback: boolean
}

export interface RunningImages extends Images {
  stop(): Promise<void>
}

/**
 * Fetches images over HTTP, those of one request at the same time. Applications choose the addresses: so only the internet's are
 * allowed, after redirects too.
 */
export function httpImages(options: HttpImagesOptions): RunningImages {
  const { connectTimeoutMs, timeoutMs, maxImageBytes, allowInsecureLoopback } = options
  const isForbidden = (address: string): boolean =>
    !isPublicAddress(address) && !(allowInsecureLoopback && isLoopbackAddress(address))
  const connect = upstreamConnector({ timeoutMs: connectTimeoutMs, allowInsecureLoopback, isForbidden })
  const agent = new Agent({ connect, maxResponseSize: maxImageBytes })
  const following = agent.compose(interceptors.redirect({ maxRedirections: MAX_REDIRECTS }))

  const fetchOne = async (url: string, signal: AbortSignal): Promise<InlineImage | ImageFault> => {
    try {
      const { origin, pathname, search } = new URL(url)
      const answer = await following.request({
        origin,
        path: pathname + search,
        method: 'GET',
        headers: HEADERS,
        signal,
      })
      const mediaType = mediaTypeOf(answer)
      if (answer.statusCode !== 200 || mediaType === undefined) {
        await answer.body.dump()
        const what = answer.statusCode === 200 ? 'is no image' : `was answered with status ${answer.statusCode}`
        return { url, reason: what }
      }
      return { mediaType, base64: Buffer.from(await answer.body.arrayBuffer()).toString('base64') }
    } catch (error) {
      return { url, reason: reasonOf(error, timeoutMs, maxImageBytes) }
    }
  }

  return {
    fetch: async (urls, gone) => {
      const excess = urls[MAX_IMAGES]
      if (excess !== undefined) return { url: excess, reason: `is one too many: a request may refer to ${MAX_IMAGES}` }
      const signal = AbortSignal.any([gone, AbortSignal.timeout(timeoutMs)])
      const fetched = await Promise.all(urls.map((url) => fetchOne(url, signal)))
      const images = new Map<string, InlineImage>()
      for (const [index, image] of fetched.entries()) {
        if ('reason' in image) return image
        images.set(urls[index] ?? '', image)
      }
      return images
    },
    stop: () => agent.destroy(),
  }
}

/** That one request may refer to: as many as some providers take. */
const MAX_IMAGES = 20
const MAX_REDIRECTS = 3
const HEADERS = { accept: 'image/*', 'user-agent': 'sluice' }

/** Undefined for what is no image. */
function mediaTypeOf({ headers }: Dispatcher.ResponseData): string | undefined {
  const [type = ''] = String(headers['content-type'] ?? '').split(';')
  const mediaType = type.trim().toLowerCase()
  return mediaType.startsWith('image/') ? mediaType : undefined
}

function reasonOf(error: unknown, timeoutMs: number, maxImageBytes: number): string {
  if (error instanceof DOMException) return `did not arrive within ${timeoutMs / 1_000} s`
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return `is larger than ${maxImageBytes} bytes`
  if (code === 'upstream_address_refused') return 'is at an address that no image may be fetched from'
  return 'could not be fetched'
}
