import { SluiceError } from '@sluice/contracts'
import { NatsError, ErrorCode as NatsErrorCode } from 'nats'

/** Nobody serves the subject: known at once, without waiting. Nothing was done. */
export class NoRespondersError extends SluiceError {
  override readonly name = 'NoRespondersError'
  constructor(subject: string, cause?: unknown) {
    super('unavailable', `nobody answers on ${subject}`, { cause })
  }
}

/** No answer came in time, or the connection was lost: whether the request was carried out is not known. */
export class NoReplyError extends SluiceError {
  override readonly name = 'NoReplyError'
  constructor(subject: string, cause?: unknown) {
    super('unavailable', `no answer on ${subject}`, { cause })
  }
}

/** What a failed request on `subject` means to the requester. */
export function requestFault(subject: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  if (error instanceof NatsError && error.code === NatsErrorCode.NoResponders)
    return new NoRespondersError(subject, error)
  return new NoReplyError(subject, error)
}
