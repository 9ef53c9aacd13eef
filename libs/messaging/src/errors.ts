import { SluiceError } from '@sluice/contracts'

/**
 * The value of a bucket's key does not match the bucket's schema: a foreign writer or another version of the software
 * wrote it.
 */
export class UnreadableEntryError extends SluiceError {
  override readonly name = 'UnreadableEntryError'
  readonly key: string
  readonly revision: number
  constructor(
    bucket: string,
    { key, revision }: { readonly key: string; readonly revision: number },
    options: ConstructorParameters<typeof SluiceError>[2],
  ) {
    super('internal', `The entry ${bucket}/${key} does not match the bucket's schema.`, options)
    this.key = key
    this.revision = revision
  }
}

/** No service responds on the subject, which the server reports at once. Nothing was done. */
export class NoRespondersError extends SluiceError {
  override readonly name = 'NoRespondersError'
  constructor(subject: string) {
    super('unavailable', `No service responds on ${subject}.`)
  }
}

/** No reply arrived in time, or the connection was lost: the request may or may not have been carried out. */
export class NoReplyError extends SluiceError {
  override readonly name: string = 'NoReplyError'
  constructor(subject: string) {
    super('unavailable', `No reply on ${subject}.`)
  }
}

/**
 * The server received a write and did not confirm it, although the connection is up. nats-server behaves so when its
 * disk is full: 2.9 then replies to no JetStream request, newer versions to none for the stream that could not be
 * written, and neither recovers without a restart. Whether the message is stored is unknown.
 */
export class NotConfirmedError extends NoReplyError {
  override readonly name = 'NotConfirmedError'
  constructor(subject: string, waitedMs: number) {
    super(subject)
    this.message =
      `NATS is connected but did not confirm a write on ${subject} within ${waitedMs / 1_000} s. ` +
      'Check whether the server is overloaded or the disk with its streams is full; after freeing space it may need a restart.'
  }
}

/** NATS has no room left, by its own JetStream limit or because its disk is full. Nothing was stored. */
export class NoRoomError extends SluiceError {
  override readonly name = 'NoRoomError'
  /** @param what was to be stored: a subject, a stream or a bucket */
  constructor(what: string, description: string, options: { cause?: unknown } = {}) {
    super(
      'unavailable',
      `NATS has no room left for ${what} (${description}): free disk space where it stores its streams, or raise its max_file_store`,
      options,
    )
  }
}

/** NATS does not permit this connection's user to publish on the subject. Nothing was done. */
export class NotPermittedError extends SluiceError {
  override readonly name = 'NotPermittedError'
  constructor(subject: string) {
    super('unavailable', `NATS does not permit this service to publish on ${subject}`)
  }
}

/**
 * A handler rejects a batch with this error when a message in it can never be handled, however often it is delivered.
 * `consume` then finds that message and moves it to the dead letters.
 */
export class UnprocessableMessageError extends Error {
  override readonly name = 'UnprocessableMessageError'
}
