import { Worker } from 'node:worker_threads'
import { SluiceError } from '@sluice/contracts'
import type { ThreadResult, ThreadTask } from './document-thread.ts'
import { READINGS, type ReadingName, type Readings } from './readings.ts'
import { FairQueue, ThreadTime } from './thread-share.ts'

/** Reads request bodies without keeping other requests waiting. */
export interface Documents {
  /**
   * Gives what the reading of this name comes to, at once where it takes no time worth mentioning. The body in `input` must not be used
   * any more; a reading gives it back.
   * @param task whose request it is, and how long its reading takes about
   * @throws (rejects) SluiceError `unavailable` when the reading could not be done
   * @throws (rejects) {@link ClientDisconnected} when the client disconnected before its turn came
   */
  read<Name extends ReadingName>(
    name: Name,
    input: Parameters<Readings[Name]>[0],
    task: ReadingTask,
  ): Reading<Name> | Promise<Reading<Name>>
}

export type Reading<Name extends ReadingName> = Awaited<ReturnType<Readings[Name]>>

export interface ReadingTask {
  /** The API key's id: one key's readings wait for each other, not for those of others. */
  readonly owner: string
  readonly estimatedNs: number
  /** Whether the application has gone away: what still waits is then not read. */
  readonly isGone: () => boolean
}

/** The client disconnected before its request body was read. */
export class ClientDisconnected extends Error {
  override readonly name = 'ClientDisconnected'
}

export interface RunningDocuments extends Documents {
  stop(): Promise<void>
}

interface Job extends ThreadTask {
  readonly isGone: () => boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Reads small bodies at once, and others in a thread of their own, one at a time, in turn for each API key. A key that sends many small ones
 * has a tenth of this thread's time for them; the rest of them go there too. The thread starts with the first that needs it.
 */
export function threadedDocuments(nowMs: () => number, onFault: (error: unknown) => void): RunningDocuments {
  const queue = new FairQueue<Job>()
  const ownTime = new ThreadTime(nowMs)
  let thread: Worker | undefined
  let running: Job | undefined
  let isStopped = false

  const runNext = (): void => {
    while (running === undefined) {
      const next = queue.take()
      if (next === undefined) return
      if (isStopped) next.reject(ENDED)
      else if (next.isGone()) next.reject(new ClientDisconnected('the client disconnected'))
      else run(next)
    }
  }

  const run = (job: Job): void => {
    const { name, input } = job
    // Handed over where it is alone in its memory, and copied otherwise.
    const { buffer, byteLength } = input.body
    const isAlone = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && byteLength > POOLED_BYTES
    thread ??= startThread()
    try {
      thread.postMessage({ name, input } satisfies ThreadTask, isAlone ? [buffer] : [])
      running = job
    } catch (error) {
      job.reject(error)
    }
  }

  const finish = (settle: (job: Job) => void): void => {
    const job = running
    running = undefined
    if (job !== undefined) settle(job)
    runNext()
  }

  const startThread = (): Worker => {
    const started = new Worker(new URL('./document-thread.ts', import.meta.url), { name: 'documents' })
    started.unref()
    started.on('message', (result: ThreadResult) => {
      if ('value' in result) finish(({ resolve }) => resolve(withBuffer(result.value)))
      else finish(({ reject }) => reject(new Error(`a body could not be read: ${result.error}`)))
    })
    started.on('error', onFault)
    // The next reading starts another one.
    started.on('exit', () => {
      if (thread === started) thread = undefined
      finish(({ reject }) => reject(ENDED))
    })
    return started
  }

  const read = (name: ReadingName, input: ThreadTask['input'], task: ReadingTask): unknown => {
    const { owner, estimatedNs, isGone } = task
    if (estimatedNs <= AT_ONCE_NS && ownTime.take(owner, estimatedNs)) return readHere(name, input, task)
    return new Promise((resolve, reject) => {
      queue.add(owner, { name, input, isGone, resolve, reject })
      runNext()
    })
  }

  const readHere = (name: ReadingName, input: ThreadTask['input'], { owner, estimatedNs }: ReadingTask): unknown => {
    const reading = READINGS[name] as (given: unknown) => unknown
    const beganAtMs = nowMs()
    const value = reading(input)
    ownTime.add(owner, (nowMs() - beganAtMs) * 1e6 - estimatedNs)
    return value
  }

  return {
    // A reading's type goes by its name, which is lost on the way through a table and a thread.
    read: read as Documents['read'],
    stop: async () => {
      isStopped = true
      await thread?.terminate()
    },
  }
}

const ENDED = new SluiceError('unavailable', 'the thread that reads bodies has ended')
/** Other requests wait for no longer than this. */
const AT_ONCE_NS = 1_000_000
/** Node makes buffers up to about this size out of memory that they share. */
const POOLED_BYTES = 64 * 1024

/** What crosses to another thread comes as a Uint8Array. */
function withBuffer(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('body' in value)) return value
  const { body } = value
  if (!(body instanceof Uint8Array)) return value
  return { ...value, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) }
}
