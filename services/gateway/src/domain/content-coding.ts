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
