/** The AWS APIs that are simulated here. */
export type AwsService = 'sts' | 'kms' | 'service-quotas'

/** The simulator's treatment of the requests that match. */
export interface AwsControl {
  /** Only requests to this service; to all if absent. */
  readonly service?: AwsService
  /** Only this many requests; until cleared if absent. */
  readonly times?: number
  /** Delay before the response, in milliseconds. */
  readonly latencyMs?: number
  readonly fault?: AwsFault
}

/** Signatures are checked first: a request that is not signed correctly gets its own error. */
export type AwsFault =
  /** Responds with this status and an error in the service's format. */
  | { readonly kind: 'status'; readonly status: number; readonly message?: string }
  /** Responds with the service's throttling error. */
  | { readonly kind: 'rate-limit' }
  /** Accepts the request and never responds. */
  | { readonly kind: 'hang-before-headers' }
  /** Destroys the connection without a response. */
  | { readonly kind: 'break-before-headers' }

/**
 * Controls without `times` stand until cleared, the later one winning; each request uses up one queued control on top.
 */
export class AwsControls {
  #standing: AwsControl[] = []
  #queued: { readonly control: AwsControl; remaining: number }[] = []

  add(control: AwsControl): void {
    if (control.times === undefined) this.#standing.push(control)
    else this.#queued.push({ control, remaining: control.times })
  }

  clear(): void {
    this.#standing = []
    this.#queued = []
  }

  /** Returns what applies to a request that arrives now. */
  take(service: AwsService): Pick<AwsControl, 'latencyMs' | 'fault'> {
    const matches = (control: AwsControl) => control.service === undefined || control.service === service
    const index = this.#queued.findIndex(({ control }) => matches(control))
    const entry = this.#queued[index]
    if (entry !== undefined) {
      entry.remaining -= 1
      if (entry.remaining === 0) this.#queued.splice(index, 1)
    }
    return Object.assign({}, ...this.#standing.filter(matches), entry?.control)
  }
}

/** One request that reached the simulator. */
export interface AwsRequestRecord {
  readonly service: AwsService
  /** Such as `AssumeRole`. */
  readonly operation: string
  readonly body: string
}

/** Keeps the latest 10,000 requests. */
export class AwsRequestLog {
  #records: AwsRequestRecord[] = []

  add(record: AwsRequestRecord): void {
    this.#records.push(record)
    if (this.#records.length > MAX_RECORDS) this.#records.shift()
  }

  /** Oldest first, refused ones too; only those to `service` if given. */
  list(service?: AwsService): readonly AwsRequestRecord[] {
    return service === undefined ? this.#records : this.#records.filter((record) => record.service === service)
  }

  /** Returns how many requests for the operation arrived, refused ones included. */
  count(operation: string): number {
    return this.#records.filter((record) => record.operation === operation).length
  }

  clear(): void {
    this.#records = []
  }
}

const MAX_RECORDS = 10_000
