import { type InlineImage, isLoopbackAddress, isPublicAddress } from '@sluice/providers'
import { Agent, type Dispatcher, interceptors } from 'undici'
import type { ImageFault, Images } from '../ports/images.ts'
import { Slots } from './slots.ts'
import { upstreamConnector } from './upstream-connector.ts'

export interface HttpImagesOptions {
  readonly connectTimeoutMs: number
  /** For all images of a request, from asking for them to their last byte. */
  readonly timeoutMs: number
  /** Of all images of a request together. */
  readonly maxImagesBytes: number
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
  const { connectTimeoutMs, timeoutMs, maxImagesBytes, allowInsecureLoopback } = options
  const isForbidden = (address: string): boolean =>
    !isPublicAddress(address) && !(allowInsecureLoopback && isLoopbackAddress(address))
  const connect = upstreamConnector({ timeoutMs: connectTimeoutMs, allowInsecureLoopback, isForbidden })
  const agent = new Agent({ allowH2: false, connect })
  const following = agent.compose(interceptors.redirect({ maxRedirections: MAX_REDIRECTS }))

  const slots = new Slots(AT_A_TIME)

  const fetchOne = async (url: string, signal: AbortSignal, room: Room): Promise<InlineImage | ImageFault> => {
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
      const image = await collect(answer.body, room)
      if (image === undefined)
        return { url, reason: `is too large: ${maxImagesBytes} bytes are the most for a request` }
      return { mediaType, base64: image.toString('base64') }
    } catch (error) {
      return { url, reason: reasonOf(error, timeoutMs) }
    }
  }

  return {
    fetch: async (urls, { gone, hold }) => {
      const excess = urls[MAX_IMAGES]
      if (excess !== undefined) return { url: excess, reason: `is one too many: a request may refer to ${MAX_IMAGES}` }
      const signal = AbortSignal.any([gone, AbortSignal.timeout(timeoutMs)])
      const room: Room = { leftBytes: maxImagesBytes, hold }
      const fetched = await slots.run(() => Promise.all(urls.map((url) => fetchOne(url, signal, room))))
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

/** What a request's images may still take. */
interface Room {
  leftBytes: number
  readonly hold: (bytes: number) => boolean
}

/** Of requests whose images are fetched, which are held in memory. */
const AT_A_TIME = 16
/** That one request may refer to: as many as some providers take. */
const MAX_IMAGES = 20
const MAX_REDIRECTS = 3
const HEADERS = { accept: 'image/*', 'user-agent': 'sluice' }

/** Undefined where there is not enough room; the rest is then not read. */
async function collect(body: AsyncIterable<Buffer>, room: Room): Promise<Buffer | undefined> {
  const pieces: Buffer[] = []
  for await (const piece of body) {
    room.leftBytes -= piece.length
    if (room.leftBytes < 0 || !room.hold(piece.length)) return undefined
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** Undefined for what is no image. */
function mediaTypeOf({ headers }: Dispatcher.ResponseData): string | undefined {
  const [type = ''] = String(headers['content-type'] ?? '').split(';')
  const mediaType = type.trim().toLowerCase()
  return mediaType.startsWith('image/') ? mediaType : undefined
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof DOMException) return `did not arrive within ${timeoutMs / 1_000} s`
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'upstream_address_refused') return 'is at an address that no image may be fetched from'
  return 'could not be fetched'
}
