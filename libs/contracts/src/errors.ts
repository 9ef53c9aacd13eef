import { type Static, Type } from 'typebox'

/**
 * Every stable error code of Sluice, over HTTP and NATS alike. A code's meaning never changes; new codes may be added.
 */
export const ERROR_CODES = [
  // Gateway, to applications
  'invalid_api_key',
  'connection_forbidden',
  'connection_not_found',
  'connection_disabled',
  'model_not_allowed',
  'administration_not_allowed',
  'invalid_request',
  'payload_too_large',
  'unsupported_operation',
  'capacity_exceeded',
  'upstream_cool_down',
  'request_exceeds_capacity',
  'capacity_unavailable',
  'credential_unavailable',
  'upstream_credential_rejected',
  'upstream_unreachable',
  'upstream_timeout',
  // Admin API and NATS
  'unauthenticated',
  'forbidden',
  'not_found',
  'method_not_allowed',
  'name_taken',
  'last_admin_token',
  'version_conflict',
  'credential_rejected',
  'credential_untested',
  'no_previous_credential',
  'nothing_discovered',
  'rate_limited',
  'stale_permit_batch',
  'unavailable',
  'internal',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** One thing that is wrong with one field of what was sent. */
export type FieldError = Static<typeof FieldError>
export const FieldError = Type.Object({
  /** The field's path, parts joined by dots: `capacity.1.period`. Empty for the whole document. */
  field: Type.String(),
  message: Type.String(),
})

/**
 * The body of an error reply on NATS. The reply's headers carry `Nats-Service-Error-Code` (the code) and
 * `Nats-Service-Error` (the message), as NATS' own services do (ADR-32), so that any client can distinguish it from a
 * reply.
 */
export type ErrorReply = Static<typeof ErrorReply>
export const ErrorReply = Type.Object({
  code: Type.String(),
  message: Type.String(),
  errors: Type.Optional(Type.Array(FieldError)),
})

/**
 * A fault with a stable code. What is expected (a denied permit) is a value and never one of these.
 * Its message is fit for whoever made the request: it holds no secret and no detail of the inside.
 */
export class SluiceError extends Error {
  override readonly name: string = 'SluiceError'
  readonly code: ErrorCode
  /** One entry for each field that is wrong; empty where the fault is not about fields. */
  readonly fields: readonly FieldError[]

  constructor(code: ErrorCode, message: string, options: { fields?: readonly FieldError[]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.fields = options.fields ?? []
  }
}

/** `code` if it is one of Sluice's, else `internal`: for codes that came over the wire. */
export function knownErrorCode(code: string): ErrorCode {
  return (ERROR_CODES as readonly string[]).includes(code) ? (code as ErrorCode) : 'internal'
}
