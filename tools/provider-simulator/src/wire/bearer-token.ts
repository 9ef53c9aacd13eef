/** The token of an `Authorization: Bearer` header (RFC 6750); undefined if there is none. */
export function readBearerToken(authorization: string | undefined): string | undefined {
  return authorization?.match(/^Bearer +(\S+)$/i)?.[1]
}
