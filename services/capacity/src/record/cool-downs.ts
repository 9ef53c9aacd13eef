/**
 * Cool-downs: pools that get no permits until a time, as the provider requested with a 429. Each is shared by all
 * gateways and begins narrow: it holds back requests of the refused request's pool and size only. A cool-down of up to
 * a minute is kept in full. During a longer one, single requests (trials) are let through at growing intervals to find
 * out whether the provider serves again.
 */
import type { CoolDown, Trial } from '@sluice/contracts'

/**
 * One cool-down of a pool, for requests that reserve at least `minTokens`: a refusal says nothing about smaller
 * requests. All instants are Unix milliseconds.
 */
interface PoolCoolDown {
  readonly minTokens: number
  readonly endsAtMs: number
  /** The provider is known to have served the model. */
  readonly isServed: boolean
  /** When a request was last refused. */
  readonly refusedAtMs: number
  /** Until then no trial is let through. */
  readonly strictUntilMs: number
  /** When the last trial was let through; 0 when there was none. */
  readonly triedAtMs: number
  /** When the next trial may go; not before `endsAtMs` when the cool-down is short. */
  readonly trialAtMs: number
  /** How long the next trial delays the one after it. */
  readonly trialIntervalMs: number
}

/** Cool-downs by {@link poolKey}. No list is empty. */
export type CoolDowns = ReadonlyMap<string, readonly PoolCoolDown[]>

export const NO_COOL_DOWNS: CoolDowns = new Map()

/**
 * The most cool-downs of a connection. Bounds the record's size. Cool-downs of models that were served are kept first,
 * then those that end last: made-up model names never push out a real model.
 */
export const MAX_COOL_DOWNS = 256

/** A cool-down of up to this length is kept in full; a longer one for this long after each refusal. */
export const STRICT_MS = 60_000
export const FIRST_TRIAL_INTERVAL_MS = 120_000
export const MAX_TRIAL_INTERVAL_MS = 600_000

/**
 * The requests that share a limit at the provider: a model's, or a part of them with limits of its own, such as a
 * service tier.
 */
export interface Pool {
  readonly model: string
  /** Absent: the model's common pool. */
  readonly pool?: string | undefined
}

/** Returns the pool's key. Pool names contain no semicolon; model names may. */
export function poolKey({ model, pool = '' }: Pool): string {
  return `${pool};${model}`
}

/** Returns the pool that {@link poolKey} gave this key. */
export function poolOf(key: string): Pick<CoolDown, 'model' | 'pool'> {
  const end = key.indexOf(';')
  const model = key.slice(end + 1)
  return end <= 0 ? { model } : { model, pool: key.slice(0, end) }
}

/** Removes the cool-downs that have ended; returns the same object when none has. */
export function advanceCoolDowns(coolDowns: CoolDowns, clockMs: number): CoolDowns {
  let advanced: Map<string, readonly PoolCoolDown[]> | undefined
  for (const [key, each] of coolDowns) {
    if (each.every(({ endsAtMs }) => endsAtMs > clockMs)) continue
    advanced ??= new Map(coolDowns)
    setOrDelete(
      advanced,
      key,
      each.filter(({ endsAtMs }) => endsAtMs > clockMs),
    )
  }
  return advanced ?? coolDowns
}

/**
 * Adds a cool-down that begins now. An existing one of the same pool and size is extended, never shortened, and its
 * next trial delayed.
 */
export function withCoolDown(coolDowns: CoolDowns, added: CoolDown, clockMs: number): CoolDowns {
  const { minTokens = 0, durationMs, isServed = false } = added
  const key = poolKey(added)
  const others = coolDowns.get(key) ?? []
  const known = others.find((each) => each.minTokens === minTokens)
  const strictUntilMs = Math.max(known?.strictUntilMs ?? 0, clockMs + Math.min(durationMs, STRICT_MS))
  const longer: PoolCoolDown = {
    minTokens,
    endsAtMs: Math.max(known?.endsAtMs ?? 0, clockMs + durationMs),
    isServed: isServed || known?.isServed === true,
    refusedAtMs: clockMs,
    strictUntilMs,
    triedAtMs: known?.triedAtMs ?? 0,
    trialAtMs: Math.max(known?.trialAtMs ?? 0, strictUntilMs),
    trialIntervalMs: known?.trialIntervalMs ?? FIRST_TRIAL_INTERVAL_MS,
  }
  return bounded(new Map(coolDowns).set(key, [...others.filter((each) => each !== known), longer]))
}

/** Returns for how many milliseconds a request of `tokens` is held back; 0 when it is not, or may be the next trial. */
export function coolDownMs(coolDowns: CoolDowns, pool: Pool, tokens: number, clockMs: number): number {
  let longestMs = 0
  for (const each of holdingBack(coolDowns, pool, tokens)) {
    longestMs = Math.max(longestMs, Math.min(each.endsAtMs, each.trialAtMs) - clockMs)
  }
  return longestMs
}

/** Returns true when a request that is let through now is a trial: a cool-down of its pool has not ended. */
export function isTrial(coolDowns: CoolDowns, pool: Pool, tokens: number): boolean {
  return holdingBack(coolDowns, pool, tokens).length > 0
}

/**
 * Records a trial that is let through now. Requests are held back until the next trial, whatever becomes of this one.
 */
export function withTrial(coolDowns: CoolDowns, pool: Pool, tokens: number, clockMs: number): CoolDowns {
  return change(coolDowns, pool, tokens, (each) => ({
    ...each,
    triedAtMs: clockMs,
    trialAtMs: clockMs + each.trialIntervalMs,
    trialIntervalMs: Math.min(MAX_TRIAL_INTERVAL_MS, 2 * each.trialIntervalMs),
  }))
}

/**
 * Records the outcome of a trial. If the provider served it, the cool-downs it was let through are over, unless
 * another request was refused since. If it was never sent, the next request becomes the trial.
 */
export function afterTrial(coolDowns: CoolDowns, trial: Trial, clockMs: number): CoolDowns {
  const { tokens, grantedAtMs, outcome } = trial
  return change(coolDowns, trial, tokens, (each) => {
    if (outcome === 'served') return each.refusedAtMs < grantedAtMs ? undefined : each
    // A later trial is under way.
    if (each.triedAtMs > grantedAtMs) return each
    return {
      ...each,
      trialAtMs: Math.min(each.trialAtMs, Math.max(clockMs, each.strictUntilMs)),
      trialIntervalMs: Math.max(FIRST_TRIAL_INTERVAL_MS, each.trialIntervalMs / 2),
    }
  })
}

function holdingBack(coolDowns: CoolDowns, pool: Pool, tokens: number): readonly PoolCoolDown[] {
  if (coolDowns.size === 0) return NONE
  return coolDowns.get(poolKey(pool))?.filter(({ minTokens }) => minTokens <= tokens) ?? NONE
}

/** Replaces each cool-down that holds back such a request by what `changed` returns; undefined removes it. */
function change(
  coolDowns: CoolDowns,
  pool: Pool,
  tokens: number,
  changed: (coolDown: PoolCoolDown) => PoolCoolDown | undefined,
): CoolDowns {
  if (holdingBack(coolDowns, pool, tokens).length === 0) return coolDowns
  const key = poolKey(pool)
  const next = new Map(coolDowns)
  const each = next.get(key) ?? NONE
  setOrDelete(
    next,
    key,
    each.flatMap((coolDown) => (coolDown.minTokens > tokens ? [coolDown] : (changed(coolDown) ?? []))),
  )
  return next
}

function setOrDelete(map: Map<string, readonly PoolCoolDown[]>, key: string, each: readonly PoolCoolDown[]): void {
  if (each.length === 0) map.delete(key)
  else map.set(key, each)
}

function bounded(coolDowns: Map<string, readonly PoolCoolDown[]>): CoolDowns {
  let count = 0
  for (const each of coolDowns.values()) count += each.length
  if (count <= MAX_COOL_DOWNS) return coolDowns
  const all = [...coolDowns].flatMap(([key, each]) => each.map((coolDown) => ({ key, coolDown })))
  const kept = new Map<string, PoolCoolDown[]>()
  for (const { key, coolDown } of all.sort((a, b) => byRank(a.coolDown, b.coolDown)).slice(0, MAX_COOL_DOWNS)) {
    kept.set(key, [...(kept.get(key) ?? []), coolDown])
  }
  return kept
}

/** Sorts the cool-downs to keep first. */
function byRank(a: PoolCoolDown, b: PoolCoolDown): number {
  return Number(b.isServed) - Number(a.isServed) || b.endsAtMs - a.endsAtMs
}

const NONE: readonly PoolCoolDown[] = []
