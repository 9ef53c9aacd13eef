import type { Ids } from '../../core/ids.ts'

/** The temporary credentials that a role was assumed for. */
export interface Session {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  /** Unix milliseconds. */
  readonly expiresAtMs: number
  /** Whose role it is. */
  readonly account: string
}

/** All sessions that one simulator has handed out. */
export class Sessions {
  readonly #byAccessKeyId = new Map<string, Session>()

  open(account: string, expiresAtMs: number, ids: Ids): Session {
    const session = {
      accessKeyId: `ASIA${ids(16).toUpperCase()}`,
      secretAccessKey: ids(40),
      sessionToken: `FwoGZXIvYXdzE${ids(64)}`,
      expiresAtMs,
      account,
    }
    this.#byAccessKeyId.set(session.accessKeyId, session)
    return session
  }

  /** Expired ones too: the answer to them is another. */
  get(accessKeyId: string): Session | undefined {
    return this.#byAccessKeyId.get(accessKeyId)
  }
}
