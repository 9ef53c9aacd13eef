/** A count from JSON: a whole number, not negative; undefined where it is anything else. */
export function tokenCount(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined
}

/** A maximum from a request, rounded up; undefined where it is no positive number. Text counts as the number that it reads as. */
export function positiveCount(value: unknown): number | undefined {
  // Many servers convert it.
  const number = typeof value === 'string' ? Number(value) : value
  return typeof number === 'number' && number > 0 && Number.isFinite(number) ? Math.ceil(number) : undefined
}

/** About how many tokens a text of this many bytes has. */
export function approximateTokens(textBytes: number): number {
  return Math.ceil(textBytes / BYTES_PER_TOKEN)
}

const BYTES_PER_TOKEN = 4
