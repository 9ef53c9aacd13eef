/** For which models of a connection streams are sent without a request for usage: those named, or all of them. */
export type WithoutUsage = true | readonly string[]

interface Known {
  /** The connection's: any change of it begins again. */
  readonly version: number
  /** By model: what was learned, and until when it holds. */
  readonly models: Map<string, { readonly refuses: boolean; readonly untilMs: number }>
}

/** The connection that a request goes to, as it is now. */
export interface ConnectionVersion {
  readonly id: string
  readonly version: number
}

/**
 * Remembers which models refuse the request for usage that the gateway adds to streams (`stream_options`), for an hour and as long as their
 * connection does not change; and for which one it was tried without and made no difference. Bounded, as applications name the models.
 */
export class StreamUsageRefusals {
  readonly #byConnection = new Map<string, Known>()

  /** Returns the models that are known to refuse it; undefined where none are. */
  modelsOf({ id, version }: ConnectionVersion, nowMs: number): readonly string[] | undefined {
    const known = this.#byConnection.get(id)
    if (known === undefined || known.version !== version) return undefined
    const refusing = [...known.models].filter(([, { refuses, untilMs }]) => refuses && nowMs < untilMs)
    return refusing.length === 0 ? undefined : refusing.map(([model]) => model)
  }

  /** Returns whether a stream that was refused may be sent once more without it. */
  mayRetry({ id, version }: ConnectionVersion, model: string, nowMs: number): boolean {
    const known = this.#byConnection.get(id)
    const learned = known?.version === version ? known.models.get(model) : undefined
    return learned === undefined || nowMs >= learned.untilMs
  }

  /** The stream was refused with it; without it, it was accepted (`refuses`) or refused as well. */
  note({ id, version }: ConnectionVersion, model: string, refuses: boolean, nowMs: number): void {
    const before = this.#byConnection.get(id)
    // A response to what was sent before a change says nothing of what is there now.
    if (before !== undefined && before.version > version) return
    const known = before?.version === version ? before : { version, models: new Map() }
    known.models.delete(model)
    known.models.set(model, { refuses, untilMs: nowMs + (refuses ? REFUSAL_MS : OTHER_CAUSE_MS) })
    keepNewest(known.models, MAX_MODELS)
    this.#byConnection.delete(id)
    this.#byConnection.set(id, known)
    keepNewest(this.#byConnection, MAX_CONNECTIONS)
  }
}

function keepNewest(map: Map<string, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= most) return
    map.delete(oldest)
  }
}

const REFUSAL_MS = 3_600_000
/** An application that sends what is refused anyhow doubles its requests no more often than that. */
const OTHER_CAUSE_MS = 300_000
const MAX_MODELS = 50
const MAX_CONNECTIONS = 1_000
