import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** `slc` for an application's API key, `slo` for an operator's token, `sls` for a console session. */
export type AccessTokenKind = 'slc' | 'slo' | 'sls'

/**
 * Creates a token of 256 random bits: `<kind>_`, 43 base62 digits, and 6 base62 digits of CRC-32 over the text before
 * them. The fixed prefix and the checksum let secret scanners find tokens offline, as with GitHub's
 * (https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats).
 */
export function createAccessToken(kind: AccessTokenKind, random: Uint8Array = randomBytes(RANDOM_BYTES)): string {
  const body = `${kind}_${base62(BigInt(`0x${Buffer.from(random).toString('hex')}`), RANDOM_DIGITS)}`
  return body + checksum(body)
}

/**
 * Returns whether `text` has the form of a token of this kind and the right checksum: no other text needs to be looked
 * up.
 */
export function isAccessToken(text: string, kind: AccessTokenKind): boolean {
  if (text.length !== TOKEN_LENGTH || !text.startsWith(`${kind}_`) || !/^\w+$/.test(text)) return false
  const body = text.slice(0, -CHECKSUM_DIGITS)
  return text.slice(-CHECKSUM_DIGITS) === checksum(body)
}

/**
 * Returns the SHA-256 of a token in lower-case hex, which is stored and looked up in its place. A plain hash is enough,
 * because 256 random bits cannot be guessed.
 */
export function hashAccessToken(token: string): string {
  return hash('sha256', token, 'hex')
}

function checksum(body: string): string {
  return base62(BigInt(crc32(body)), CHECKSUM_DIGITS)
}

function base62(value: bigint, digits: number): string {
  let text = ''
  for (let rest = value; text.length < digits; rest /= 62n) text = ALPHABET.charAt(Number(rest % 62n)) + text
  return text
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const RANDOM_BYTES = 32
/** 62 ** 43 > 2 ** 256 and 62 ** 6 > 2 ** 32. */
const RANDOM_DIGITS = 43
const CHECKSUM_DIGITS = 6
const TOKEN_LENGTH = 'slc_'.length + RANDOM_DIGITS + CHECKSUM_DIGITS
