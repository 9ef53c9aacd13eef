import { constants, createBrotliDecompress, createInflateRaw, createUnzip, createZstdDecompress } from 'node:zlib'

/** The content codings in which a body can be read. */
export const CONTENT_CODINGS = ['gzip', 'deflate', 'br', 'zstd'] as const

export type ContentCoding = (typeof CONTENT_CODINGS)[number]

/**
 * Reads a `Content-Encoding` header: the codings in the order in which they were applied, empty for a plain body.
 * @returns `unknown`, the first coding that cannot be decoded, as the header spells it
 * @see RFC 9110, section 8.4
 */
export function contentCodings(header: string | string[] | undefined): readonly ContentCoding[] | UnknownCoding {
  if (header === undefined) return NONE
  const codings: ContentCoding[] = []
  for (const item of String(header).split(',')) {
    const name = item.trim()
    const coding = name.toLowerCase()
    if (coding === '' || coding === 'identity') continue
    const known = KNOWN.get(coding)
    if (known === undefined) return { unknown: name }
    codings.push(known)
  }
  return codings
}

export interface UnknownCoding {
  readonly unknown: string
}

const NONE: readonly ContentCoding[] = []

/** RFC 9110, section 8.4.1.3, has recipients take `x-gzip` for `gzip`. */
const KNOWN: ReadonlyMap<string, ContentCoding> = new Map([
  ...CONTENT_CODINGS.map((coding) => [coding, coding] as const),
  ['x-gzip', 'gzip'],
])

/** A stream of node:zlib; it decodes outside the event loop. */
export type ContentDecoder = ReturnType<typeof createUnzip>

export interface ContentDecoderOptions {
  /** In bytes. Default: 16 KiB. */
  readonly chunkSize?: number
  /** Refuses zstd with a window of more than 8 MiB, which a sender of content codings may not use (RFC 9659). */
  readonly boundsWindow?: boolean
}

/** Returns a decoder for one body. @param firstChunk the body's first bytes, at least one */
export function contentDecoder(
  coding: ContentCoding,
  firstChunk: Uint8Array,
  { chunkSize, boundsWindow = false }: ContentDecoderOptions = {},
): ContentDecoder {
  const options = chunkSize === undefined ? {} : { chunkSize }
  switch (coding) {
    case 'gzip':
      return createUnzip(options)
    case 'deflate':
      return isZlib(firstChunk) ? createUnzip(options) : createInflateRaw(options)
    case 'br':
      return createBrotliDecompress(options)
    case 'zstd':
      return createZstdDecompress(boundsWindow ? { ...options, params: BOUNDED_WINDOW } : options)
  }
}

const BOUNDED_WINDOW = { [constants.ZSTD_d_windowLogMax]: 23 }

/** Some senders leave out deflate's zlib header, which RFC 9110, section 8.4.1.2, asks for. */
function isZlib(firstChunk: Uint8Array): boolean {
  return ((firstChunk[0] ?? 0) & 0x0f) === 0x08
}
