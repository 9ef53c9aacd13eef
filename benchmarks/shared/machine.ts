import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

/** One line that says what was measured on. */
export function describeMachine(): string {
  const processors = cpus()
  const memoryGiB = Math.round(totalmem() / 1024 ** 3)
  return `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown CPU'}, ${memoryGiB} GiB, Linux ${release()}, Node ${process.version}`
}

/** The first line of what a program says of its version; undefined where it is not installed. */
export function versionOf(program: string, argument = '--version'): string | undefined {
  try {
    return execFileSync(program, [argument], { encoding: 'utf8' }).split('\n')[0]?.trim()
  } catch {
    return undefined
  }
}
