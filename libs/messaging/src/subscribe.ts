import type { Msg, NatsConnection, NatsError, Subscription } from 'nats'

/**
 * Subscribes to a subject. Every subscription of this library goes through here: an exception that leaves a callback
 * of the NATS client ends the client's read loop without a trace, and the connection, still open, delivers nothing
 * until it is lost and restored.
 *
 * What `onMessage` or `onError` throws is therefore rethrown outside the read loop, where the process treats it as an
 * uncaught exception.
 * @param onError called with an error of the subscription itself, such as a missing permission
 */
export function subscribe(
  { connection }: { readonly connection: NatsConnection },
  subject: string,
  {
    queue,
    onMessage,
    onError,
  }: {
    readonly queue?: string
    readonly onMessage: (message: Msg) => void
    readonly onError: (error: NatsError) => void
  },
): Subscription {
  return connection.subscribe(subject, {
    ...(queue === undefined ? {} : { queue }),
    callback: (error, message) => {
      try {
        if (error === null) onMessage(message)
        else onError(error)
      } catch (exception) {
        queueMicrotask(() => {
          throw exception
        })
      }
    },
  })
}
