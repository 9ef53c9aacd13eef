import { readFileSync } from 'node:fs'

/**
 * The CPU time that all threads of a process have used so far, in user and kernel mode, in milliseconds; it moves in steps of 10.
 * @see proc_pid_stat(5): fields 14 and 15, in ticks, of which Linux shows programs 100 a second
 */
export function cpuTimeMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

const TICK_MS = 10
