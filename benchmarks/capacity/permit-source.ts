/** One way to hold connections to their capacity, as the benchmark drives it. */
export interface PermitSource {
  readonly name: string
  /** Asks for a permit of one request and some tokens, and settles it. @throws Error when it is not granted */
  takePermit(connectionId: string): Promise<void>
  stop(): Promise<void>
}

/** What every permit of the benchmark reserves and uses. */
export const RESERVED_TOKENS = 1_000
export const USED_TOKENS = 400

/** Limits that are never reached: what is measured is the cost of holding them. */
export const REQUESTS_PER_MINUTE = 1_000_000_000
export const TOKENS_PER_MINUTE = 1_000_000_000_000

export const CONNECTIONS = 1_000

export function connectionName(index: number): string {
  return `connection-${index}`
}
