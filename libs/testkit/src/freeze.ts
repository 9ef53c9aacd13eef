import { readdirSync, readFileSync } from 'node:fs'

const FROZEN_WITHIN_MS = 10_000

/**
 * Stops a process (SIGSTOP), and returns once it has stopped: a running thread takes the signal a moment later, and could
 * respond until then. Without /proc, returns at once.
 * @throws Error when it still runs after 10 s
 */
export function freezeProcess(pid: number): void {
  process.kill(pid, 'SIGSTOP')
  if (process.platform !== 'linux') return
  const giveUpMs = performance.now() + FROZEN_WITHIN_MS
  while (!isFrozen(pid)) {
    if (performance.now() > giveUpMs) throw new Error(`process ${pid} does not stop`)
  }
}

function isFrozen(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')
  })
}
