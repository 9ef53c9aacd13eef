import type { CoolDown, Trial } from '@sluice/contracts'

/**
 * A pause that a provider asked for, of requests of one pool that reserve at least `minTokens`: a request that is refused says nothing of
 * smaller ones. Up to a minute is kept as it was asked for. Of a longer one, single requests are let through in growing intervals, to find out
 * whether the provider serves again. All instants are Unix milliseconds.
 */
export interface PoolCoolDown {
  readonly minTokens: number
  readonly endsAtMs: number
  /** The provider is known to have served the model. */
  readonly isServed: boolean
  /** When a request was last refused, and until when none is let through for it. */
  readonly refusedAtMs: number
  readonly strictUntilMs: number
  /** When a request was last let through to try; 0: none was. */
  readonly triedAtMs: number
  /** When the next one is; not before `endsAtMs` where the pause is short. */
  readonly trialAtMs: number
  /** By how much a trial puts off the next one. */
  readonly trialIntervalMs: number
}

/** Of each pool that cools down, by {@link poolKey}; none is empty. */
export type CoolDowns = ReadonlyMap<string, readonly PoolCoolDown[]>

export const NO_COOL_DOWNS: CoolDowns = new Map()

/**
 * So many cool-downs are kept at once; of more, those of models that were served stay first, and then those that end last: names that
 * somebody makes up push no real model out. Bounds the record's size.
 */
export const MAX_COOLDOWNS = 256

/** A pause up to this long is kept strictly; a longer one for so long after each refusal. */
export const STRICT_MS = 60_000
export const FIRST_TRIAL_INTERVAL_MS = 120_000
export const MAX_TRIAL_INTERVAL_MS = 600_000

/** Which requests share a limit at the provider: those of a model, or of a part of them (a service tier, say) that has limits of its own. */
export interface Pool {
  readonly model: string
  /** Absent: the model's common pool. */
  readonly pool?: string | undefined
}

/** Names a pool. Pools' names have no semicolon; models' may. */
export function poolKey({ model, pool = '' }: Pool): string {
  return `${pool};${model}`
}

/** The pool of this name. */
export function poolOf(key: string): Pick<CoolDown, 'model' | 'pool'> {
  const end = key.indexOf(';')
  const model = key.slice(end + 1)
  return end <= 0 ? { model } : { model, pool: key.slice(0, end) }
}

/** Without the cool-downs that have ended; the same object where none has. */
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

/** With a pause that begins now. One of the same pool and size is lengthened by it and never shortened, and its next trial put off. */
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

/** How long the pool's pauses keep a request of `tokens` back, in milliseconds; 0: not, or it is to be the next trial. */
export function coolDownMs(coolDowns: CoolDowns, pool: Pool, tokens: number, clockMs: number): number {
  let longestMs = 0
  for (const each of holdingBack(coolDowns, pool, tokens)) {
    longestMs = Math.max(longestMs, Math.min(each.endsAtMs, each.trialAtMs) - clockMs)
  }
  return longestMs
}

/** Whether a request that is let through now is a trial: its pool's pauses have not ended. */
export function isTrial(coolDowns: CoolDowns, pool: Pool, tokens: number): boolean {
  return holdingBack(coolDowns, pool, tokens).length > 0
}

/** With a trial under way: until the next one, requests are kept back, whatever becomes of this one. */
export function withTrial(coolDowns: CoolDowns, pool: Pool, tokens: number, clockMs: number): CoolDowns {
  return change(coolDowns, pool, tokens, (each) => ({
    ...each,
    triedAtMs: clockMs,
    trialAtMs: clockMs + each.trialIntervalMs,
    trialIntervalMs: Math.min(MAX_TRIAL_INTERVAL_MS, 2 * each.trialIntervalMs),
  }))
}

/**
 * With what became of a trial: where the provider served it, the pauses that it was let through are over, unless it has refused another
 * request since; where it was not sent, the next request is to try.
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

function change(
  coolDowns: CoolDowns,
  pool: Pool,
  tokens: number,
  changed: (each: PoolCoolDown) => PoolCoolDown | undefined,
): CoolDowns {
  if (holdingBack(coolDowns, pool, tokens).length === 0) return coolDowns
  const key = poolKey(pool)
  const next = new Map(coolDowns)
  const each = next.get(key) ?? NONE
  setOrDelete(
    next,
    key,
    each.flatMap((one) => (one.minTokens > tokens ? [one] : (changed(one) ?? []))),
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
  if (count <= MAX_COOLDOWNS) return coolDowns
  const all = [...coolDowns].flatMap(([key, each]) => each.map((one) => ({ key, one })))
  const kept = new Map<string, PoolCoolDown[]>()
  for (const { key, one } of all.sort((a, b) => byRank(a.one, b.one)).slice(0, MAX_COOLDOWNS)) {
    kept.set(key, [...(kept.get(key) ?? []), one])
  }
  return kept
}

/** Orders what is kept first before the others. */
function byRank(a: PoolCoolDown, b: PoolCoolDown): number {
  return Number(b.isServed) - Number(a.isServed) || b.endsAtMs - a.endsAtMs
}

const NONE: readonly PoolCoolDown[] = []
