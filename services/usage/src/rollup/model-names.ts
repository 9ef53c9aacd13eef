import { OTHER_MODEL } from '@sluice/contracts'
import { rollupStart } from './granularity.ts'
import { type Rollup, rename } from './rollup.ts'

/** The owner of a budget of model names: one API key on one connection on one day (UTC). */
export interface NamesOwner {
  /** The day's start, Unix milliseconds. */
  readonly dayMs: number
  readonly connectionId: string
  readonly apiKeyId: string
}

/** The names of an owner that are counted by name. No name is in both lists, and none is ever removed. */
export interface KnownNames {
  /** Names whose first use succeeded. */
  readonly served: readonly string[]
  /** Names that could have been made up when they were first used. */
  readonly tried: readonly string[]
}

export const NO_NAMES: KnownNames = { served: [], tried: [] }

/** For each owner, the most names that are counted by name although no request had succeeded with them. */
export const MAX_TRIED = 30
/** The most further names with which a request had succeeded: a self-hosted server may accept any name. */
export const MAX_SERVED = 200

/** Identifies an owner, for maps. */
export function ownerKey({ dayMs, connectionId, apiKeyId }: NamesOwner): string {
  return `${dayMs}\0${connectionId}\0${apiKeyId}`
}

export function ownerOf({ fromMs, connectionId, apiKeyId }: Rollup): NamesOwner {
  return { dayMs: rollupStart('day', fromMs), connectionId, apiKeyId }
}

/**
 * Returns the known names with those of the owner's rollups for which there is room; the same object when none is new.
 */
export function withNamesOf(known: KnownNames, rollups: readonly Rollup[]): KnownNames {
  const isServed = ({ outcome }: Rollup) => outcome === 'success'
  const served = added(known.served, rollups.filter(isServed), known.tried, MAX_SERVED)
  const tried = added(known.tried, rollups, served, MAX_TRIED)
  return served === known.served && tried === known.tried ? known : { served, tried }
}

/** Returns the rollups, with unknown names replaced by {@link OTHER_MODEL}. @param known by {@link ownerKey} */
export function foldNames(rollups: readonly Rollup[], known: ReadonlyMap<string, KnownNames>): Rollup[] {
  const sets = new Map(Array.from(known, ([key, { served, tried }]) => [key, new Set([...served, ...tried])]))
  return rename(rollups, (rollup) =>
    isCounted(rollup.model) && !sets.get(ownerKey(ownerOf(rollup)))?.has(rollup.model) ? OTHER_MODEL : rollup.model,
  )
}

/** Returns whether a name takes room, as those that applications choose do. */
function isCounted(model: string): boolean {
  return model !== '' && model !== OTHER_MODEL
}

function added(
  names: readonly string[],
  rollups: readonly Rollup[],
  elsewhere: readonly string[],
  most: number,
): readonly string[] {
  if (names.length >= most) return names
  const all = new Set(names)
  const others = new Set(elsewhere)
  for (const { model } of rollups) {
    if (all.size >= most) break
    if (isCounted(model) && !others.has(model)) all.add(model)
  }
  return all.size === names.length ? names : [...all]
}
