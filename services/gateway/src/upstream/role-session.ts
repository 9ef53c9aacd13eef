import { hash } from 'node:crypto'
import type { TemporaryCredentials } from '@sluice/egress'
import { Secret } from '@sluice/service-kit'
import { Hash } from '@smithy/hash-node'
import { SignatureV4 } from '@smithy/signature-v4'
import type { CredentialSecrets } from './sealed-box.ts'
import type { UpstreamRequest } from './upstream.ts'

/** A session in an AWS role: temporary credentials that sign requests. */
export class RoleSession {
  /** The secrets that AWS may repeat in an error: its description of a wrong signature has the token and the access key id. */
  readonly secrets: CredentialSecrets
  readonly #signer: SignatureV4
  readonly #dueAtMs: number
  readonly #unusableAtMs: number

  /** @param obtainedAtMs when the credentials arrived, in Unix milliseconds */
  constructor(credentials: TemporaryCredentials, obtainedAtMs: number) {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = credentials
    const lifetimeMs = expiration.getTime() - obtainedAtMs
    this.#dueAtMs = obtainedAtMs + lifetimeMs * DUE_AT
    this.#unusableAtMs = obtainedAtMs + lifetimeMs * UNUSABLE_AT
    this.secrets = {
      accessKeyId: new Secret(accessKeyId),
      secretAccessKey: new Secret(secretAccessKey),
      sessionToken: new Secret(sessionToken),
    }
    this.#signer = new SignatureV4({
      service: SERVICE,
      // Unused: each signature has the region of its request.
      region: '',
      sha256: Hash.bind(null, 'sha256'),
      credentials: async () => ({ accessKeyId, secretAccessKey, sessionToken }),
    })
  }

  /** Returns whether it is time to renew the session. */
  isDueAt(nowMs: number): boolean {
    return nowMs >= this.#dueAtMs
  }

  isUsableAt(nowMs: number): boolean {
    return nowMs < this.#unusableAtMs
  }

  /**
   * Returns the headers that sign `request`, names and values alternating.
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
   */
  async sign({ method, origin, path, headers, body }: RequestToSign, region: string): Promise<string[]> {
    const { protocol, host, hostname } = new URL(origin)
    const questionMark = path.indexOf('?')
    const { headers: signed } = await this.#signer.sign(
      {
        method,
        protocol,
        hostname,
        // The signer escapes its escapes once more, as AWS requires for all services but S3.
        path: questionMark < 0 ? path : path.slice(0, questionMark),
        query: questionMark < 0 ? {} : queryParameters(path.slice(questionMark + 1)),
        headers: { ...headersToSign(headers), host, [BODY_HASH]: hash('sha256', body ?? '', 'hex') },
      },
      { signingRegion: region },
    )
    return ADDED_HEADERS.flatMap((name) => {
      const value = signed[name]
      if (value === undefined) throw new Error(`the signer has not set the header ${name}`)
      return [name, value]
    })
  }
}

/** Bedrock's signing name; its endpoints have another one (`bedrock-runtime`). */
const SERVICE = 'bedrock'
/** Parts of a session's lifetime: after 45 minutes of an hour it is renewed, and for its last three it is not used. */
const DUE_AT = 0.75
const UNUSABLE_AT = 0.95
const BODY_HASH = 'x-amz-content-sha256'
const ADDED_HEADERS = ['authorization', 'x-amz-date', 'x-amz-security-token', BODY_HASH] as const

/** Returns the headers that AWS requires to be signed; a proxy on the way may change others. */
function headersToSign(headers: readonly string[]): Record<string, string> {
  const toSign: Record<string, string> = {}
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = headers.slice(i, i + 2)
    if (name === undefined || value === undefined) continue
    if (name === 'content-type' || name.startsWith('x-amz')) toSign[name] = value
  }
  return toSign
}

function queryParameters(query: string): Record<string, string[]> {
  const parameters = new URLSearchParams(query)
  return Object.fromEntries([...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name)]))
}

/** A request whose body is in memory: the signature covers the whole body and is sent before it. */
export interface RequestToSign extends UpstreamRequest {
  readonly body: Buffer | null
}

export interface SignedRequest {
  readonly request: UpstreamRequest
  /** The secrets that the provider might repeat in an error. */
  readonly secrets: CredentialSecrets
}
