import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import type { ReceivedRequest } from '../simulated-provider.ts'

/** What an `Authorization` header says of its signature: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html. */
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

export interface SigningKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** Undefined if the header is absent or claims no signature of version 4. */
export function readSignatureClaim(authorization: string | undefined): SignatureClaim | undefined {
  const match = authorization?.match(CLAIM)
  const { accessKeyId, date, region, service, signedHeaders, signature } = match?.groups ?? {}
  if (!accessKeyId || !date || !region || !service || !signedHeaders || !signature) return undefined
  return { accessKeyId, date, region, service, signedHeaders: signedHeaders.split(';'), signature }
}

/**
 * Signs the request anew with `key`, in the region and for the service that the claim names, and compares. The body
 * counts as it arrived, whatever hash of it the request states, and must be signed along with host, date and session
 * token. A date further than five minutes from the arrival matches nothing.
 */
export async function signatureMatches(
  request: ReceivedRequest,
  claim: SignatureClaim,
  key: SigningKey,
): Promise<boolean> {
  const { headers, body, arrivedAtMs } = request
  const signedAtMs = readDate(headers['x-amz-date'])
  if (signedAtMs === undefined || Math.abs(arrivedAtMs - signedAtMs) > MAX_SKEW_MS) return false
  const due = MUST_BE_SIGNED.filter((name) => headers[name] !== undefined)
  if (!due.every((name) => claim.signedHeaders.includes(name))) return false
  const statedHash = headers['x-amz-content-sha256']
  if (statedHash !== undefined && statedHash !== (await sha256(body))) return false

  const { region, service, signedHeaders } = claim
  const signer = new SignatureV4({ region, service, credentials: key, sha256: Sha256, applyChecksum: false })
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

const CLAIM =
  /^AWS4-HMAC-SHA256 Credential=(?<accessKeyId>\w+)\/(?<date>\d{8})\/(?<region>[\w-]+)\/(?<service>[\w-]+)\/aws4_request, ?SignedHeaders=(?<signedHeaders>[\w;-]+), ?Signature=(?<signature>[0-9a-f]{64})$/

const MUST_BE_SIGNED = ['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256']
const MAX_SKEW_MS = 5 * 60_000

/** `20150830T123600Z` as Unix milliseconds. */
function readDate(header: string | string[] | undefined): number | undefined {
  const parts = typeof header === 'string' ? /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(header) : null
  if (parts === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, second)
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
