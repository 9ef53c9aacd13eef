import { SluiceError } from '@sluice/contracts'

/** What stands under a key is not of its bucket's shape: somebody wrote it who should not, or another version of the software. */
export class UnreadableEntryError extends SluiceError {
  override readonly name = 'UnreadableEntryError'
  readonly key: string
  readonly revision: number
  constructor(
    bucket: string,
    { key, revision }: { readonly key: string; readonly revision: number },
    options: ConstructorParameters<typeof SluiceError>[2],
  ) {
    super('internal', `${bucket}/${key} is not of the bucket's shape`, options)
    this.key = key
    this.revision = revision
  }
}

/** Nobody serves the subject: known at once, without waiting. Nothing was done. */
export class NoRespondersError extends SluiceError {
  override readonly name = 'NoRespondersError'
  constructor(subject: string) {
    super('unavailable', `nobody answers on ${subject}`)
  }
}

/** No answer came in time, or the connection was lost: whether the request was carried out is not known. */
export class NoReplyError extends SluiceError {
  override readonly name: string = 'NoReplyError'
  constructor(subject: string) {
    super('unavailable', `no answer on ${subject}`)
  }
}

/**
 * The server took a write and did not confirm it, although the connection is there. That is what nats-server does when its disk is full:
 * 2.9 then answers no request for JetStream at all, newer ones none for the stream that could not be written, and neither goes on by itself
 * when there is room again. Whether the message is stored is not known.
 */
export class NotConfirmedError extends NoReplyError {
  override readonly name = 'NotConfirmedError'
  constructor(subject: string, waitedMs: number) {
    super(subject)
    this.message =
      `NATS did not confirm a write on ${subject} within ${waitedMs / 1_000} s although it is connected: ` +
      'see whether it is overloaded, or the disk that holds its streams full; then it may need a restart once there is room'
  }
}

/** NATS has no room left, by its own limit for JetStream or by what its disk has free. Nothing was stored. */
export class NoRoomError extends SluiceError {
  override readonly name = 'NoRoomError'
  /** @param what was to be stored: a subject, a stream, a bucket */
  constructor(what: string, description: string, options: { cause?: unknown } = {}) {
    super(
      'unavailable',
      `NATS has no room left for ${what} (${description}): free disk space where it stores its streams, or raise its max_file_store`,
      options,
    )
  }
}

/** The server does not let this connection's user publish on the subject: it is set up for another. Nothing was done. */
export class NotPermittedError extends SluiceError {
  override readonly name = 'NotPermittedError'
  constructor(subject: string) {
    super('unavailable', `NATS does not permit this service to publish on ${subject}`)
  }
}
