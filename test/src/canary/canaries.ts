import { randomBytes } from 'node:crypto'

/** The secrets of a run, by what they are. */
export class Canaries {
  readonly #byName = new Map<string, string>()

  /** A new secret that begins as its kind does. */
  make(name: string, prefix: string): string {
    return this.add(name, prefix + randomBytes(24).toString('hex'))
  }

  /** One that Sluice made. */
  add(name: string, secret: string): string {
    this.#byName.set(name, secret)
    return secret
  }

  get(name: string): string {
    const secret = this.#byName.get(name)
    if (secret === undefined) throw new Error(`there is no secret ${name}`)
    return secret
  }

  /** All of them, but for those named. */
  all(...except: string[]): ReadonlyMap<string, string> {
    return new Map([...this.#byName].filter(([name]) => !except.includes(name)))
  }
}
