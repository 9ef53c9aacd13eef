/** The number of bytes of a file that {@link sniffMediaType} reads. */
export const SNIFFED_BYTES = 64

/**
 * Returns the media type that a file's first bytes show, such as `image/jpeg`; undefined where they are not recognized.
 * Labels are less reliable: programs call a JPEG `image/jpg` after its extension, and servers call it
 * `application/octet-stream`.
 * @see https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
 * @see https://mimesniff.spec.whatwg.org/#matching-an-audio-or-video-type-pattern
 */
export function sniffMediaType(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, SNIFFED_BYTES))
  const text = head.toString('latin1')
  if (text.startsWith('ftyp', 4)) return sniffIsoMedia(head)
  if (SVG.test(text)) return 'image/svg+xml'
  const hex = head.toString('hex')
  return SIGNATURES.find(([pattern]) => pattern.test(hex))?.[1]
}

/**
 * Signatures at a file's start, in hex. BMP's two letters could begin a text, so the four zero bytes after its size
 * count, too.
 */
const SIGNATURES: readonly (readonly [RegExp, string])[] = [
  [/^ffd8ff/, 'image/jpeg'],
  [/^89504e470d0a1a0a/, 'image/png'],
  [/^474946383[79]61/, 'image/gif'],
  [/^52494646.{8}57454250/, 'image/webp'],
  [/^424d.{8}0{8}/, 'image/bmp'],
  [/^(?:49492[ab]00|4d4d002[ab])/, 'image/tiff'],
  [/^00000100/, 'image/x-icon'],
  [/^0000000c6a502020/, 'image/jp2'],
  [/^255044462d/, 'application/pdf'],
  [/^52494646.{8}57415645/, 'audio/wav'],
  [/^52494646.{8}41564920/, 'video/x-msvideo'],
  [/^464f524d.{8}4149464[36]/, 'audio/aiff'],
  [/^494433/, 'audio/mpeg'],
  [/^fff[23ab]/, 'audio/mpeg'],
  [/^fff[19]/, 'audio/aac'],
  [/^664c6143/, 'audio/flac'],
  [/^4f67675300/, 'audio/ogg'],
  [/^1a45dfa3/, 'video/webm'],
  [/^000001b[3a]/, 'video/mpeg'],
]
const SVG = /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<svg[\s>]/i

/** Reads the brands of an ISO 14496-12 file: its own and the compatible ones. */
function sniffIsoMedia(head: Buffer): string | undefined {
  const length = Math.min(head.length, head.readUInt32BE())
  const brands = [head.toString('latin1', 8, 12)]
  for (let at = 16; at + 4 <= length; at += 4) brands.push(head.toString('latin1', at, at + 4))
  const known = (names: ReadonlySet<string>): boolean => brands.some((brand) => names.has(brand))
  if (known(AVIF_BRANDS)) return 'image/avif'
  if (known(HEIC_BRANDS)) return 'image/heic'
  if (known(HEIF_BRANDS)) return 'image/heif'
  return RECORDING_BRANDS.find(([pattern]) => brands.some((brand) => pattern.test(brand)))?.[1]
}

const AVIF_BRANDS: ReadonlySet<string> = new Set(['avif', 'avis'])
const HEIC_BRANDS: ReadonlySet<string> = new Set(['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx'])
const HEIF_BRANDS: ReadonlySet<string> = new Set(['mif1', 'msf1'])
/** The first entry that matches any brand counts: audio files name video brands, too. */
const RECORDING_BRANDS: readonly (readonly [RegExp, string])[] = [
  [/^M4[AB] $/, 'audio/mp4'],
  [/^qt {2}$/, 'video/quicktime'],
  [/^3g[2p]/, 'video/3gpp'],
  [/^(?:iso[m2-9]|mp4[12]|M4V |avc1|dash)$/, 'video/mp4'],
]

/**
 * Returns a label's registered name in lower case, without parameters: `image/jpeg` for `image/JPG; q=1`. Empty where
 * it is not a media type.
 */
export function usualMediaType(label: string): string {
  const [type = ''] = label.split(';', 1)
  const name = type.trim().toLowerCase()
  if (!/^[a-z0-9.+-]+\/[a-z0-9.+-]+$/.test(name)) return ''
  return USUAL_NAMES.get(name) ?? name
}

/** Registered names by the other names that programs and servers use. */
const USUAL_NAMES: ReadonlyMap<string, string> = new Map([
  ['image/jpg', 'image/jpeg'],
  ['image/pjpeg', 'image/jpeg'],
  ['image/jfif', 'image/jpeg'],
  ['image/x-png', 'image/png'],
  ['image/x-ms-bmp', 'image/bmp'],
  ['image/x-bmp', 'image/bmp'],
  ['application/x-pdf', 'application/pdf'],
  ['text/x-markdown', 'text/markdown'],
  ['application/csv', 'text/csv'],
  ['audio/mp3', 'audio/mpeg'],
  ['audio/x-mp3', 'audio/mpeg'],
  ['audio/x-wav', 'audio/wav'],
  ['audio/wave', 'audio/wav'],
  ['audio/vnd.wave', 'audio/wav'],
  ['audio/x-flac', 'audio/flac'],
  ['audio/x-aiff', 'audio/aiff'],
  ['audio/x-aac', 'audio/aac'],
  ['audio/x-m4a', 'audio/mp4'],
  ['audio/m4a', 'audio/mp4'],
  ['video/mov', 'video/quicktime'],
  ['video/avi', 'video/x-msvideo'],
  ['video/wmv', 'video/x-ms-wmv'],
])
