import { SluiceError } from '@sluice/contracts'

/** Nobody serves the subject: known at once, without waiting. Nothing was done. */
export class NoRespondersError extends SluiceError {
  override readonly name = 'NoRespondersError'
  constructor(subject: string) {
    super('unavailable', `nobody answers on ${subject}`)
  }
}

/** No answer came in time, or the connection was lost: whether the request was carried out is not known. */
export class NoReplyError extends SluiceError {
  override readonly name = 'NoReplyError'
  constructor(subject: string) {
    super('unavailable', `no answer on ${subject}`)
  }
}
