import { readdirSync, readFileSync } from 'node:fs'

/**
 * Stops a process where it stands (SIGSTOP), and returns when it does: a thread that is running takes the signal a moment later, and could
 * answer until then. Where there is no /proc, returns at once.
 * @throws when it still runs after a while
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

const FROZEN_WITHIN_MS = 10_000
