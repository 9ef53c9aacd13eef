import type { Log } from '@sluice/local-servers'
import { StartError } from '@sluice/local-servers'
import { pause } from '@sluice/service-kit'
import type { Launch, LaunchedProcess, Ready } from './launch.ts'
import type { ProcessLog } from './log.ts'
import type { RunRecord } from './run-record.ts'

export interface SupervisedProcess {
  readonly name: string
  /** Runs it and resolves once it is ready. @throws StartError when it does not become so */
  start(): Promise<Ready>
  /** The program's process id; undefined while it does not run. */
  pid(): number | undefined
  /** Ends it for good, also while it is starting. */
  stop(): Promise<void>
  /** Ends it at once. */
  kill(): void
}

export interface SuperviseOptions {
  readonly log: ProcessLog
  readonly record: RunRecord
  /** How long to wait before each attempt to restart it, in milliseconds; the last one repeats. */
  readonly backoffMs?: readonly number[]
}

/** The name under which the start itself logs. */
export const START = 'start'

const BACKOFF_MS = [0, 500, 1_000, 2_000, 5_000]
/** A process that ran this long was healthy: its next failure counts as the first. */
const STEADY_AFTER_MS = 10_000

/** Keeps a program running: when it ends unasked it is started again, for as long as it takes. */
export function superviseProcess(program: Launch, options: SuperviseOptions): SupervisedProcess {
  const { name } = program
  const { log, record, backoffMs = BACKOFF_MS } = options
  const say: Log = (line) => log(START, line)
  const stopping = new AbortController()
  let current: LaunchedProcess | undefined
  let pid: number | undefined
  let supervision: Promise<void> = Promise.resolve()

  async function run(): Promise<Ready> {
    const launched = program.launch((line) => log(name, line), say)
    // It may fail before it is awaited below.
    launched.ready.catch(() => undefined)
    current = launched
    if (launched.recordedPid !== undefined) await record.add(name, launched.recordedPid)
    const ready = await launched.ready
    pid = ready.pid
    return ready
  }

  async function supervise(): Promise<void> {
    let failures = 0
    for (;;) {
      const startedMs = performance.now()
      const reason = await current?.exited
      pid = undefined
      if (stopping.signal.aborted) return
      const endedMs = performance.now()
      if (endedMs - startedMs > STEADY_AFTER_MS) failures = 0
      say(`${name} ended (${reason}): starting it again`)
      const attempts = await restart(failures)
      if (attempts === undefined) return
      failures += attempts
      say(`${name} is back after ${((performance.now() - endedMs) / 1000).toFixed(1)} s (process ${pid})`)
    }
  }

  /** Returns how many attempts it took; undefined when it was stopped meanwhile. */
  async function restart(failures: number): Promise<number | undefined> {
    for (let attempts = 1; ; attempts++) {
      const waitMs = backoffMs[Math.min(failures + attempts, backoffMs.length) - 1] ?? 0
      await pause(waitMs, stopping.signal)
      if (stopping.signal.aborted) return undefined
      try {
        await run()
        return attempts
      } catch (error) {
        if (stopping.signal.aborted) return undefined
        if (!(error instanceof StartError)) throw error
        say(`${name} did not come back: trying again`)
      }
    }
  }

  return {
    name,
    start: async () => {
      const ready = await run()
      supervision = supervise()
      return ready
    },
    pid: () => pid,
    stop: async () => {
      stopping.abort()
      await current?.stop()
      await supervision
      await record.remove(name)
    },
    kill: () => {
      stopping.abort()
      current?.kill()
    },
  }
}

/** Processes in tiers, each of which uses those before it. */
export interface ProcessTiers {
  /**
   * Starts a tier on top of those before it; resolves once all of it is ready. @throws StartError when it does not
   * become so, or all was stopped
   */
  start(programs: readonly Launch[]): Promise<Ready[]>
  processes(): readonly SupervisedProcess[]
  /** Ends everything, the last tier first. */
  stop(): Promise<void>
  /** Ends everything at once. */
  kill(): void
}

export function createProcessTiers(options: SuperviseOptions): ProcessTiers {
  const tiers: SupervisedProcess[][] = []
  let isStopped = false
  return {
    start: async (programs) => {
      if (isStopped) throw new StartError('process_failed', 'The start was canceled.')
      const tier = programs.map((program) => superviseProcess(program, options))
      tiers.push(tier)
      return Promise.all(tier.map((process) => process.start()))
    },
    processes: () => tiers.flat(),
    stop: async () => {
      isStopped = true
      for (const tier of tiers.toReversed()) await Promise.all(tier.map((process) => process.stop()))
    },
    kill: () => {
      isStopped = true
      for (const process of tiers.flat()) process.kill()
    },
  }
}
