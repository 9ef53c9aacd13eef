import { type BucketDefinition, fromSubjectToken, SluiceError, subjectToken, validate } from '@sluice/contracts'
import { type KV, type KvEntry, StorageType } from 'nats'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'
import { publishToJetStream } from './jetstream-publish.ts'
import { isNotPermitted, untilOwnerMadeIt } from './made-by-owner.ts'
import { withRoomFor } from './no-room.ts'
import { type Watch, type WatchOptions, watchBucket } from './watch.ts'

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

/** A KV bucket of JSON values. Keys are any identifiers. */
export interface Bucket<Value> {
  get(key: string): Promise<BucketEntry<Value>>
  /** Writes whatever stands there. Returns the new revision. */
  put(key: string, value: Value): Promise<number>
  /**
   * Writes if the key's revision is still `expectedRevision` (0: has never been written).
   * @throws NoReplyError when the outcome is not known: look with `get`
   */
  update(key: string, value: Value, expectedRevision: number): Promise<UpdateResult>
  delete(key: string): Promise<void>
  /** Removes the key with its whole history: as if it had never been. */
  erase(key: string): Promise<void>
  /** Every key that is there, with or without a value, in no order. The server looks through them all: for a sweep. */
  keys(): Promise<string[]>
  state(): Promise<BucketState>
  /** Removes every key whose last write is at or before `revision`. */
  clear(revision: number): Promise<void>
  /** Every entry now, then every change, for ever; resolves when all present entries were told. */
  watch(options: WatchOptions<Value>): Promise<Watch>
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
  const subjectOf = (key: string) => `$KV.${definition.name}.${subjectToken(key)}`
  const decode = (entry: KvEntry): BucketEntry<Static<V>> => ({
    value: entry.operation === 'PUT' ? decodeValue(definition, entry) : undefined,
    revision: entry.revision,
    storedAtMs: entry.created.getTime(),
  })
  return {
    get: async (key) => {
      const entry = await kv.get(subjectToken(key))
      return entry === null ? { value: undefined, revision: 0, storedAtMs: 0 } : decode(entry)
    },
    put: async (key, value) => {
      const result = await publishToJetStream(bus, subjectOf(key), encode(value), {})
      if (result.status !== 'stored')
        throw new SluiceError('internal', `${definition.name}/${key} was not expected to conflict`)
      return result.sequence
    },
    update: async (key, value, expectedRevision) => {
      const result = await publishToJetStream(bus, subjectOf(key), encode(value), {
        'Nats-Expected-Last-Subject-Sequence': String(expectedRevision),
      })
      return result.status === 'stored' ? { status: 'stored', revision: result.sequence } : result
    },
    delete: async (key) => {
      await publishToJetStream(bus, subjectOf(key), '', { 'KV-Operation': 'DEL' })
    },
    erase: async (key) => {
      await bus.jetstreamManager.streams.purge(`KV_${definition.name}`, {
        filter: subjectOf(key),
      })
    },
    keys: async () => {
      const prefix = `$KV.${definition.name}.`
      const { state } = await bus.jetstreamManager.streams.info(`KV_${definition.name}`, {
        subjects_filter: `${prefix}>`,
      })
      return Object.keys(state.subjects ?? {}).map((subject) => fromSubjectToken(subject.slice(prefix.length)))
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
      watchBucket(bus, kv, (entry) => ({ key: fromSubjectToken(entry.key), ...decode(entry) }), options),
  }
}

async function openKv(bus: Bus, { name, expiryMs }: BucketDefinition): Promise<KV> {
  const open = () =>
    bus.jetstream.views.kv(name, {
      history: 1,
      storage: StorageType.File,
      replicas: bus.replicas,
      // A follower's copy may be behind; every read here is of what was written last.
      allow_direct: false,
      ...(expiryMs === undefined ? {} : { ttl: expiryMs }),
    })
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

function decodeValue<V extends TSchema>(definition: BucketDefinition<V>, entry: KvEntry): Static<V> | undefined {
  let json: unknown
  try {
    json = entry.json()
  } catch (cause) {
    throw new SluiceError('internal', `${definition.name}/${entry.key} is not JSON`, { cause })
  }
  const validation = validate(definition.value, json)
  if (validation.valid) return validation.value
  throw new SluiceError('internal', `${definition.name}/${entry.key} is malformed`, { fields: validation.errors })
}
