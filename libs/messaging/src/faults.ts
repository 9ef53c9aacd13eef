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

/** The server does not let this connection's user publish on the subject: it is set up for another. Nothing was done. */
export class NotPermittedError extends SluiceError {
  override readonly name = 'NotPermittedError'
  constructor(subject: string) {
    super('unavailable', `NATS does not permit this service to publish on ${subject}`)
  }
}
