import { type BucketDefinition, fromSubjectToken, SluiceError, subjectToken, validate } from '@sluice/contracts'
import { type KV, type MsgHdrs, StorageType } from 'nats'
import type { Static, TSchema } from 'typebox'
import { createPrivateBucket, privatePrefix, publicPrefix } from './bucket-prefix.ts'
import type { Bus } from './bus.ts'
import { NoRespondersError, UnreadableEntryError } from './errors.ts'
import { isNotPermitted, withRoomFor } from './jetstream-errors.ts'
import { type Published, publishToJetStream } from './jetstream-publish.ts'
import type { StoredMessage } from './ordered-reader.ts'
import { untilStreamExists } from './stream.ts'
import { subscribe } from './subscribe.ts'
import { type Watch, type WatchedEntry, type WatchOptions, watchBucket } from './watch.ts'

/** A stored value. */
export interface BucketEntry<Value> {
  /** Absent if the key does not exist or was deleted. */
  readonly value: Value | undefined
  /** The sequence of the key's last write, which `update` expects; 0 if there was none. */
  readonly revision: number
  /** By the server's clock, Unix milliseconds; 0 if there is no entry. */
  readonly storedAtMs: number
}

/** The state of a whole bucket, as the server reports it. */
export interface BucketState {
  readonly createdAtMs: number
  /** When the last message was stored, whether or not it still exists; absent if there was none. */
  readonly lastStoredAtMs?: number
  /** The sequence of the last message stored, whether or not it still exists; 0 if there was none. */
  readonly lastRevision: number
}

export type UpdateResult = { readonly status: 'stored'; readonly revision: number } | { readonly status: 'conflict' }

interface ListenOptions<Value> {
  readonly onEntry: (entry: { readonly key: string; readonly value: Value | undefined }) => void
  /**
   * Called with an `UnreadableEntryError` for a message that does not match the schema, and with what `onEntry` threw;
   * both are skipped.
   */
  readonly onFault: (error: unknown) => void
}

/** A KV bucket of JSON values. Any non-empty string is a key. */
export interface Bucket<Value> {
  /** @throws UnreadableEntryError if the stored value does not match the bucket's schema */
  get(key: string): Promise<BucketEntry<Value>>
  /** Writes unconditionally. Returns the new revision. */
  put(key: string, value: Value): Promise<number>
  /**
   * Writes if the key's revision is still `expectedRevision` (0: never written).
   * @throws NoReplyError when the outcome is unknown: read it with `get`
   */
  update(key: string, value: Value, expectedRevision: number): Promise<UpdateResult>
  /** Replaces the value with a delete marker. Returns its revision. */
  delete(key: string): Promise<number>
  /** Removes the key without a delete marker. */
  erase(key: string): Promise<void>
  /**
   * Returns every key with an entry or a delete marker, in no order. The server scans all of them: for occasional
   * sweeps.
   */
  keys(): Promise<string[]>
  state(): Promise<BucketState>
  /** Removes every key whose last write is at or before `revision`. */
  clear(revision: number): Promise<void>
  /**
   * Declares the bucket complete: for its owner, once it has compared the whole bucket with its source. Watches that
   * started over then report as deleted the keys that they knew and the bucket lacks. A second mark replaces the
   * first.
   */
  markComplete(): Promise<void>
  /** Reports every present entry, then every change; resolves when all present entries have been reported. */
  watch(options: WatchOptions<Value>): Promise<Watch>
  /**
   * Reports every write from now on as it is sent, whether or not it is stored. Needs permission to subscribe to the
   * bucket's subjects, but none to create a consumer, which could have the bucket's content delivered to any subject.
   */
  listen(options: ListenOptions<Value>): Promise<Pick<Watch, 'stop'>>
}

/**
 * Opens the definition's bucket, and creates it unless it exists. If this user may not create it, waits until the
 * service that owns it has.
 */
export async function openBucket<V extends TSchema>(
  bus: Bus,
  definition: BucketDefinition<V>,
): Promise<Bucket<Static<V>>> {
  const kv = await openKv(bus, definition)
  const stream = `KV_${definition.name}`
  const prefix = definition.isPrivate === true ? await privatePrefix(bus, definition) : publicPrefix(definition)
  const subjectOf = async (key: string) => (await prefix.get()) + subjectToken(key)
  const keyOf = (subject: string) => fromSubjectToken(subject.slice(subject.lastIndexOf('.') + 1))
  const decode = ({ subject, headers, sequence, storedAtMs, text }: StoredMessage): WatchedEntry<Static<V>> => {
    const at = { key: keyOf(subject), revision: sequence }
    const value = isDeleted(headers) ? undefined : decodeValue(definition, text(), at)
    return { ...at, value, storedAtMs }
  }
  const isMark = ({ subject }: { readonly subject: string }) => subject.endsWith(`.${MARK_TOKEN}`)
  const publish = async (
    subject: string,
    payload: string,
    messageHeaders: Record<string, string>,
  ): Promise<Published> => {
    try {
      return await publishToJetStream(bus, subject, payload, messageHeaders)
    } catch (error) {
      if (error instanceof NoRespondersError) prefix.invalidate()
      throw error
    }
  }
  const write = async (subject: string, payload: string, messageHeaders: Record<string, string>): Promise<number> => {
    const result = await publish(subject, payload, messageHeaders)
    if (result.status === 'stored') return result.sequence
    throw new SluiceError('internal', `an unconditional write on ${subject} conflicted`)
  }
  return {
    get: async (key) => {
      const entry = await kv.get((await subjectOf(key)).slice(`$KV.${definition.name}.`.length))
      if (entry === null) return { value: undefined, revision: 0, storedAtMs: 0 }
      const { revision } = entry
      const value = entry.operation === 'PUT' ? decodeValue(definition, entry.string(), { key, revision }) : undefined
      return { value, revision, storedAtMs: entry.created.getTime() }
    },
    put: async (key, value) => write(await subjectOf(key), encode(value), {}),
    update: async (key, value, expectedRevision) => {
      const expected = { 'Nats-Expected-Last-Subject-Sequence': String(expectedRevision) }
      const result = await publish(await subjectOf(key), encode(value), expected)
      return result.status === 'stored' ? { status: 'stored', revision: result.sequence } : result
    },
    delete: async (key) => write(await subjectOf(key), '', { [OPERATION_HEADER]: 'DEL' }),
    erase: async (key) => {
      await bus.jetstreamManager.streams.purge(stream, { filter: await subjectOf(key) })
    },
    keys: async () => {
      const filter = `${await prefix.get()}*`
      const { state } = await bus.jetstreamManager.streams.info(stream, { subjects_filter: filter })
      return Object.keys(state.subjects ?? {})
        .filter((subject) => !isMark({ subject }))
        .map(keyOf)
    },
    state: async () => {
      const { created, state } = await bus.jetstreamManager.streams.info(stream)
      const createdAtMs = Date.parse(created)
      const lastRevision = state.last_seq
      if (lastRevision === 0) return { createdAtMs, lastRevision }
      return { createdAtMs, lastRevision, lastStoredAtMs: Date.parse(state.last_ts) }
    },
    clear: async (revision) => {
      await bus.jetstreamManager.streams.purge(stream, { seq: revision + 1 })
    },
    markComplete: async () => {
      await write((await prefix.get()) + MARK_TOKEN, '', {})
    },
    watch: (options) =>
      watchBucket(bus, { stream, filterSubject: async () => `${await prefix.get()}*`, decode, isMark }, options),
    listen: async ({ onEntry, onFault }) => {
      const keys = await prefix.get()
      const subscription = subscribe(bus, `${keys}*`, {
        onError: onFault,
        onMessage: (message) => {
          // A message that a consumer delivers here keeps the subject it has in its stream.
          if (!message.subject.startsWith(keys) || isMark(message)) return
          const at = { key: keyOf(message.subject), revision: 0 }
          try {
            const value = isDeleted(message.headers) ? undefined : decodeValue(definition, message.string(), at)
            onEntry({ key: at.key, value })
          } catch (fault) {
            onFault(fault)
          }
        },
      })
      return { stop: () => subscription.unsubscribe() }
    },
  }
}

async function openKv(bus: Bus, definition: BucketDefinition): Promise<KV> {
  const { name, expiryMs, maxBytes } = definition
  const open = async () => {
    if (definition.isPrivate === true) await createPrivateBucket(bus, definition)
    return bus.jetstream.views.kv(name, {
      history: 1,
      storage: StorageType.File,
      replicas: bus.replicas,
      // A follower's copy may be stale; every read must return the last write.
      allow_direct: false,
      ...(expiryMs === undefined ? {} : { ttl: expiryMs }),
      ...(maxBytes === undefined ? {} : { max_bytes: maxBytes }),
    })
  }
  try {
    return await withRoomFor(`the bucket ${name}`, open)
  } catch (error) {
    if (!isNotPermitted(error)) throw error
    await untilStreamExists(bus, `KV_${name}`)
    return open()
  }
}

function encode(value: unknown): string {
  return JSON.stringify(value)
}

function decodeValue<V extends TSchema>(
  { name, value }: BucketDefinition<V>,
  text: string,
  place: { readonly key: string; readonly revision: number },
): Static<V> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new UnreadableEntryError(name, place, { cause })
  }
  const validation = validate(value, json)
  if (validation.valid) return validation.value
  throw new UnreadableEntryError(name, place, { fields: validation.errors })
}

function isDeleted(messageHeaders: MsgHdrs | undefined): boolean {
  return messageHeaders?.has(OPERATION_HEADER) ?? false
}

const OPERATION_HEADER = 'KV-Operation'
/** Never the token of a key, since `subjectToken` escapes with capitals only. */
const MARK_TOKEN = '=complete'
