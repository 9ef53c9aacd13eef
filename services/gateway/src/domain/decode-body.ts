import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'

/**
 * The body without its content encoding. Empty where it is in one that is not known, is damaged, or is longer than
 * {@link MAX_DECODED_BYTES}: what cannot be read cannot be searched, and so is not passed on.
 */
export function decodeBody(body: Buffer, contentEncoding: string | string[] | undefined): Buffer {
  if (contentEncoding === undefined || contentEncoding === 'identity') return body
  const decode = DECODERS.get(String(contentEncoding))
  if (decode === undefined) return EMPTY
  try {
    return decode(body, { maxOutputLength: MAX_DECODED_BYTES })
  } catch {
    return EMPTY
  }
}

export const MAX_DECODED_BYTES = 4 * 1024 * 1024

const EMPTY = Buffer.alloc(0)

type Decoder = (body: Buffer, options: { maxOutputLength: number }) => Buffer

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateSync],
  ['br', brotliDecompressSync],
  ['zstd', zstdDecompressSync],
])
