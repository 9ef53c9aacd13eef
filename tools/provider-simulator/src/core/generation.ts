import type { IncomingHttpHeaders } from 'node:http'
import type { Behaviour } from './controls.ts'
import { type Ids, randomIds, seededIds } from './ids.ts'

/** What an answer is generated from, aside from the request itself. */
export interface Generation {
  readonly ids: Ids
  /** Unix seconds, whole. */
  readonly createdAtS: number
  /** Length of the answer that was asked for; absent leaves it to the provider. */
  readonly outputTokens?: number
  readonly omitUsage: boolean
  /** Calls a tool where the request leaves that to the model, rather than only where it demands one. */
  readonly callsTools: boolean
}

/** Makes the answer's ids and times a function of this value, so that two answers can be compared byte for byte. */
export const SEED_HEADER = 'x-simulator-seed'
/** Sets the length of the answer in tokens; wins over a control. */
export const OUTPUT_TOKENS_HEADER = 'x-simulator-output-tokens'

/** The ids of everything about one request. */
export function readIds(headers: IncomingHttpHeaders): Ids {
  const seed = headers[SEED_HEADER]
  return typeof seed === 'string' ? seededIds(seed) : randomIds
}

/** Undefined if a simulator header holds what it must not. */
export function readGeneration(
  headers: IncomingHttpHeaders,
  behaviour: Behaviour,
  ids: Ids,
  nowMs: number,
): Generation | undefined {
  const stated = headers[OUTPUT_TOKENS_HEADER]
  if (stated !== undefined && (typeof stated !== 'string' || !/^\d{1,6}$/.test(stated))) return undefined
  const outputTokens = stated === undefined ? behaviour.outputTokens : Number(stated)
  return {
    ids,
    createdAtS: headers[SEED_HEADER] === undefined ? Math.floor(nowMs / 1000) : SEEDED_CREATED_AT_S,
    omitUsage: behaviour.omitUsage === true,
    callsTools: behaviour.callTools === true,
    ...(outputTokens !== undefined && { outputTokens }),
  }
}

const SEEDED_CREATED_AT_S = 1_750_000_000
