import { readFile } from 'node:fs/promises'

/**
 * Returns the id of this machine's boot, or undefined where the system does not say (it is Linux' file, proc(5)).
 * @throws Error when the file is there and cannot be read
 */
export async function readBootId(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim() || undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Returns milliseconds since this machine's boot, the same for all its processes, whatever sets its wall clock. */
export function sinceBootMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
