import type { ConnectionTest, ConnectionTestErrorCode } from '@sluice/contracts'
import { UpstreamAddressError } from '@sluice/egress'

export interface FailureDescription extends Pick<NonNullable<ConnectionTest['error']>, 'message' | 'status'> {
  readonly code: ConnectionTestErrorCode
}

/** A provider rejects the connection, for a reason that the probe has identified. */
export class ProbeFailure extends Error {
  override readonly name = 'ProbeFailure'
  readonly code: ConnectionTestErrorCode
  /** The HTTP status of the provider's response. */
  readonly status: number | undefined

  constructor(code: ConnectionTestErrorCode, message: string, status?: number) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** Describes a probe's rejection, whichever SDK it comes from. The message may still contain secrets. */
export function describeFailure(error: unknown): FailureDescription {
  if (error instanceof ProbeFailure) {
    const { code, message, status } = error
    return { code, message, ...(status === undefined ? {} : { status }) }
  }
  const status = statusOf(error)
  if (status !== undefined) {
    const lacksScope = status === 401 && LACKS_SCOPE.test(messageOf(error))
    const code = isThrottling(error) ? 'rate_limited' : lacksScope ? 'forbidden' : codeOf(status)
    return { code, message: code === 'untested' ? untested(status, messageOf(error)) : messageOf(error), status }
  }
  const causes = causesOf(error)
  const refused = causes.find((cause) => cause instanceof UpstreamAddressError)
  if (refused !== undefined) return { code: 'unreachable', message: refused.message }
  const broken = causes.find(({ code }) => typeof code === 'string' && UNREACHABLE.test(code))
  if (broken !== undefined) return { code: 'unreachable', message: `No connection to the provider: ${broken.code}.` }
  return { code: 'provider_error', message: causes.at(-1)?.message ?? 'The test failed.' }
}

/** Returns the message of a test without a result. @param message the provider's */
export function untested(status: number, message: string): string {
  return `The credential could not be tested: there is no list of models at this base URL (HTTP ${status}). ${message}`
}

/** Returns the code of an HTTP status for which the provider gives no other reason. */
export function codeOf(status: number): ConnectionTestErrorCode {
  return CODES.get(status) ?? 'provider_error'
}

const CODES: ReadonlyMap<number, ConnectionTestErrorCode> = new Map([
  [401, 'invalid_credential'],
  [403, 'forbidden'],
  // Many compatible servers have no list of models, for example Azure AI Foundry's Anthropic endpoint.
  [404, 'untested'],
  [405, 'untested'],
  [501, 'untested'],
  [429, 'rate_limited'],
])

/** OpenAI responds 401 to a restricted key that may not list models, but may do other things. */
const LACKS_SCOPE = /missing scopes|insufficient permissions/i

/** Errors of `node:dns`, `node:net`, `node:tls` and undici without a response. */
const UNREACHABLE =
  /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|EPROTO|UND_ERR_(CONNECT_TIMEOUT|SOCKET)|(ERR_(TLS|SSL)|UNABLE_TO)_\w+|\w*CERT\w*)$/

interface SdkError extends Error {
  readonly code?: unknown
  /** The SDKs of OpenAI, Anthropic, Groq and Google. */
  readonly status?: unknown
  /** The parsed body, from which the first three SDKs make their message. */
  readonly error?: { readonly message?: unknown; readonly error?: { readonly message?: unknown } }
  /** AWS. */
  readonly $metadata?: { readonly httpStatusCode?: number }
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  const { status, $metadata } = error as SdkError
  return typeof status === 'number' ? status : $metadata?.httpStatusCode
}

/** STS throttles with status 400. */
function isThrottling(error: unknown): boolean {
  return error instanceof Error && /^Throttling/.test(error.name)
}

function messageOf(error: unknown): string {
  const { error: body, message } = error as SdkError
  const words = [body?.error?.message, body?.message, message].find((text) => typeof text === 'string' && text !== '')
  return typeof words === 'string' ? words : 'The provider gave no reason.'
}

/** Returns the error and its causes; several at once if every address of a name failed. */
function causesOf(error: unknown): SdkError[] {
  const causes: SdkError[] = []
  for (let next: unknown = error; next instanceof Error && causes.length < MAX_CAUSES; next = next.cause) {
    causes.push(next as SdkError)
    if (next instanceof AggregateError) causes.push(...next.errors.filter((each) => each instanceof Error))
  }
  return causes
}

const MAX_CAUSES = 10
