import { Worker } from 'node:worker_threads'
import { SluiceError } from '@sluice/contracts'
import type { ThreadResult, ThreadTask } from './body-reader-thread.ts'
import { READINGS, type ReadingName, type Readings } from './body-readings.ts'
import { FairQueue } from './fair-queue.ts'
import { ThreadTime } from './thread-time.ts'

/** Reads request bodies without delaying other requests. */
export interface BodyReader {
  /**
   * Returns the result of the named reading, without a promise if it is short. The caller must not use the body in `input` any more; a reading
   * that needs it returned has it in its result.
   * @param task the owner of the request, and about how long the reading takes
   * @throws (rejects) SluiceError `unavailable` if the reading thread has ended
   * @throws (rejects) {@link ClientDisconnected} if the client disconnected before its turn came
   */
  read<Name extends ReadingName>(
    name: Name,
    input: Parameters<Readings[Name]>[0],
    task: ReadingTask,
  ): Reading<Name> | Promise<Reading<Name>>
}

type Reading<Name extends ReadingName> = Awaited<ReturnType<Readings[Name]>>

export interface ReadingTask {
  /** The API key's id: readings wait for those of the same key, not for those of others. */
  readonly owner: string
  readonly estimatedNs: number
  /** Returns whether the client has disconnected, which cancels a reading that still waits. */
  readonly isDisconnected: () => boolean
}

/** The client disconnected before its request's body was read. */
export class ClientDisconnected extends Error {
  override readonly name = 'ClientDisconnected'
}

export interface RunningBodyReader extends BodyReader {
  stop(): Promise<void>
}

interface Job extends ThreadTask {
  readonly isDisconnected: () => boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Creates a reader that reads small bodies at once and others in a separate thread, one at a time, in turn for each API key. A key that sends
 * many small bodies may use a tenth of this thread's time; the rest go to the separate thread too, which starts when it is first needed.
 */
export function createBodyReader(nowMs: () => number, onFault: (error: unknown) => void): RunningBodyReader {
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
      else if (next.isDisconnected()) next.reject(new ClientDisconnected('the client disconnected'))
      else run(next)
    }
  }

  const run = (job: Job): void => {
    const { name, input } = job
    // Transferred if it is alone in its memory, and copied otherwise.
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
    const started = new Worker(new URL('./body-reader-thread.ts', import.meta.url), { name: 'body reader' })
    started.unref()
    started.on('message', (result: ThreadResult) => {
      if ('value' in result) finish(({ resolve }) => resolve(withBuffer(result.value)))
      else finish(({ reject }) => reject(new Error(`a body could not be read: ${result.error}`)))
    })
    started.on('error', onFault)
    // The next reading starts another thread.
    started.on('exit', () => {
      if (thread === started) thread = undefined
      finish(({ reject }) => reject(ENDED))
    })
    return started
  }

  const read = (name: ReadingName, input: ThreadTask['input'], task: ReadingTask): unknown => {
    const { owner, estimatedNs, isDisconnected } = task
    if (estimatedNs <= AT_ONCE_NS && ownTime.take(owner, estimatedNs)) return readHere(name, input, task)
    return new Promise((resolve, reject) => {
      queue.add(owner, { name, input, isDisconnected, resolve, reject })
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
    // The type of a reading follows from its name, which TypeScript cannot follow through a table and a thread.
    read: read as BodyReader['read'],
    stop: async () => {
      isStopped = true
      await thread?.terminate()
    },
  }
}

const ENDED = new SluiceError('unavailable', 'the thread that reads bodies has ended')
/** The longest delay for other requests. */
const AT_ONCE_NS = 1_000_000
/** Node allocates buffers of up to about this size from shared memory. */
const POOLED_BYTES = 64 * 1024

/** Turns the body in a result back into a Buffer: from another thread, it arrives as a Uint8Array. */
function withBuffer(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('body' in value)) return value
  const { body } = value
  if (!(body instanceof Uint8Array)) return value
  return { ...value, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) }
}
