import { constants, createBrotliDecompress, createInflateRaw, createUnzip, createZstdDecompress } from 'node:zlib'
import type { ContentCoding } from '../domain/content-coding.ts'

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
