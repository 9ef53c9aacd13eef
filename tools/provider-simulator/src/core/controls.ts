import type { Control } from './control.ts'

/** What applies to one request: every control that matched it, put together. */
export type Behaviour = Omit<Control, 'apiKey' | 'pathPrefix' | 'times'>

/**
 * Controls without `times` stand until cleared; where several match, the later one's fields win. Controls with `times`
 * queue: each request takes the first that matches, on top of those that stand.
 */
export class Controls {
  #standing: Control[] = []
  #queued: QueuedControl[] = []

  add(control: Control): void {
    if (control.times === undefined) this.#standing.push(control)
    else this.#queued.push({ control, remaining: control.times })
  }

  /** Drops every control, or those of one API key. */
  clear(apiKey?: string): void {
    this.#standing = this.#standing.filter((control) => apiKey !== undefined && control.apiKey !== apiKey)
    this.#queued = this.#queued.filter(({ control }) => apiKey !== undefined && control.apiKey !== apiKey)
  }

  /** The controls that still apply, those that count down with the `times` they have left. */
  list(): readonly Control[] {
    return [...this.#standing, ...this.#queued.map(({ control, remaining }) => ({ ...control, times: remaining }))]
  }

  /** What applies to a request that arrives now with this key at this path; uses up one of its queued control's `times`. */
  take(apiKey: string | undefined, path: string): Behaviour {
    if (this.#standing.length === 0 && this.#queued.length === 0) return UNCHANGED
    const standing = this.#standing.filter((control) => matches(control, apiKey, path))
    const queued = this.#takeQueued(apiKey, path)
    return Object.assign({}, ...standing, queued)
  }

  #takeQueued(apiKey: string | undefined, path: string): Control | undefined {
    const index = this.#queued.findIndex(({ control }) => matches(control, apiKey, path))
    const entry = this.#queued[index]
    if (entry === undefined) return undefined
    entry.remaining -= 1
    if (entry.remaining === 0) this.#queued.splice(index, 1)
    return entry.control
  }
}

const UNCHANGED: Behaviour = {}

interface QueuedControl {
  readonly control: Control
  remaining: number
}

function matches(control: Control, apiKey: string | undefined, path: string): boolean {
  if (control.apiKey !== undefined && control.apiKey !== apiKey) return false
  return control.pathPrefix === undefined || path.startsWith(control.pathPrefix)
}
