import { type LearnedModelRecord, learnedModels } from '@sluice/contracts'
import { type Bucket, type Bus, openBucket, UnreadableEntryError } from '@sluice/messaging'
import { type Logger, within } from '@sluice/service-kit'
import { type LearnedModels, MAX_MODELS } from './learned-models.ts'

/** Stores what was learned, for other processes and later ones. No request waits for it: without NATS, gateways learn in memory only. */
export interface LearnedStore {
  /** Restores a connection's models from the store, and stores what they learn from now on. */
  follow(connectionId: string, learned: LearnedModels): void
  /** Deletes what is stored of a deleted connection. */
  forget(connectionId: string): void
  /** Resolves when the records of all followed connections have been read, after `deadlineMs` at the latest. */
  isRead(deadlineMs: number): Promise<void>
  /** Stores the remaining changes, for `deadlineMs` at most. */
  stop(deadlineMs: number): Promise<void>
}

export interface LearnedStoreOptions {
  readonly logger: Pick<Logger, 'warn'>
  /** Time between two rounds of writing. */
  readonly intervalMs?: number
}

interface Followed {
  readonly learned: LearnedModels
  /** Whether the stored record has been restored, or is to be ignored. */
  isRead: boolean
}

/** Reads each connection's key once, and writes the keys of changed connections every 30 s and at the stop. */
export function learnedStore(bus: Bus, { logger, intervalMs = INTERVAL_MS }: LearnedStoreOptions): LearnedStore {
  const followed = new Map<string, Followed>()
  let bucket: Bucket<{ models: LearnedModelRecord[] }> | undefined
  let lastFault: string | undefined
  let round = Promise.resolve()
  let isStopped = false

  const failed = (what: string, err: unknown): void => {
    const text = String(err)
    // The next round tries again: one line for each reason is enough.
    if (text !== lastFault && !isStopped) logger.warn({ err }, `the learned models could not be ${what}`)
    lastFault = text
  }

  // If this NATS user may not create the bucket, discovery does when it starts.
  const open = async (): Promise<void> => {
    try {
      bucket ??= await openBucket(bus, learnedModels)
    } catch (error) {
      failed('opened', error)
    }
  }
  let opening = open()

  const read = async (from: typeof bucket, id: string, entry: Followed): Promise<void> => {
    if (from === undefined || entry.isRead) return
    try {
      const { value } = await from.get(id)
      if (value !== undefined && !entry.isRead) entry.learned.restore(value.models)
      entry.isRead = true
    } catch (error) {
      // An unreadable record, perhaps of a later version, is replaced.
      entry.isRead = isUnreadable(error)
      failed('read', error)
    }
  }

  const write = async (to: Bucket<{ models: LearnedModelRecord[] }>, id: string, entry: Followed): Promise<void> => {
    const changed = entry.learned.takeChanged()
    if (changed.length === 0) return
    try {
      const stored = await to.get(id).catch((error: unknown) => {
        if (isUnreadable(error)) return undefined
        throw error
      })
      if (followed.get(id) !== entry) return
      const models = merged(stored?.value?.models ?? [], changed)
      const result =
        stored === undefined ? await to.put(id, { models }) : await to.update(id, { models }, stored.revision)
      // Another gateway wrote meanwhile: the next round merges with its record.
      if (typeof result === 'object' && result.status === 'conflict') entry.learned.markChanged(changed)
      lastFault = undefined
    } catch (error) {
      entry.learned.markChanged(changed)
      failed('stored', error)
    }
  }

  const eachOf = async (work: (id: string, entry: Followed) => Promise<void>): Promise<void> => {
    const remaining = [...followed]
    const next = async (): Promise<void> => {
      for (let item = remaining.shift(); item !== undefined; item = remaining.shift()) await work(...item)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, next))
  }

  const runRound = (): Promise<void> => {
    round = round.then(async () => {
      if (!bus.isConnected()) return
      const opened = bucket
      if (opened === undefined) return
      await eachOf(async (id, entry) => {
        await read(opened, id, entry)
        if (entry.isRead) await write(opened, id, entry)
      })
    })
    return round
  }

  const timer = setInterval(() => {
    void runRound()
    if (bucket === undefined) opening = opening.then(open)
  }, intervalMs)
  timer.unref()

  return {
    follow: (connectionId, learned) => {
      const entry = { learned, isRead: false }
      followed.set(connectionId, entry)
      void opening.then(() => read(bucket, connectionId, entry))
    },
    forget: (connectionId) => {
      followed.delete(connectionId)
      void opening.then(() => bucket?.delete(connectionId)).catch((error: unknown) => failed('deleted', error))
    },
    isRead: async (deadlineMs) => {
      const reading = opening.then(() => eachOf((id, entry) => read(bucket, id, entry)))
      await within(deadlineMs, reading)
    },
    stop: async (deadlineMs) => {
      clearInterval(timer)
      await within(deadlineMs, runRound())
      isStopped = true
    },
  }
}

/** Merges records by model, changed ones last; beyond the maximum, the least recently changed are dropped. */
function merged(stored: readonly LearnedModelRecord[], changed: readonly LearnedModelRecord[]): LearnedModelRecord[] {
  const byModel = new Map(stored.map((record) => [record.model, record]))
  for (const record of changed) {
    byModel.delete(record.model)
    byModel.set(record.model, record)
  }
  return [...byModel.values()].slice(-MAX_MODELS)
}

function isUnreadable(error: unknown): boolean {
  return error instanceof UnreadableEntryError
}

const INTERVAL_MS = 30_000
/** Requests to NATS in flight at a time. */
const AT_ONCE = 8
