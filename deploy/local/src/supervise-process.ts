import { setTimeout as delay } from 'node:timers/promises'
import { pause } from '@sluice/service-kit'
import { type ProcessSpec, type Ready, type RunningChild, startChild } from './child-process.ts'
import type { ProcessLog } from './log.ts'
import { readableLine } from './readable-line.ts'
import type { RunRecord } from './run-record.ts'
import { StartError } from './start-error.ts'

export interface SupervisedProcess {
  readonly name: string
  /** Runs it and resolves once it is ready. @throws StartError `process_failed` with its last lines. */
  start(): Promise<Ready>
  /** The program's pid; undefined while it does not run. */
  pid(): number | undefined
  /** Ends it for good: politely, by force once its time is up. Also while it is starting. */
  stop(): Promise<void>
  /** Ends it now, with all it started. */
  kill(): void
}

export interface SuperviseOptions {
  readonly log: ProcessLog
  readonly record: RunRecord
  /** How long to wait before each attempt to bring it back, in milliseconds; the last holds from then on. */
  readonly backoffMs?: readonly number[]
}

/** The name under which the start itself logs. */
export const START = 'start'

const BACKOFF_MS = [0, 500, 1_000, 2_000, 5_000]
/** What ran this long is taken to have been well: its next failure counts as the first. */
const STEADY_AFTER_MS = 10_000
const KEPT_LINES = 8

/** Keeps a program running: one that ends unasked is started again, for as long as it takes. */
export function superviseProcess(spec: ProcessSpec, options: SuperviseOptions): SupervisedProcess {
  const { log, record, backoffMs = BACKOFF_MS } = options
  const stopping = new AbortController()
  let child: RunningChild | undefined
  let pid: number | undefined
  let last: Ready | undefined
  let kept: Promise<void> = Promise.resolve()

  async function run(): Promise<{ running: RunningChild; ready: Ready }> {
    const lastLines: string[] = []
    const running = startChild(spec, last, (line) => {
      log(spec.name, line)
      if (line.trim() !== '') lastLines.push(line)
      if (lastLines.length > KEPT_LINES) lastLines.shift()
    })
    child = running
    if (running.pid !== undefined) await record.add(spec.name, running.pid)
    const tooLate = delay(spec.readyTimeoutMs, 'too late' as const, { ref: false })
    const first = await Promise.race([running.ready, running.exited, tooLate])
    if (typeof first !== 'string') {
      pid = first.pid ?? running.pid
      last = first
      return { running, ready: first }
    }
    running.kill()
    await running.exited
    const reason = first === 'too late' ? `was not ready within ${spec.readyTimeoutMs / 1000} s` : `ended (${first})`
    const said =
      lastLines.length === 0 ? ', having written nothing.' : `. Its last lines:\n${lastLines.map(indented).join('\n')}`
    throw new StartError('process_failed', `${spec.name} ${reason}${said}`)
  }

  async function keep(first: RunningChild): Promise<void> {
    let running = first
    let failures = 0
    for (;;) {
      const startedMs = performance.now()
      const reason = await running.exited
      pid = undefined
      if (stopping.signal.aborted) return
      const endedMs = performance.now()
      if (endedMs - startedMs > STEADY_AFTER_MS) failures = 0
      log(START, `${spec.name} ended (${reason}): starting it again`)
      const next = await bringBack(failures)
      if (next === undefined) return
      running = next.running
      failures += next.attempts
      log(START, `${spec.name} is back after ${((performance.now() - endedMs) / 1000).toFixed(1)} s (process ${pid})`)
    }
  }

  async function bringBack(failures: number): Promise<{ running: RunningChild; attempts: number } | undefined> {
    for (let attempts = 1; ; attempts++) {
      const waitMs = backoffMs[Math.min(failures + attempts, backoffMs.length) - 1] ?? 0
      await pause(waitMs, stopping.signal)
      if (stopping.signal.aborted) return undefined
      try {
        return { running: (await run()).running, attempts }
      } catch (error) {
        if (stopping.signal.aborted) return undefined
        if (!(error instanceof StartError)) throw error
        log(START, `${spec.name} did not come back: trying again`)
      }
    }
  }

  return {
    name: spec.name,
    start: async () => {
      const { running, ready } = await run()
      kept = keep(running)
      return ready
    },
    pid: () => pid,
    stop: async () => {
      stopping.abort()
      if (child !== undefined)
        await endChild(child, spec.stopTimeoutMs, () => log(START, `${spec.name} did not stop in time`))
      await kept
      await record.remove(spec.name)
    },
    kill: () => {
      stopping.abort()
      child?.kill()
    },
  }
}

async function endChild(child: RunningChild, timeoutMs: number, onTooLate: () => void): Promise<void> {
  child.terminate()
  const first = await Promise.race([child.exited, delay(timeoutMs, 'too late' as const, { ref: false })])
  if (first !== 'too late') return
  onTooLate()
  child.kill()
  await child.exited
}

const indented = (line: string) => `  ${readableLine(line, { colour: false })}`
