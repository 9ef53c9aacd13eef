import type { SignatureRefusal } from './signature.ts'

/** An error that a service returns: its type, as the documentation of the operation names it, and the HTTP status. */
export class AwsError extends Error {
  override readonly name = 'AwsError'
  readonly type: string
  readonly status: number

  constructor(type: string, message = '', status = 400) {
    super(message)
    this.type = type
    this.status = status
  }
}

/** The error types of the JSON protocols (Bedrock, KMS, Service Quotas) for a signature that is not accepted. */
export const SIGNATURE_ERROR_TYPES: Readonly<Record<SignatureRefusal['reason'], string>> = {
  missing: 'MissingAuthenticationTokenException',
  malformed: 'IncompleteSignatureException',
  'unknown-key': 'UnrecognizedClientException',
  expired: 'ExpiredTokenException',
  'wrong-scope': 'InvalidSignatureException',
  mismatch: 'InvalidSignatureException',
}
