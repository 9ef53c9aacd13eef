import type { IncomingHttpHeaders } from 'node:http'
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'

/** The signed parts of a request, as they arrived. */
export interface SignedRequest {
  readonly method: string
  /** Percent-encoded, without the query. */
  readonly path: string
  /** Without the question mark; empty if there is none. */
  readonly query: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Unix milliseconds. */
  readonly arrivedAtMs: number
}

/** A key that may sign requests: an IAM user's, or with `sessionToken` and `expiresAtMs` that of a session. */
export interface SigningKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** Unix milliseconds. */
  readonly expiresAtMs?: number
}

/** The required scope of a signature; without a `region`, any region is accepted. */
export interface SignatureScope {
  readonly service: 'sts' | 'kms' | 'servicequotas' | 'bedrock'
  readonly region?: string
}

export interface SignatureRefusal {
  readonly status: 'refused'
  readonly reason: 'missing' | 'malformed' | 'unknown-key' | 'expired' | 'wrong-scope' | 'mismatch'
  /** In AWS's words. */
  readonly message: string
}

/** A key and where it may be used. */
export interface FoundKey<Key extends SigningKey> {
  readonly key: Key
  readonly scope: SignatureScope
}

/**
 * Checks the signature (SigV4) of a request as AWS does: it signs the request with the caller's secret and compares.
 * The body counts as it arrived, and has to be signed along with host, date and session token; a date more than five
 * minutes off matches nothing.
 * @param find returns the key with this id; `sessionToken` is the request's. Undefined: there is none
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
export async function verifySignature<Key extends SigningKey>(
  request: SignedRequest,
  find: (accessKeyId: string, sessionToken: string | undefined) => FoundKey<Key> | undefined,
): Promise<{ readonly status: 'valid'; readonly key: Key } | SignatureRefusal> {
  const { authorization, 'x-amz-security-token': token } = request.headers
  if (authorization === undefined) return refused('missing', 'Missing Authentication Token')
  const claim = readSignatureClaim(authorization)
  if (claim === undefined) return refused('malformed', 'The Authorization header has no signature of version 4.')
  const sessionToken = typeof token === 'string' ? token : undefined
  const found = find(claim.accessKeyId, sessionToken)
  if (found === undefined || found.key.sessionToken !== sessionToken) {
    return refused('unknown-key', 'The security token included in the request is invalid.')
  }
  const { key, scope } = found
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= request.arrivedAtMs) {
    return refused('expired', 'The security token included in the request is expired')
  }
  if (claim.service !== scope.service) {
    return refused('wrong-scope', `Credential should be scoped to correct service: '${scope.service}'.`)
  }
  if (scope.region !== undefined && claim.region !== scope.region) {
    return refused('wrong-scope', 'Credential should be scoped to a valid region.')
  }
  if (await signatureMatches(request, claim, key)) return { status: 'valid', key }
  return refused(
    'mismatch',
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ' +
      'and signing method. Consult the service documentation for details.',
  )
}

/** The parts of an `Authorization` header. */
export interface SignatureClaim {
  readonly accessKeyId: string
  /** `YYYYMMDD` */
  readonly date: string
  readonly region: string
  readonly service: string
  readonly signedHeaders: readonly string[]
  /** 64 hexadecimal digits. */
  readonly signature: string
}

/** Returns undefined if the header has no signature of version 4. */
export function readSignatureClaim(authorization: string | undefined): SignatureClaim | undefined {
  const match = authorization?.match(CLAIM)
  const { accessKeyId, date, region, service, signedHeaders, signature } = match?.groups ?? {}
  if (!accessKeyId || !date || !region || !service || !signedHeaders || !signature) return undefined
  return { accessKeyId, date, region, service, signedHeaders: signedHeaders.split(';'), signature }
}

const CLAIM =
  /^AWS4-HMAC-SHA256 Credential=(?<accessKeyId>\w+)\/(?<date>\d{8})\/(?<region>[\w-]+)\/(?<service>[\w-]+)\/aws4_request, ?SignedHeaders=(?<signedHeaders>[\w;-]+), ?Signature=(?<signature>[0-9a-f]{64})$/
const MUST_BE_SIGNED = ['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256']
const MAX_SKEW_MS = 5 * 60_000

function refused(reason: SignatureRefusal['reason'], message: string): SignatureRefusal {
  return { status: 'refused', reason, message }
}

async function signatureMatches(request: SignedRequest, claim: SignatureClaim, key: SigningKey): Promise<boolean> {
  const { headers, body, arrivedAtMs } = request
  const signedAtMs = readDate(headers['x-amz-date'])
  if (signedAtMs === undefined || Math.abs(arrivedAtMs - signedAtMs) > MAX_SKEW_MS) return false
  const required = MUST_BE_SIGNED.filter((name) => headers[name] !== undefined)
  if (!required.every((name) => claim.signedHeaders.includes(name))) return false
  const statedHash = headers['x-amz-content-sha256']
  if (statedHash !== undefined && statedHash !== (await sha256(body))) return false

  const { region, service, signedHeaders } = claim
  const { accessKeyId, secretAccessKey } = key
  const credentials = { accessKeyId, secretAccessKey }
  const signer = new SignatureV4({ region, service, credentials, sha256: Sha256, applyChecksum: false })
  const signed = await signer.sign(
    {
      method: request.method,
      protocol: 'http:',
      hostname: '',
      path: request.path,
      query: queryOf(request.query),
      headers: Object.fromEntries(signedHeaders.map((name) => [name, String(headers[name] ?? '')])),
      body,
    },
    { signingDate: new Date(signedAtMs), signableHeaders: new Set(signedHeaders) },
  )
  const expected = readSignatureClaim(signed.headers.authorization)
  return expected?.signature === claim.signature && expected.date === claim.date
}

/** `20150830T123600Z` as Unix milliseconds. */
function readDate(header: string | string[] | undefined): number | undefined {
  const parts = typeof header === 'string' ? /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(header) : null
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second] = parts
  const atMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(atMs) ? undefined : atMs
}

async function sha256(body: string): Promise<string> {
  const hash = new Sha256()
  hash.update(body)
  return Buffer.from(await hash.digest()).toString('hex')
}

function queryOf(query: string): Record<string, string | string[]> {
  const parameters = new URLSearchParams(query)
  return Object.fromEntries([...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name)]))
}
