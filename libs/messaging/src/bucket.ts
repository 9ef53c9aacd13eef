import { randomBytes } from 'node:crypto'
import { type BucketDefinition, fromSubjectToken, SluiceError, subjectToken, validate } from '@sluice/contracts'
import { type KV, type MsgHdrs, StorageType } from 'nats'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'
import { UnreadableEntryError } from './faults.ts'
import { publishToJetStream } from './jetstream-publish.ts'
import { isNameInUse, isNotPermitted, untilOwnerMadeIt } from './made-by-owner.ts'
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
  /** Every entry now, then every change, for ever; resolves when all present entries were told. */
  watch(options: WatchOptions<Value>): Promise<Watch>
  /**
   * Every write from now on as it is sent, whether or not it is stored. Needs permission to listen on the bucket's subjects, and none to
   * create a consumer, which could have what stands in the bucket delivered to any subject.
   */
  listen(options: ListenOptions<Value>): Watch
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
  const keyPrefix = definition.isPrivate === true ? await privatePrefix(bus, definition) : ''
  const subjectPrefix = `$KV.${definition.name}.${keyPrefix}`
  const subjectOf = (key: string) => `${subjectPrefix}${subjectToken(key)}`
  const keyOf = (subject: string) => fromSubjectToken(subject.slice(subjectPrefix.length))
  const decode = ({ subject, headers, sequence, storedAtMs, text }: StoredMessage): WatchedEntry<Static<V>> => {
    const place = { key: keyOf(subject), revision: sequence }
    const value = isDeleted(headers) ? undefined : decodeValue(definition, text(), place)
    return { ...place, value, storedAtMs }
  }
  const write = async (key: string, payload: string, messageHeaders: Record<string, string>): Promise<number> => {
    const result = await publishToJetStream(bus, subjectOf(key), payload, messageHeaders)
    if (result.status === 'stored') return result.sequence
    throw new SluiceError('internal', `${definition.name}/${key} was not expected to conflict`)
  }
  return {
    get: async (key) => {
      const entry = await kv.get(keyPrefix + subjectToken(key))
      if (entry === null) return { value: undefined, revision: 0, storedAtMs: 0 }
      const { revision } = entry
      const value = entry.operation === 'PUT' ? decodeValue(definition, entry.string(), { key, revision }) : undefined
      return { value, revision, storedAtMs: entry.created.getTime() }
    },
    put: (key, value) => write(key, encode(value), {}),
    update: async (key, value, expectedRevision) => {
      const result = await publishToJetStream(bus, subjectOf(key), encode(value), {
        'Nats-Expected-Last-Subject-Sequence': String(expectedRevision),
      })
      return result.status === 'stored' ? { status: 'stored', revision: result.sequence } : result
    },
    delete: (key) => write(key, '', { [OPERATION_HEADER]: 'DEL' }),
    erase: async (key) => {
      await bus.jetstreamManager.streams.purge(`KV_${definition.name}`, {
        filter: subjectOf(key),
      })
    },
    keys: async () => {
      const { state } = await bus.jetstreamManager.streams.info(`KV_${definition.name}`, {
        subjects_filter: `${subjectPrefix}>`,
      })
      return Object.keys(state.subjects ?? {}).map((subject) => fromSubjectToken(subject.slice(subjectPrefix.length)))
    },
    state: async () => {
      const { created, state } = await bus.jetstreamManager.streams.info(`KV_${definition.name}`)
      const createdAtMs = Date.parse(created)
      return state.last_seq === 0 ? { createdAtMs } : { createdAtMs, lastStoredAtMs: Date.parse(state.last_ts) }
    },
    clear: async (revision) => {
      await bus.jetstreamManager.streams.purge(`KV_${definition.name}`, { seq: revision + 1 })
    },
    watch: (options) =>
      watchBucket(bus, { stream: `KV_${definition.name}`, filterSubject: `${subjectPrefix}>`, decode }, options),
    listen: ({ onEntry, onFault }) => {
      const subscription = bus.connection.subscribe(`${subjectPrefix}*`, {
        callback: (error, message) => {
          if (error !== null) return onFault(error)
          // What a consumer delivers here keeps the subject that it has in its stream.
          if (!message.subject.startsWith(subjectPrefix)) return
          const place = { key: keyOf(message.subject), revision: 0 }
          try {
            const value = isDeleted(message.headers) ? undefined : decodeValue(definition, message.string(), place)
            onEntry({ key: place.key, value })
          } catch (fault) {
            onFault(fault)
          }
        },
      })
      return { stop: () => subscription.unsubscribe() }
    },
  }
}

async function openKv(bus: Bus, { name, expiryMs, isPrivate }: BucketDefinition): Promise<KV> {
  const open = () =>
    bus.jetstream.views.kv(name, {
      history: 1,
      storage: StorageType.File,
      replicas: bus.replicas,
      // A follower's copy may be behind; every read here is of what was written last.
      allow_direct: false,
      ...(isPrivate === undefined ? {} : { description: describedToken(randomBytes(16).toString('hex')) }),
      ...(expiryMs === undefined ? {} : { ttl: expiryMs }),
    })
  try {
    return await withRoomFor(`the bucket ${name}`, open)
  } catch (error) {
    // Another instance has just made it, with another token.
    if (isNameInUse(error)) return open()
    if (!isNotPermitted(error)) throw error
    await untilOwnerMadeIt(bus, `KV_${name}`)
    return open()
  }
}

/**
 * Returns what the keys of a private bucket begin with. The token was set when the stream was made, and nobody but the operator changes a
 * stream's settings.
 * @throws SluiceError `internal` where the bucket was made by somebody who set no token
 */
async function privatePrefix(bus: Bus, { name }: BucketDefinition): Promise<string> {
  const { config } = await bus.jetstreamManager.streams.info(`KV_${name}`)
  const token = DESCRIBED_TOKEN.exec(config.description ?? '')?.[1]
  if (token !== undefined) return `${token}.`
  throw new SluiceError('internal', `the bucket ${name} has no token in its description: it was not made by Sluice`)
}

function describedToken(token: string): string {
  return `keys below ${token}`
}

const DESCRIBED_TOKEN = /^keys below ([0-9a-f]{32})$/

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
