import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessSpec } from './child-process.ts'

/**
 * Writes what each process was given by this start into a file of its own, for `node --env-file`: so that a service's commands can be
 * run beside it. Only for this user to read, as passwords of the servers that the start made are in it.
 * @param given what the processes have from outside, which may be secrets that belong in no file: it is left out
 */
export async function writeEnvironmentFiles(
  folder: string,
  specs: readonly Pick<ProcessSpec, 'name' | 'env'>[],
  given: ReadonlySet<string>,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const { name, env } of specs) {
    const lines = Object.entries(env)
      .filter(([variable]) => !given.has(variable))
      .map(([variable, value]) => `${variable}=${quoted(value)}\n`)
    const file = join(folder, `${name}.env`)
    await writeFile(file, lines.join(''), { mode: 0o600 })
    // A file that was there already keeps its mode otherwise.
    await chmod(file, 0o600)
  }
}

/** Node takes a value in quotes as it stands, with no way to write the quotes themselves. */
function quoted(value: string): string {
  const quote = ["'", '"', '`'].find((each) => !value.includes(each)) ?? ''
  return `${quote}${value}${quote}`
}
