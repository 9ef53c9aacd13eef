/** Whether a value from JSON is an object: neither null nor an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of JSON text; undefined, which no JSON is, where it is none. */
export function parseJson(text: Buffer | string): unknown {
  try {
    return JSON.parse(typeof text === 'string' ? text : text.toString('utf8'))
  } catch {
    return undefined
  }
}

/** The JSON text of a value from JSON; undefined where it is nested too deeply to be written. */
export function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

/** An embedding: numbers, at least one. */
export function isVector(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number')
}

/**
 * Reads a count from JSON: a whole number that is not negative. Some servers write it as a fraction (`12.0`), which is rounded up, or
 * as text (`"12"`). Returns undefined for anything else.
 */
export function tokenCount(value: unknown): number | undefined {
  const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !(number >= 0)) return undefined
  const count = Math.ceil(number)
  return Number.isSafeInteger(count) ? count : undefined
}

const NUMBER = /^\d{1,16}(?:\.\d{1,16})?$/

/** Returns the sum of an object's members that are counts; undefined where it has none. */
export function countsWithin(counts: unknown): number | undefined {
  if (!isRecord(counts)) return undefined
  let sum: number | undefined
  for (const name in counts) {
    const count = tokenCount(counts[name])
    if (count !== undefined) sum = (sum ?? 0) + count
  }
  return sum
}

/** A maximum from a request, rounded up; undefined where it is no positive number. Text counts as the number that it reads as. */
export function positiveCount(value: unknown): number | undefined {
  // Many servers convert it.
  const number = typeof value === 'string' ? Number(value) : value
  return typeof number === 'number' && number > 0 && Number.isFinite(number) ? Math.ceil(number) : undefined
}

/** Returns about how many tokens a text of this many bytes has, as a fraction. */
export function tokensOfBytes(textBytes: number): number {
  return textBytes / BYTES_PER_TOKEN
}

const BYTES_PER_TOKEN = 4
