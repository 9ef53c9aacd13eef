import { createEgressPolicy, egressConnector, isLoopbackAddress, isPublicAddress } from '@sluice/egress'
import { type InlineImage, SNIFFED_BYTES, sniffMediaType, usualMediaType } from '@sluice/providers'
import { Agent, type Dispatcher, interceptors } from 'undici'
import { Slots } from './slots.ts'

interface ImageRequest {
  /** The id of the API key for which they are fetched: keys take turns. */
  readonly owner: string
  /** Aborts when the client disconnects. */
  readonly disconnected: AbortSignal
  /** Returns false if so many bytes more cannot be held; called before each piece of an image is kept. */
  readonly hold: (bytes: number) => boolean
}

/** Images that requests refer to by URL, for providers that do not fetch them. */
export interface Images {
  /** Fetches the images at these https URLs; or returns why they could not be fetched. */
  fetch(urls: readonly string[], request: ImageRequest): Promise<ReadonlyMap<string, InlineImage> | ImageFault>
}

export interface ImageFault {
  /** `bad-image`: the first image that could not be fetched is at fault. `busy`: the gateway has no room for it now. */
  readonly fault: 'bad-image' | 'busy'
  /** In words fit for the application. */
  readonly message: string
}

export interface HttpImagesOptions {
  readonly connectTimeoutMs: number
  /** The time for all images of a request, from their requests to their last byte; and before that, for their turn. */
  readonly timeoutMs: number
  /** The most bytes of all images of a request together. */
  readonly maxImagesBytes: number
  /** Whether images may be on this machine itself, and over http: for tests. */
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
  const connect = egressConnector(createEgressPolicy({ allowInsecureLoopback, isForbidden }), connectTimeoutMs)
  const agent = new Agent({ allowH2: false, connect })
  const following = agent.compose(interceptors.redirect({ maxRedirections: MAX_REDIRECTS }))

  const slots = new Slots({ count: AT_A_TIME, maxWaitingPerOwner: MAX_WAITING_PER_KEY })

  const fetchOne = async (url: string, signal: AbortSignal, room: Room): Promise<InlineImage | ImageFault> => {
    const bad = (reason: string) => badImage(url, reason)
    try {
      const { origin, pathname, search } = new URL(url)
      const response = await following.request({
        origin,
        path: pathname + search,
        method: 'GET',
        headers: HEADERS,
        signal,
      })
      if (response.statusCode !== 200) {
        await response.body.dump()
        return bad(`came with status ${response.statusCode}`)
      }
      const label = labelOf(response)
      const image = await collect(response.body, label, room)
      if (image === 'no-image') return bad(`is no image${label === '' ? '' : `: it came as ${label}`}`)
      if (image === 'too-large') return bad(`is too large: ${maxImagesBytes} bytes are the most for a request`)
      return image === 'no-room' ? NO_MEMORY : image
    } catch (error) {
      return bad(reasonOf(error, timeoutMs))
    }
  }

  const fetchAll = async (urls: readonly string[], { disconnected, hold }: ImageRequest) => {
    const signal = AbortSignal.any([disconnected, AbortSignal.timeout(timeoutMs)])
    const room: Room = { leftBytes: maxImagesBytes, hold }
    const fetched = await Promise.all(urls.map((url) => fetchOne(url, signal, room)))
    const images = new Map<string, InlineImage>()
    for (const [index, image] of fetched.entries()) {
      if ('fault' in image) return image
      images.set(urls[index] ?? '', image)
    }
    return images
  }

  return {
    fetch: async (urls, request) => {
      const excess = urls[MAX_IMAGES]
      if (excess !== undefined) return badImage(excess, `is one too many: a request may refer to ${MAX_IMAGES}`)
      const slot = await slots.take(request.owner, { disconnected: request.disconnected, maxWaitMs: timeoutMs })
      if (slot.status !== 'taken') return NO_TURN
      try {
        return await fetchAll(urls, request)
      } finally {
        slot.giveBack()
      }
    },
    stop: () => agent.destroy(),
  }
}

/** The room that is left for a request's images. */
interface Room extends Pick<ImageRequest, 'hold'> {
  leftBytes: number
}

/** The most requests whose images are fetched at a time, as these are held in memory. */
const AT_A_TIME = 16
/** The most requests of one API key that wait for their turn. */
const MAX_WAITING_PER_KEY = 32
/** The most images that one request may refer to: as many as some providers take. */
const MAX_IMAGES = 20
const MAX_REDIRECTS = 3
const HEADERS = { accept: 'image/*', 'user-agent': 'sluice' }

const NO_TURN: ImageFault = {
  fault: 'busy',
  message: 'The gateway is fetching too many images at the moment. Retry, or send the images with the request.',
}
const NO_MEMORY: ImageFault = {
  fault: 'busy',
  message: 'The gateway has no memory left for the images of this request at the moment. Retry.',
}

function badImage(url: string, reason: string): ImageFault {
  return { fault: 'bad-image', message: `The image at ${url} ${reason}.` }
}

/**
 * Reads an image, which is what its first bytes say: servers call a JPEG `image/jpg` and `application/octet-stream`. Of what is none, and
 * where there is not enough room, the rest is not read.
 */
async function collect(
  body: AsyncIterable<Buffer>,
  label: string,
  room: Room,
): Promise<InlineImage | 'no-image' | 'too-large' | 'no-room'> {
  const pieces: Buffer[] = []
  let sizeBytes = 0
  let mediaType: string | undefined
  for await (const piece of body) {
    room.leftBytes -= piece.length
    if (room.leftBytes < 0) return 'too-large'
    if (!room.hold(piece.length)) return 'no-room'
    pieces.push(piece)
    sizeBytes += piece.length
    if (mediaType !== undefined || sizeBytes < SNIFFED_BYTES) continue
    mediaType = imageType(pieces, label)
    if (mediaType === undefined) return 'no-image'
  }
  mediaType ??= imageType(pieces, label)
  return mediaType === undefined ? 'no-image' : { mediaType, base64: Buffer.concat(pieces).toString('base64') }
}

/** Returns undefined for what is no image. The label counts if the bytes show no known format. */
function imageType(pieces: readonly Buffer[], label: string): string | undefined {
  const mediaType = sniffMediaType(Buffer.concat(pieces)) ?? label
  return mediaType.startsWith('image/') ? mediaType : undefined
}

function labelOf({ headers }: Dispatcher.ResponseData): string {
  return usualMediaType(String(headers['content-type'] ?? ''))
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof DOMException) return `did not arrive within ${timeoutMs / 1_000} s`
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'upstream_address_refused') return 'is at an address that no image may be fetched from'
  return 'could not be fetched'
}
