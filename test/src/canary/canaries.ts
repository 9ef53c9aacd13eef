import { randomBytes } from 'node:crypto'

/** The secrets of a run, by name. */
export class Canaries {
  readonly #byName = new Map<string, string>()

  /** Creates a secret with the prefix of its kind. */
  make(name: string, prefix: string): string {
    return this.add(name, prefix + randomBytes(24).toString('hex'))
  }

  /** Adds a secret that Sluice created. */
  add(name: string, secret: string): string {
    this.#byName.set(name, secret)
    return secret
  }

  get(name: string): string {
    const secret = this.#byName.get(name)
    if (secret === undefined) throw new Error(`there is no secret "${name}"`)
    return secret
  }

  /** Returns all secrets except those named. */
  all(...except: string[]): ReadonlyMap<string, string> {
    return new Map([...this.#byName].filter(([name]) => !except.includes(name)))
  }
}
