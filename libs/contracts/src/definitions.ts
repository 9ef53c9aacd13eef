import type { Static, TSchema } from 'typebox'

/** A request/reply subject: one of its responders replies to each request. */
export interface RequestDefinition<
  Arguments extends readonly string[] = readonly string[],
  Request extends TSchema = TSchema,
  Reply extends TSchema = TSchema,
> {
  /** The subject for these identifiers; without any, pass none. */
  readonly subject: (...identifiers: Arguments) => string
  /** The queue group that responders share, so that one of them gets each request. */
  readonly queue: string
  /** How long a requester waits for the reply. */
  readonly timeoutMs: number
  /**
   * For a request that changes nothing and costs little, so that several responders may reply: when the queue's
   * responder takes longer than this, the request is sent to every responder on {@link subjectOfAll}, and the first
   * reply counts. A responder that hangs then costs this long, not the reply. Absent: the request is sent once.
   */
  readonly askAllAfterMs?: number
  readonly request: Request
  readonly reply: Reply
}

/** Returns the subject on which every responder gets a request, if {@link RequestDefinition.askAllAfterMs} is set. */
export function subjectOfAll(subject: string): string {
  return `${subject}.all`
}

/** A plain event: published once to the subscribers of that moment. */
export interface EventDefinition<
  Arguments extends readonly string[] = readonly string[],
  Event extends TSchema = TSchema,
> {
  readonly subject: (...identifiers: Arguments) => string
  readonly event: Event
}

/** A JetStream stream of messages on one subject pattern, kept until they are too old or too many. */
export interface StreamDefinition<
  Arguments extends readonly string[] = readonly string[],
  Message extends TSchema = TSchema,
> {
  readonly name: string
  readonly subject: (...identifiers: Arguments) => string
  readonly message: Message
  /** Messages older than this leave the stream, read or not. */
  readonly maxAgeMs: number
  /**
   * The stream's size on disk never exceeds this; the oldest messages go first. The server reserves it when it creates
   * the stream.
   */
  readonly maxBytes: number
  /** Two messages with one id within this span are stored once. */
  readonly duplicateWindowMs: number
}

/** A KV bucket of JSON values. */
export interface BucketDefinition<Value extends TSchema = TSchema> {
  readonly name: string
  readonly value: Value
  /** Entries not written again within this time are removed, without a delete marker. Absent: they stay. */
  readonly expiryMs?: number
  /**
   * The bucket's size on disk, which the server reserves. A write that would exceed it is refused. Absent: as much as
   * there is room for.
   */
  readonly maxBytes?: number
  /**
   * Only its owner reads it, and its keys stand below a random token from its stream's settings, which no other user
   * may read. A user who may send any JetStream request can have the server write its reply to any subject the user
   * knows, despite all permissions.
   */
  readonly isPrivate?: true
}

export function defineRequest<A extends readonly string[], Q extends TSchema, R extends TSchema>(
  definition: RequestDefinition<A, Q, R>,
): RequestDefinition<A, Q, R> {
  return definition
}

export function defineEvent<A extends readonly string[], E extends TSchema>(
  definition: EventDefinition<A, E>,
): EventDefinition<A, E> {
  return definition
}

export function defineStream<A extends readonly string[], M extends TSchema>(
  definition: StreamDefinition<A, M>,
): StreamDefinition<A, M> {
  return definition
}

export function defineBucket<V extends TSchema>(definition: BucketDefinition<V>): BucketDefinition<V> {
  return definition
}

/** The request of a definition. */
export type RequestOf<D> = D extends RequestDefinition<infer _A, infer Q, infer _R> ? Static<Q> : never
/** The reply of a definition. */
export type ReplyOf<D> = D extends RequestDefinition<infer _A, infer _Q, infer R> ? Static<R> : never
