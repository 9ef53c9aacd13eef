import { AwsError } from './aws-error.ts'
import type { AwsFault } from './controls.ts'
import type { SignedRequest } from './signature.ts'

/** A request to one operation of a simulated service. */
export interface AwsRequest extends SignedRequest {
  /** Such as `AssumeRole`. */
  readonly operation: string
}

/** One simulated service: what it does, and how its protocol writes it. No I/O. */
export interface AwsApi {
  /**
   * Checks the signature, and returns the function that carries out the operation and returns the response body.
   * @throws AwsError if the signature is not accepted; the returned function throws the operation's own errors
   */
  accept(request: AwsRequest): Promise<() => string>
  readonly contentType: string
  writeError(error: AwsError, requestId: string): string
  /** Returns the error that a control asks for. */
  faultError(fault: Extract<AwsFault, { kind: 'status' | 'rate-limit' }>): AwsError
}

/** The JSON protocol of KMS and Service Quotas: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html. */
export const JSON_PROTOCOL = {
  contentType: 'application/x-amz-json-1.1',
  writeError: ({ type, message }) => JSON.stringify({ __type: type, ...(message !== '' && { message }) }),
} as const satisfies Pick<AwsApi, 'contentType' | 'writeError'>

/**
 * Parses the body of a request in the JSON protocol.
 * @throws AwsError `SerializationException` if it is not an object
 */
export function parseInput(body: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (error) {
    if (error instanceof SyntaxError) throw new AwsError('SerializationException')
    throw error
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new AwsError('SerializationException')
  return { ...value }
}
