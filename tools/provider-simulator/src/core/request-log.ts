import type { IncomingHttpHeaders } from 'node:http'

/** One request that reached the simulated provider. */
export interface RequestRecord {
  /** Unix milliseconds, with a fraction. */
  readonly arrivedAtMs: number
  /** Absent for a request without a registered key. */
  readonly apiKey?: string
  readonly method: string
  /** Without the query, which may hold a key. */
  readonly path: string
  /** The model's alias; absent if the request names no existing model. */
  readonly model?: string
  /** Absent until headers have been sent. */
  readonly status?: number
  readonly outcome: Outcome
  /** Only if the simulator was started with `recordContent`. */
  readonly content?: { readonly headers: IncomingHttpHeaders; readonly body: string }
}

/** `broken-off`: a control had the simulator destroy the connection. */
type Outcome = 'pending' | 'completed' | 'broken-off' | 'client-disconnected'

/** The number of requests that arrived, and their statuses. Pending requests are only in `total`. */
export interface RequestCounts {
  readonly total: number
  readonly byStatus: Readonly<Record<number, number>>
}

/** Keeps the latest `maxRecords` requests, and exact counts of all since the last `clear`. */
export class RequestLog {
  readonly #maxRecords: number
  #records: MutableRecord[] = []
  #arrived = 0
  #counts = new Map<string | undefined, MutableCounts>()

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords
  }

  /** Returns at most the latest `maxRecords` requests, oldest first; only those of `apiKey` if given. */
  list(apiKey?: string): readonly RequestRecord[] {
    const oldest = this.#arrived > this.#maxRecords ? this.#arrived % this.#maxRecords : 0
    const ordered = [...this.#records.slice(oldest), ...this.#records.slice(0, oldest)]
    return apiKey === undefined ? ordered : ordered.filter((record) => record.apiKey === apiKey)
  }

  /** Returns the counts of one registered account, or of all requests. */
  counts(apiKey?: string): RequestCounts {
    const selected = apiKey === undefined ? [...this.#counts.values()] : [this.#counts.get(apiKey) ?? noCounts()]
    const sum = noCounts()
    for (const { total, byStatus } of selected) {
      sum.total += total
      for (const [status, count] of Object.entries(byStatus)) increase(sum.byStatus, Number(status), count)
    }
    return sum
  }

  /** Forgets everything. Requests still in progress are not counted when they end. */
  clear(): void {
    this.#records = []
    this.#arrived = 0
    this.#counts = new Map()
  }

  /** Records an arrival. The handle adds what becomes known later. */
  open(arrival: Pick<RequestRecord, 'arrivedAtMs' | 'apiKey' | 'method' | 'path' | 'content'>): OpenRecord {
    const record: MutableRecord = { ...arrival, outcome: 'pending' }
    this.#records[this.#arrived % this.#maxRecords] = record
    this.#arrived += 1
    const counts = this.#counts.get(arrival.apiKey) ?? noCounts()
    this.#counts.set(arrival.apiKey, counts)
    counts.total += 1
    return {
      model: (model) => {
        record.model = model
      },
      status: (status) => {
        record.status = status
        increase(counts.byStatus, status, 1)
      },
      end: (outcome) => {
        record.outcome = outcome
      },
    }
  }
}

export interface OpenRecord {
  model(model: string): void
  status(status: number): void
  end(outcome: Exclude<Outcome, 'pending'>): void
}

type MutableRecord = { -readonly [field in keyof RequestRecord]: RequestRecord[field] }

interface MutableCounts {
  total: number
  readonly byStatus: Record<number, number>
}

function noCounts(): MutableCounts {
  return { total: 0, byStatus: {} }
}

function increase(counts: Record<number, number>, status: number, by: number): void {
  counts[status] = (counts[status] ?? 0) + by
}
