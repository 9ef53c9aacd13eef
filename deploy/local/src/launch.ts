import { setTimeout as delay } from 'node:timers/promises'
import { type Log, type RunningServer, ServerStartError, StartError, startServiceProcess } from '@sluice/local-servers'
import { readableLine } from './log.ts'

/** A process that was started and may not be ready yet. */
export interface LaunchedProcess {
  /**
   * To be ended by the next start, should it be left running; undefined where that start finds the process by itself.
   */
  readonly recordedPid: number | undefined
  /** Resolves when it is ready; rejects with StartError, having ended it, when it does not become so. */
  readonly ready: Promise<Ready>
  /** Resolves when it has ended, with `exit 1` or `SIGKILL`. */
  readonly exited: Promise<string>
  /** Ends it in order, by force when that takes too long; also while it is starting. */
  stop(): Promise<void>
  /** Ends it at once. */
  kill(): void
}

export interface Ready {
  readonly pid: number
  /** The address of a server. */
  readonly url?: string
}

/** Starts a program, each time the same: a server keeps the port that it got the first time. */
export interface Launch {
  /** For logs and messages: `gateway-1`. */
  readonly name: string
  /**
   * @param log takes each line that the program writes
   * @param say takes what the start itself has to say about it
   */
  launch(log: Log, say: Log): LaunchedProcess
}

export interface ServiceSpec {
  readonly name: string
  /** The TypeScript file to run. */
  readonly program: string
  readonly args?: readonly string[]
  readonly nodeOptions?: readonly string[]
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>
  /** How long it may take until it says `ready`. */
  readonly readyTimeoutMs: number
  /** How long it may take to end after SIGTERM. */
  readonly stopTimeoutMs: number
}

const KEPT_LINES = 8

/** Launches a program of ours, which says `ready` and ends on SIGTERM and when this process has ended. */
export function serviceLaunch(spec: ServiceSpec): Launch {
  return { name: spec.name, launch: (log, say) => launchService(spec, log, say) }
}

function launchService(spec: ServiceSpec, log: Log, say: Log): LaunchedProcess {
  const { name, readyTimeoutMs, stopTimeoutMs } = spec
  const lastLines: string[] = []
  const child = startServiceProcess({
    ...spec,
    log: (line) => {
      log(line)
      if (line.trim() !== '') lastLines.push(line)
      if (lastLines.length > KEPT_LINES) lastLines.shift()
    },
  })
  const becomeReady = async (): Promise<Ready> => {
    const first = await Promise.race([child.ready.then(() => true), child.exited, timeout(readyTimeoutMs)])
    if (first === true && child.pid !== undefined) return { pid: child.pid }
    child.kill()
    const reason = first === undefined ? `was not ready within ${readyTimeoutMs / 1000} s` : `ended (${first})`
    await child.exited
    const lines = lastLines.map((line) => `  ${readableLine(line, { color: false })}`)
    const output = lines.length === 0 ? ' without writing anything.' : `. Its last lines:\n${lines.join('\n')}`
    throw new StartError('process_failed', `${name} ${reason}${output}`)
  }
  return {
    recordedPid: child.pid,
    ready: becomeReady(),
    exited: child.exited,
    stop: async () => {
      child.terminate()
      if ((await Promise.race([child.exited, timeout(stopTimeoutMs)])) !== undefined) return
      say(`${name} did not stop in time`)
      child.kill()
      await child.exited
    },
    kill: child.kill,
  }
}

export interface ServerSpec {
  readonly name: string
  /** @param port 0 takes a free one */
  start(port: number, log: Log): Promise<RunningServer>
  /** Called when it runs; returns what to call when it no longer does. */
  readonly watch?: (server: RunningServer) => () => void
  /** Takes a line of the server's log that was not shown, when it explains why the server did not start. */
  readonly explain: Log
}

/**
 * Launches a server, which keeps its port over restarts: its clients look for it there. Should its guard end, it is
 * restarted: it would be left running if this process were killed.
 */
export function serverLaunch(spec: ServerSpec): Launch {
  let port = 0
  return {
    name: spec.name,
    launch: (log, say) => {
      const starting = spec.start(port, log)
      const exited = starting.then(
        ({ exited }) => exited,
        () => 'it did not start',
      )
      const becomeReady = async (): Promise<Ready> => {
        const server = await starting.catch((error: unknown) => {
          if (error instanceof ServerStartError) for (const line of error.output) spec.explain(line)
          throw error
        })
        port = server.port
        const stopWatching = spec.watch?.(server)
        void server.exited.then(() => stopWatching?.())
        void server.unguarded.then(() => {
          say(`${spec.name} lost its guard, without which a crash would leave it running: restarting it`)
          return server.stop()
        })
        return { pid: server.pid, url: server.url }
      }
      const withServer = (use: (server: RunningServer) => Promise<void>) => starting.then(use, () => undefined)
      return {
        // Its own pid file, in its data folder, leads the next start to it.
        recordedPid: undefined,
        ready: becomeReady(),
        exited,
        stop: () => withServer((server) => server.stop()),
        kill: () => void withServer((server) => server.kill()),
      }
    },
  }
}

function timeout(ms: number): Promise<undefined> {
  return delay(ms, undefined, { ref: false })
}
