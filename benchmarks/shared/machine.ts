import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

/** Describes this machine in one line. */
export function describeMachine(): string {
  const processors = cpus()
  const memoryGiB = Math.round(totalmem() / 1024 ** 3)
  return `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown CPU'}, ${memoryGiB} GiB, Linux ${release()}, Node ${process.version}`
}

/** Returns the first line of a program's version output; undefined if it is not installed. */
export function versionOf(program: string, argument = '--version'): string | undefined {
  try {
    return execFileSync(program, [argument], { encoding: 'utf8' }).split('\n')[0]?.trim()
  } catch {
    return undefined
  }
}
