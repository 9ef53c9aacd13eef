import { randomBytes } from 'node:crypto'
import { chmod, rename, writeFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { readOptional } from './read-optional.ts'

const PASSWORD_BYTES = 24

/**
 * Returns the passwords in the file at `path`, by name: it has a line `<name>=…` for each. Missing ones are generated
 * and added. Only the file's owner can read it (mode 0600).
 */
export async function ensurePasswords<Name extends string>(
  path: string,
  names: readonly Name[],
): Promise<Readonly<Record<Name, string>>> {
  const stored = parseEnv((await readOptional(path)) ?? '')
  const passwords = recordOf(names, (name) => stored[name] ?? generatePassword())
  if (names.some((name) => stored[name] === undefined)) {
    const lines = names.map((name) => `${name}=${passwords[name]}\n`)
    // A crash half-way must not leave half a file.
    await writeFile(`${path}.draft`, lines.join(''), { mode: 0o600, flush: true })
    await rename(`${path}.draft`, path)
  }
  // Whoever edited it or restored it may have opened it to others.
  await chmod(path, 0o600)
  return passwords
}

/**
 * Generates a password that a configuration file can hold unquoted: nats-server takes what begins with a digit for a
 * number.
 */
export function generatePassword(): string {
  return `n${randomBytes(PASSWORD_BYTES).toString('base64url')}`
}

/** Returns an object with the value that `make` returns for each name. */
export function recordOf<Name extends string, Value>(
  names: readonly Name[],
  make: (name: Name) => Value,
): Record<Name, Value> {
  // Object.fromEntries forgets which names there are.
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, Value>
}
