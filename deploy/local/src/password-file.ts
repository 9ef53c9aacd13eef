import { randomBytes } from 'node:crypto'
import { chmod, rename, writeFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { readOptional } from './read-optional.ts'

const PASSWORD_BYTES = 24

/**
 * Returns the passwords in the file at `path`, by their names: it has a line `<name>=…` for each. Those that are missing are generated and
 * added; the file is for its owner alone (mode 0600).
 */
export async function ensurePasswords(
  path: string,
  names: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const stored = parseEnv((await readOptional(path)) ?? '')
  const entries = names.map((name) => [name, stored[name] ?? generatePassword()] as const)
  if (names.some((name) => stored[name] === undefined)) {
    const lines = entries.map(([name, password]) => `${name}=${password}\n`)
    // A crash half-way must not leave half a file.
    await writeFile(`${path}.draft`, lines.join(''), { mode: 0o600, flush: true })
    await rename(`${path}.draft`, path)
  }
  // Whoever edited it or brought it back may have opened it to others.
  await chmod(path, 0o600)
  return Object.fromEntries(entries)
}

/** Generates a password that a configuration file can hold unquoted: nats-server takes what begins with a digit for a number. */
export function generatePassword(): string {
  return `n${randomBytes(PASSWORD_BYTES).toString('base64url')}`
}
