import { createHash, randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Behavior } from './controls.ts'

/** Makes ids and times of the response a function of its value, so that two responses can be compared byte for byte. */
export const SEED_HEADER = 'x-simulator-seed'
/** Sets the length of the output in tokens; takes precedence over a control. */
export const OUTPUT_TOKENS_HEADER = 'x-simulator-output-tokens'

/** The inputs of a response, apart from the request itself. */
export interface Generation {
  readonly ids: Ids
  /** Whole Unix seconds. */
  readonly createdAtS: number
  /** Length of the output; absent: the provider's default. */
  readonly outputTokens?: number
  readonly omitUsage: boolean
  /** Calls a tool where the request leaves that to the model, and not only where the request demands it. */
  readonly callsTools: boolean
}

/** Returns undefined if a simulator header has an invalid value. */
export function readGeneration(
  headers: IncomingHttpHeaders,
  behavior: Behavior,
  ids: Ids,
  nowMs: number,
): Generation | undefined {
  const stated = headers[OUTPUT_TOKENS_HEADER]
  if (stated !== undefined && (typeof stated !== 'string' || !/^\d{1,6}$/.test(stated))) return undefined
  const outputTokens = stated === undefined ? behavior.outputTokens : Number(stated)
  return {
    ids,
    createdAtS: headers[SEED_HEADER] === undefined ? Math.floor(nowMs / 1000) : SEEDED_CREATED_AT_S,
    omitUsage: behavior.omitUsage === true,
    callsTools: behavior.callTools === true,
    ...(outputTokens !== undefined && { outputTokens }),
  }
}

const SEEDED_CREATED_AT_S = 1_750_000_000

/** Returns the next identifier of `length` (at most 64) hexadecimal digits. */
export type Ids = (length: number) => string

/** Returns the source of all ids of one request: seeded by its header, random without it. */
export function readIds(headers: IncomingHttpHeaders): Ids {
  const seed = headers[SEED_HEADER]
  return typeof seed === 'string' ? seededIds(seed) : randomIds
}

const randomIds: Ids = (length) => {
  let digits = ''
  while (digits.length < length) digits += randomUUID().replaceAll('-', '')
  return digits.slice(0, length)
}

/** Returns the same sequence for the same seed. */
function seededIds(seed: string): Ids {
  let count = 0
  return (length) => {
    count += 1
    return createHash('sha256').update(`${count}:${seed}`).digest('hex').slice(0, length)
  }
}
