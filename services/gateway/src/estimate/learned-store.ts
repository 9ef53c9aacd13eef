import { type LearnedModelRecord, learnedModels } from '@sluice/contracts'
import { type Bucket, type Bus, openBucket, UnreadableEntryError } from '@sluice/messaging'
import { type Logger, within } from '@sluice/service-kit'
import { type LearnedModels, MAX_MODELS } from './learned-models.ts'

/** Keeps what was learned beyond this process. Nothing waits for it: without NATS, gateways learn as if it were not there. */
export interface LearnedStore {
  /** Has a connection's models go on from what is stored, and stores what they learn from now on. */
  follow(connectionId: string, learned: LearnedModels): void
  /** The connection was deleted: so is what is stored of it. */
  forget(connectionId: string): void
  /** Resolves when what is stored of the connections followed so far has been read, after `deadlineMs` at the latest. */
  isRead(deadlineMs: number): Promise<void>
  /** Stores what is not stored yet, for `deadlineMs` at most. */
  stop(deadlineMs: number): Promise<void>
}

export interface LearnedStoreOptions {
  readonly logger: Pick<Logger, 'warn'>
  /** Between two rounds of writing. */
  readonly intervalMs?: number
}

interface Followed {
  readonly learned: LearnedModels
  /** What is stored has been taken over, or is not to be. */
  isRead: boolean
}

/** Reads each connection's key once, and writes those of which something was learned since, one after the other, every 30 s and at the end. */
export function learnedStore(bus: Bus, { logger, intervalMs = INTERVAL_MS }: LearnedStoreOptions): LearnedStore {
  const followed = new Map<string, Followed>()
  let bucket: Bucket<{ models: LearnedModelRecord[] }> | undefined
  let lastFault: string | undefined
  let round = Promise.resolve()
  let isStopped = false

  const failed = (what: string, err: unknown): void => {
    const text = String(err)
    // Whatever is wrong is tried again with the next round: one line for each reason is enough.
    if (text !== lastFault && !isStopped) logger.warn({ err }, `what was learned of models could not be ${what}`)
    lastFault = text
  }

  // Where this user may not create it, it is there once discovery has started.
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
      // What cannot be read, as a later version may have written it, is replaced.
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
      // Another gateway wrote meanwhile: the next round merges with it.
      if (typeof result === 'object' && result.status === 'conflict') entry.learned.markChanged(changed)
      lastFault = undefined
    } catch (error) {
      entry.learned.markChanged(changed)
      failed('stored', error)
    }
  }

  const eachOf = async (work: (id: string, entry: Followed) => Promise<void>): Promise<void> => {
    const left = [...followed]
    const next = async (): Promise<void> => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(...item)
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

/** Of each model, what was learned of it last; where there are too many, those that were learned of least recently go. */
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
/** Requests to NATS under way at a time. */
const AT_ONCE = 8
