import { type BucketDefinition, fromSubjectToken, SluiceError, subjectToken, validate } from '@sluice/contracts'
import { type KV, type MsgHdrs, StorageType } from 'nats'
import type { Static, TSchema } from 'typebox'
import { createPrivate, privatePlace, publicPlace } from './bucket-place.ts'
import type { Bus } from './bus.ts'
import { NoRespondersError, UnreadableEntryError } from './faults.ts'
import { type Published, publishToJetStream } from './jetstream-publish.ts'
import { isNotPermitted, untilOwnerMadeIt } from './made-by-owner.ts'
import { withRoomFor } from './no-room.ts'
import type { StoredMessage } from './ordered-reader.ts'
import { type Watch, type WatchedEntry, type WatchOptions, watchBucket } from './watch.ts'

/** A key's value as it is stored. */
export interface BucketEntry<Value> {
  /** Absent when the key does not exist or was deleted. */
  readonly value: Value | undefined
  /** What `update` takes as expected: the sequence of the key's last write; 0 when there was none. */
  readonly revision: number
  /** When the server stored it, by the server's clock, Unix milliseconds; 0 when there is nothing. */
  readonly storedAtMs: number
}

/** A bucket as a whole, as the server has it. */
export interface BucketState {
  readonly createdAtMs: number
  /** When something was stored last, whether or not it is still there; absent where the server knows of nothing. */
  readonly lastStoredAtMs?: number
  /** The sequence of what was stored last, whether or not it is still there; 0 where there was nothing. */
  readonly lastRevision: number
}

export type UpdateResult = { readonly status: 'stored'; readonly revision: number } | { readonly status: 'conflict' }

export interface ListenOptions<Value> {
  readonly onEntry: (entry: { readonly key: string; readonly value: Value | undefined }) => void
  /** Called with what is not of the bucket's shape, which is passed over. */
  readonly onFault: (error: unknown) => void
}

/** A KV bucket of JSON values. Keys are any identifiers. */
export interface Bucket<Value> {
  /** @throws UnreadableEntryError when what stands there is not of the bucket's shape */
  get(key: string): Promise<BucketEntry<Value>>
  /** Writes whatever stands there. Returns the new revision. */
  put(key: string, value: Value): Promise<number>
  /**
   * Writes if the key's revision is still `expectedRevision` (0: has never been written).
   * @throws NoReplyError when the outcome is not known: look with `get`
   */
  update(key: string, value: Value, expectedRevision: number): Promise<UpdateResult>
  /** Leaves a marker in the key's place. Returns its revision. */
  delete(key: string): Promise<number>
  /** Removes the key with its whole history: as if it had never been. */
  erase(key: string): Promise<void>
  /** Every key that is there, with or without a value, in no order. The server looks through them all: for a sweep. */
  keys(): Promise<string[]>
  state(): Promise<BucketState>
  /** Removes every key whose last write is at or before `revision`. */
  clear(revision: number): Promise<void>
  /**
   * Says that everything that should be in the bucket is: for its owner, once it has compared the whole bucket. Watches that began again
   * report as deleted what they knew and the bucket lacks. A second mark replaces the first.
   */
  markComplete(): Promise<void>
  /** Every entry now, then every change, for ever; resolves when all present entries were told. */
  watch(options: WatchOptions<Value>): Promise<Watch>
  /**
   * Every write from now on as it is sent, whether or not it is stored. Needs permission to listen on the bucket's subjects, and none to
   * create a consumer, which could have what stands in the bucket delivered to any subject.
   */
  listen(options: ListenOptions<Value>): Promise<Pick<Watch, 'stop'>>
}

/**
 * Opens the definition's bucket, and creates it if it is not there; where this user may not, waits until the service whose bucket it is
 * has created it.
 */
export async function openBucket<V extends TSchema>(
  bus: Bus,
  definition: BucketDefinition<V>,
): Promise<Bucket<Static<V>>> {
  const kv = await openKv(bus, definition)
  const stream = `KV_${definition.name}`
  const publicPrefix = `$KV.${definition.name}.`
  const place = definition.isPrivate === true ? await privatePlace(bus, definition) : publicPlace(definition)
  const subjectOf = async (key: string) => (await place.prefix()) + subjectToken(key)
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
      if (error instanceof NoRespondersError) place.doubt()
      throw error
    }
  }
  const write = async (subject: string, payload: string, messageHeaders: Record<string, string>): Promise<number> => {
    const result = await publish(subject, payload, messageHeaders)
    if (result.status === 'stored') return result.sequence
    throw new SluiceError('internal', `a write on ${subject} was not expected to conflict`)
  }
  return {
    get: async (key) => {
      const entry = await kv.get((await subjectOf(key)).slice(publicPrefix.length))
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
      const filter = `${await place.prefix()}*`
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
      await write((await place.prefix()) + MARK_TOKEN, '', {})
    },
    watch: (options) =>
      watchBucket(bus, { stream, filterSubject: async () => `${await place.prefix()}*`, decode, isMark }, options),
    listen: async ({ onEntry, onFault }) => {
      const prefix = await place.prefix()
      const subscription = bus.connection.subscribe(`${prefix}*`, {
        callback: (error, message) => {
          if (error !== null) return onFault(error)
          // What a consumer delivers here keeps the subject that it has in its stream.
          if (!message.subject.startsWith(prefix) || isMark(message)) return
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
    if (definition.isPrivate === true) await createPrivate(bus, definition)
    return bus.jetstream.views.kv(name, {
      history: 1,
      storage: StorageType.File,
      replicas: bus.replicas,
      // A follower's copy may be behind; every read here is of what was written last.
      allow_direct: false,
      ...(expiryMs === undefined ? {} : { ttl: expiryMs }),
      ...(maxBytes === undefined ? {} : { max_bytes: maxBytes }),
    })
  }
  try {
    return await withRoomFor(`the bucket ${name}`, open)
  } catch (error) {
    if (!isNotPermitted(error)) throw error
    await untilOwnerMadeIt(bus, `KV_${name}`)
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
/** In a key's place: the token of no key, as `subjectToken` escapes with capitals only. */
const MARK_TOKEN = '=complete'
