/** One implementation of capacity limits that the benchmark measures. */
export interface PermitSource {
  readonly name: string
  /** Acquires a permit of one request and some tokens, and settles it. @throws Error if it is not granted */
  takePermit(connectionId: string): Promise<void>
  stop(): Promise<void>
}

/** The tokens that every permit of the benchmark reserves and uses. */
export const RESERVED_TOKENS = 1_000
export const USED_TOKENS = 400

/** Limits that are never reached: only the cost of enforcing them is measured. */
export const REQUESTS_PER_MINUTE = 1_000_000_000
export const TOKENS_PER_MINUTE = 1_000_000_000_000

export const CONNECTIONS = 1_000

export function connectionName(index: number): string {
  return `connection-${index}`
}
